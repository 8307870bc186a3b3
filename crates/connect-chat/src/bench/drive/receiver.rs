//! An end of a line that receives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{AFTER_LAST, QUIET, micros, stamp};
use crate::bench::latencies;
use crate::bench::lean::{Heard, LAGGED, Socket, number_of, parse};
use crate::bench::meter::Meter;

/// An end of a line that receives.
pub(in crate::bench) struct Receiver {
    socket: Socket,
    start: Instant,
    meter: Meter,
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
        start: Instant,
        latencies: latencies::Shared,
        delivered: Arc<AtomicU64>,
    ) -> Self {
        Self {
            socket,
            start,
            meter: Meter::default(),
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
        if let Ok(came) = timeout(AFTER_LAST, self.socket.turn()).await {
            came?;
            self.entries()?;
        }
        Ok(Received { meter: self.meter, last: self.last })
    }

    fn entries(&mut self) -> Result<()> {
        let elapsed = self.start.elapsed();
        let now = micros(elapsed);
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Entry(entry) if entry.kind == "message" => {
                    let number = number_of(entry.client_id).context("an entry of somebody else")?;
                    if self.meter.received(number, entry.position) {
                        let meant = entry.body.and_then(|body| stamp(body.get())).unwrap_or(now);
                        self.fresh.push(now.saturating_sub(meant));
                    }
                }
                Heard::Goodbye(goodbye) => bail!("a receiver was sent away: {goodbye:?}"),
                Heard::Lagged => bail!(LAGGED),
                _ => {}
            }
        }
        if !self.fresh.is_empty() {
            self.last = elapsed;
            self.delivered.fetch_add(self.fresh.len() as u64, Ordering::Relaxed);
            self.latencies.record_all(&mut self.fresh);
        }
        Ok(())
    }
}
