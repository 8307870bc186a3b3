//! The end of a line that sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use domain::{ClientId, ConversationId};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::{micros, padding, stamped};
use crate::bench::latencies::Latencies;
use crate::bench::lean::{Heard, Socket, number_of, numbered, parse};
use crate::bench::meter::{Numbers, Tally};

/// Acks that are still to come get this long.
const ACK_PATIENCE: Duration = Duration::from_secs(30);

/// The end of a line that sends.
pub(in crate::bench) struct Sender {
    socket: Socket,
    conversation: ConversationId,
    /// Client ids are made at this time, in Unix milliseconds, so that those of another run are others.
    unix_ms: u64,
    padding: String,
    start: Instant,
    next: u64,
    outstanding: usize,
    /// What the receivers of the line got so far, counted together.
    delivered: Arc<AtomicU64>,
    result: Sent,
}

/// What a sender saw.
#[derive(Default)]
pub(in crate::bench) struct Sent {
    pub(in crate::bench) tally: Tally,
    pub(in crate::bench) acked: Numbers,
    pub(in crate::bench) latencies: Option<Latencies>,
    /// When each was meant to be sent, in microseconds since the start.
    meant: Vec<u64>,
}

#[derive(Serialize)]
struct SendFrame<'a> {
    r#type: &'static str,
    conversation: ConversationId,
    client_id: ClientId,
    body: &'a RawValue,
}

impl Sender {
    pub(super) fn new(
        socket: Socket,
        conversation: ConversationId,
        unix_ms: u64,
        text_bytes: usize,
        start: Instant,
        delivered: Arc<AtomicU64>,
    ) -> Self {
        Self {
            socket,
            conversation,
            unix_ms,
            padding: padding(text_bytes),
            start,
            next: 0,
            outstanding: 0,
            delivered,
            result: Sent::default(),
        }
    }

    pub(in crate::bench) fn now_us(&self) -> u64 {
        micros(self.start.elapsed())
    }

    /// Messages that were sent and not answered yet.
    pub(in crate::bench) fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Messages that were sent.
    pub(in crate::bench) fn sent(&self) -> u64 {
        self.next
    }

    /// What the receivers of the line got so far, counted together.
    pub(in crate::bench) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Puts the next message in line; it was meant to be sent then.
    pub(in crate::bench) fn send(&mut self, meant_us: u64) -> Result<()> {
        let body = stamped(meant_us, &self.padding);
        let body: &RawValue = serde_json::from_str(&body)?;
        let client_id = numbered(self.unix_ms, self.next);
        let frame = SendFrame { r#type: "send", conversation: self.conversation, client_id, body };
        self.socket.say(&frame)?;
        self.next += 1;
        self.outstanding += 1;
        self.result.tally.sent += 1;
        self.result.meant.push(meant_us);
        Ok(())
    }

    /// Writes what is in line.
    pub(in crate::bench) fn write(&mut self) -> Result<()> {
        self.socket.write()
    }

    /// Writes, and waits for answers. Can be dropped and called again without loss.
    pub(in crate::bench) async fn answers(&mut self) -> Result<()> {
        self.socket.turn().await?;
        let now = self.now_us();
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Sent { client_id } => {
                    let number = number_of(client_id).context("an ack of something else")?;
                    self.outstanding -= 1;
                    self.result.tally.acked += u64::from(self.result.acked.insert(number));
                    let meant = self.result.meant.get(number as usize).copied().unwrap_or(now);
                    let latencies = self.result.latencies.get_or_insert_with(Latencies::new);
                    latencies.record(now.saturating_sub(meant));
                }
                Heard::Error(_) => {
                    self.outstanding -= 1;
                    self.result.tally.refused += 1;
                }
                Heard::Goodbye(goodbye) => bail!("a sender was sent away: {goodbye:?}"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits for the answers that are missing.
    pub(super) async fn finish(mut self) -> Result<Sent> {
        let rest = async {
            while self.outstanding > 0 {
                self.answers().await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        // What is not acked by then is not counted as acked, and so not as lost either.
        if let Ok(done) = timeout(ACK_PATIENCE, rest).await {
            done?;
        }
        Ok(self.result)
    }
}
