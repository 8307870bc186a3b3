//! The end of a line that sends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use domain::{ClientId, ConversationId};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::answers::Answers;
use super::{micros, padding, stamped};
use crate::bench::latencies::Latencies;
use crate::bench::lean::{Heard, Socket, numbered, parse};

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
    /// What was meant to be sent before this, in microseconds since the start, is in no histogram.
    pub(super) counted_from_us: u64,
    /// When each was meant to be sent, in microseconds since the start.
    meant: Vec<u64>,
    /// Those that the kernel has not taken yet: the byte of the connection with which each ends, and when it was meant.
    unwritten: VecDeque<(u64, u64)>,
    /// What the receivers of the line got so far, counted together.
    delivered: Arc<AtomicU64>,
    result: Sent,
}

/// What a sender saw.
pub(in crate::bench) struct Sent {
    pub(in crate::bench) answers: Answers,
    /// From when a message was meant to be sent until its ack.
    pub(in crate::bench) ack: Latencies,
    /// From when it was meant to be sent until the kernel had taken it.
    pub(in crate::bench) late: Latencies,
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
            counted_from_us: 0,
            meant: Vec::new(),
            unwritten: VecDeque::new(),
            delivered,
            result: Sent { answers: Answers::default(), ack: Latencies::new(), late: Latencies::new() },
        }
    }

    pub(in crate::bench) fn now_us(&self) -> u64 {
        micros(self.start.elapsed())
    }

    /// Messages that were sent and not answered yet.
    pub(in crate::bench) fn outstanding(&self) -> u64 {
        self.result.answers.outstanding()
    }

    /// Messages that were sent.
    pub(in crate::bench) fn sent(&self) -> u64 {
        self.result.answers.count()
    }

    /// Bytes that wait for the kernel to take them.
    pub(in crate::bench) fn waiting_bytes(&self) -> usize {
        self.socket.waiting_bytes()
    }

    /// What the receivers of the line got so far, counted together.
    pub(in crate::bench) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Puts the next message in line; it was meant to be sent then.
    pub(in crate::bench) fn send(&mut self, meant_us: u64) -> Result<()> {
        let body = stamped(meant_us, &self.padding);
        let body: &RawValue = serde_json::from_str(&body)?;
        let client_id = numbered(self.unix_ms, self.result.answers.sent());
        let frame = SendFrame { r#type: "send", conversation: self.conversation, client_id, body };
        self.socket.say(&frame)?;
        self.meant.push(meant_us);
        self.unwritten.push_back((self.socket.said_bytes(), meant_us));
        Ok(())
    }

    /// Writes what is in line.
    pub(in crate::bench) fn write(&mut self) -> Result<()> {
        self.socket.write()?;
        self.note_written();
        Ok(())
    }

    /// Notes how late each went that the kernel has taken by now.
    fn note_written(&mut self) {
        let (now, written) = (self.now_us(), self.socket.written_bytes());
        while let Some((_, meant)) = self.unwritten.pop_front_if(|(end, _)| *end <= written) {
            if meant >= self.counted_from_us {
                self.result.late.record(now.saturating_sub(meant));
            }
        }
    }

    /// Writes, and waits for answers. Can be dropped and called again without loss.
    pub(in crate::bench) async fn answers(&mut self) -> Result<()> {
        self.write()?;
        self.socket.turn().await?;
        self.note_written();
        let now = self.now_us();
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Sent { client_id } => {
                    let number = self.result.answers.acked(client_id)?;
                    let meant = self.meant[number as usize];
                    if meant >= self.counted_from_us {
                        self.result.ack.record(now.saturating_sub(meant));
                    }
                }
                Heard::Error(error) => self.result.answers.refused(&error)?,
                Heard::Goodbye(goodbye) => bail!("a sender was sent away: {goodbye:?}"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits for the answers that are missing.
    pub(super) async fn finish(mut self) -> Result<Sent> {
        let rest = async {
            while self.outstanding() > 0 {
                self.answers().await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        // What is not answered by then is not lost, since it was not acked: it is a fault of its own.
        if let Ok(done) = timeout(ACK_PATIENCE, rest).await {
            done?;
        }
        Ok(self.result)
    }
}
