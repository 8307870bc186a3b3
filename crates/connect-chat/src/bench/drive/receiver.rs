//! An end of a line that receives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use domain::ConversationId;
use tokio::sync::watch;
use tokio::time::timeout;

use super::inbox::Inbox;
use super::{AFTER_LAST, QUIET, micros};
use crate::bench::latencies;
use crate::bench::lean::{Heard, LAGGED, Socket, parse};
use crate::bench::meter::Meter;

/// An end of a line that receives.
pub(in crate::bench) struct Receiver {
    socket: Socket,
    start: Instant,
    inbox: Inbox,
    /// What was meant to be sent before this, in microseconds since the start, is in no histogram.
    pub(super) counted_from_us: u64,
    latencies: latencies::Shared,
    /// Latencies of what just came.
    fresh: Vec<u64>,
    /// What the receivers of the line got so far, counted together.
    delivered: Arc<AtomicU64>,
    last: Duration,
}

/// What a receiver saw.
pub(in crate::bench) struct Received {
    pub(in crate::bench) meter: Meter,
    /// When the last message came, since the start.
    pub(in crate::bench) last: Duration,
}

impl Receiver {
    pub(super) fn new(
        socket: Socket,
        conversation: ConversationId,
        start: Instant,
        latencies: latencies::Shared,
        delivered: Arc<AtomicU64>,
    ) -> Self {
        Self {
            socket,
            start,
            inbox: Inbox::new(conversation),
            counted_from_us: 0,
            latencies,
            fresh: Vec::new(),
            delivered,
            last: Duration::ZERO,
        }
    }

    /// Where it records latencies.
    pub(super) fn latencies(&self) -> &latencies::Shared {
        &self.latencies
    }

    /// Receives until as many came as were acked, or until it has been quiet for long. `acked` is told once sending is
    /// over.
    pub(super) async fn run(mut self, mut acked: watch::Receiver<Option<u64>>) -> Result<Received> {
        let mut over = None;
        while over.is_none_or(|acked| self.inbox.meter.len() < acked) {
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
        if let Ok(came) = timeout(AFTER_LAST, self.socket.turn()).await {
            came?;
            self.entries()?;
        }
        Ok(Received { meter: self.inbox.meter, last: self.last })
    }

    fn entries(&mut self) -> Result<()> {
        let elapsed = self.start.elapsed();
        let (now, mut came) = (micros(elapsed), 0);
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Entry(entry) => {
                    let Some(meant) = self.inbox.take(&entry)? else { continue };
                    came += 1;
                    if meant >= self.counted_from_us {
                        self.fresh.push(now.saturating_sub(meant));
                    }
                }
                Heard::Goodbye(goodbye) => bail!("a receiver was sent away: {goodbye:?}"),
                Heard::Lagged => bail!(LAGGED),
                _ => {}
            }
        }
        if came > 0 {
            self.last = elapsed;
            self.delivered.fetch_add(came, Ordering::Relaxed);
            self.latencies.record_all(&mut self.fresh);
        }
        Ok(())
    }
}
