//! `bench ceilings`: what this machine allows at best, whatever the server: its disk, its sockets, and the store alone.
//!
//! The other benchmarks measure what bounds them by the same means, in the same run.

mod disk;
mod frames;
mod relay;
mod store;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::Common;
use super::out::Out;
use super::process::allow_sockets;
use super::report::{Ceiling, Figures, Report};
use super::runs::{Benchmark, median};
use super::target::Target;
use disk::Synced;

pub(super) use frames::Sizes;
pub(super) use relay::{Relay, Relayed, run as serve_relay};

/// What this machine allows at best: disk, sockets, the store alone.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many pairs, and conversations in the store.
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// How many members get what one announces.
    #[arg(long, default_value_t = 10_000)]
    members: usize,
    /// For how long each is measured, in seconds.
    #[arg(long, default_value_t = 3)]
    secs: u64,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100)]
    text_bytes: usize,
}

/// What is reported.
#[derive(Serialize)]
struct Ceilings {
    fdatasync_4k: Synced,
    fdatasync_64k: Synced,
    relay_window_1: Relayed,
    relay_window_64: Relayed,
    fan_out: Relayed,
    store_batch_1_per_s: f64,
    store_batch_64_per_s: f64,
}

/// Messages that the announcer of a group has under way.
pub(super) const FAN_WINDOW: usize = 4;

/// Measures all of them, as often as asked.
pub(super) async fn run(args: &Args, common: &Common, out: &Out) -> Result<Report> {
    let count = common.runs.unwrap_or(<super::pairs::Args as Benchmark>::RUNS).max(1);
    let mut reports = Vec::new();
    for number in 1..=count {
        out.begin(number, count);
        let ceilings = out.seconds("ceilings", args.secs * 7, args.measure(&common.scratch)).await?;
        let headline = ("store_batch_64_per_s", ceilings.store_batch_64_per_s);
        reports.push(Report::new("ceilings", headline, Figures::default()).with(ceilings));
    }
    Ok(median(reports))
}

impl Args {
    async fn measure(&self, scratch: &Path) -> Result<Ceilings> {
        allow_sockets(self.members.max(self.pairs * 2))?;
        let (time, sizes) = (Duration::from_secs(self.secs), Sizes::of(self.text_bytes)?);
        let store = |batch| store::appends(scratch, self.pairs, batch, self.text_bytes, time);
        Ok(Ceilings {
            fdatasync_4k: disk::sync(scratch, 4 << 10, time).await?,
            fdatasync_64k: disk::sync(scratch, 64 << 10, time).await?,
            relay_window_1: Relay::start().await?.pairs(self.pairs, 1, sizes, time).await?,
            relay_window_64: Relay::start().await?.pairs(self.pairs, 64, sizes, time).await?,
            fan_out: Relay::start().await?.fan(self.members, FAN_WINDOW, sizes, time).await?,
            store_batch_1_per_s: store(1).await?,
            store_batch_64_per_s: store(64).await?,
        })
    }
}

/// What bounds conversations of two people.
#[derive(Serialize)]
pub(super) struct OfPairs {
    /// Frames through a relay.
    relay: Relayed,
    /// Messages into the store alone, in batches of `store_batch`.
    store_per_s: f64,
    /// Messages in an append, as the server made them.
    store_batch: u64,
}

/// How pairs are loaded whose ceilings are asked for.
pub(super) struct Load {
    pub(super) pairs: usize,
    pub(super) window: usize,
    /// Messages in an append.
    pub(super) batch: u64,
    pub(super) text_bytes: usize,
    /// For how long each ceiling is measured, in seconds; see [`secs`].
    pub(super) secs: u64,
}

/// For how long each ceiling of a benchmark is measured that takes so many seconds: short, since there are several, and
/// each is steady.
pub(super) fn secs(of_benchmark: u64) -> u64 {
    of_benchmark.min(3)
}

impl OfPairs {
    /// Measures them, once the server has ended: it shares cores and disk.
    pub(super) async fn measure(load: &Load, target: &mut Target, out: &Out) -> Result<Self> {
        target.end().await?;
        let time = Duration::from_secs(load.secs);
        let measuring = async {
            let sizes = Sizes::of(load.text_bytes)?;
            let relay = Relay::start().await?.pairs(load.pairs, load.window, sizes, time).await?;
            let store_per_s =
                store::appends(&target.scratch, load.pairs, load.batch, load.text_bytes, time).await?;
            Ok(Self { relay, store_per_s, store_batch: load.batch })
        };
        out.seconds("ceilings", load.secs * 2, measuring).await
    }

    /// The lower of them, held against what a server did.
    pub(super) fn bound(&self, per_s: f64) -> Ceiling {
        if self.store_per_s < self.relay.per_s {
            Ceiling::new("the store alone, messages/s", self.store_per_s, per_s)
        } else {
            Ceiling::new("a relay, messages/s", self.relay.per_s, per_s)
        }
    }
}
