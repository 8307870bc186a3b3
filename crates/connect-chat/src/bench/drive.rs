//! Pairs: in each one person sends and another, who is connected all the time, receives.
//!
//! When a message was meant to be sent stands at the front of its text, so that both ends measure without sharing
//! anything.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use domain::{ClientId, ConversationId};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::timeout;

use super::lean::{Heard, Socket, number_of, numbered, parse};
use super::meter::{Meter, Numbers, Tally};
use super::out::Out;
use super::report::Latencies;
use super::target::Target;

/// Connections made at once.
const CONNECTS_MAX: usize = 32;

/// After the last message, this long without news is the end.
pub(super) const QUIET: Duration = Duration::from_secs(3);

/// Acks that are still to come get this long.
const ACK_PATIENCE: Duration = Duration::from_secs(30);

/// Bytes at the front of a text that say when it was meant to be sent.
const STAMP: usize = 16;

/// A pair that is connected.
pub(super) struct Pair {
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
}

/// Makes and connects pairs.
pub(super) async fn pairs(target: &Target, count: usize, text_bytes: usize, out: &Out) -> Result<Vec<Pair>> {
    let names = (0..count * 2).map(|n| format!("p{n}")).collect();
    let tokens = target.mint_all(names, out).await?;
    let bar = out.bar("connections", count as u64);
    let padding = "x".repeat(text_bytes.saturating_sub(STAMP));
    let unix_ms = target.clock.server_time().unix_ms();
    let start = Instant::now();
    let connected = stream::iter(tokens.chunks(2).map(|two| {
        let padding = padding.clone();
        async move {
            let [one, other] = two else { bail!("an odd one") };
            let conversation = ConversationId::direct(one.user, other.user);
            let receiving = Socket::connect(&target.url, &other.access_token).await?;
            let sending = Socket::connect(&target.url, &one.access_token).await?;
            Ok(Pair {
                sender: Sender {
                    socket: sending,
                    conversation,
                    unix_ms,
                    padding,
                    start,
                    next: 0,
                    outstanding: 0,
                    result: Sent::default(),
                },
                receiver: Receiver {
                    socket: receiving,
                    start,
                    meter: Meter::default(),
                    latencies: Latencies::new(),
                },
            })
        }
    }));
    let pairs = connected.buffer_unordered(CONNECTS_MAX).inspect_ok(|_| bar.inc(1)).try_collect().await;
    bar.finish_and_clear();
    pairs
}

/// The end of a pair that sends.
pub(super) struct Sender {
    socket: Socket,
    conversation: ConversationId,
    unix_ms: u64,
    padding: String,
    start: Instant,
    next: u64,
    outstanding: usize,
    result: Sent,
}

/// What a sender saw.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) tally: Tally,
    pub(super) acked: Numbers,
    pub(super) latencies: Option<Latencies>,
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
    pub(super) fn now_us(&self) -> u64 {
        micros(self.start.elapsed())
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Puts the next message in line; it was meant to be sent then.
    pub(super) fn send(&mut self, meant_us: u64) -> Result<()> {
        let body = format!("{{\"text\":\"{meant_us:0STAMP$x}{}\"}}", self.padding);
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
    pub(super) fn write(&mut self) -> Result<()> {
        self.socket.write()
    }

    /// Writes, and waits for answers. Can be dropped and called again without loss.
    pub(super) async fn answers(&mut self) -> Result<()> {
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

/// The end of a pair that receives.
pub(super) struct Receiver {
    socket: Socket,
    start: Instant,
    meter: Meter,
    latencies: Latencies,
}

/// What a receiver saw.
pub(super) struct Received {
    pub(super) meter: Meter,
    pub(super) latencies: Latencies,
}

impl Receiver {
    /// Receives until as many came as were acked, or until it has been quiet for long. `acked` is told once sending is
    /// over.
    pub(super) async fn run(mut self, mut acked: watch::Receiver<Option<u64>>) -> Result<Received> {
        let mut over = None;
        while over.is_none_or(|acked| self.meter.len() < acked) {
            tokio::select! {
                came = timeout(QUIET, self.socket.turn()) => match came {
                    Ok(came) => {
                        came?;
                        self.entries()?;
                    }
                    Err(_) if over.is_some() => break,
                    Err(_) => {}
                },
                told = acked.changed(), if over.is_none() => {
                    told.context("the sender failed")?;
                    over = *acked.borrow_and_update();
                }
            }
        }
        // One that comes again comes at once after the last.
        if let Ok(came) = timeout(Duration::from_millis(200), self.socket.turn()).await {
            came?;
            self.entries()?;
        }
        Ok(Received { meter: self.meter, latencies: self.latencies })
    }

    fn entries(&mut self) -> Result<()> {
        let now = micros(self.start.elapsed());
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Entry(entry) if entry.kind == "message" => {
                    let number = number_of(entry.client_id).context("an entry of somebody else")?;
                    if self.meter.received(number, entry.position) {
                        let meant = entry.body.and_then(|body| stamp(body.get())).unwrap_or(now);
                        self.latencies.record(now.saturating_sub(meant));
                    }
                }
                Heard::Goodbye(goodbye) => bail!("a receiver was sent away: {goodbye:?}"),
                _ => {}
            }
        }
        Ok(())
    }
}

/// When a message was meant to be sent, by the front of its text.
fn stamp(body: &str) -> Option<u64> {
    let text = body.strip_prefix("{\"text\":\"")?;
    u64::from_str_radix(text.get(..STAMP)?, 16).ok()
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_when_it_was_meant_to_be_sent() {
        let body = format!("{{\"text\":\"{:0STAMP$x}xxxx\"}}", 123_456_789);
        assert_eq!(stamp(&body), Some(123_456_789));
        assert_eq!(stamp("{\"text\":\"short\"}"), None);
    }
}
