//! `bench ceilings`: what this machine allows at best, whatever the server: its disk, its sockets, and the store alone.
//!
//! The other benchmarks measure what bounds them by the same means, in the same run.

mod disk;
mod frames;
mod relay;
mod store;

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::Common;
use super::figures::Figures;
use super::out::Out;
use super::process::allow_sockets;
use super::report::{Ceiling, Headline, Report};
use super::runs::{Benchmark, median};
use disk::Synced;

pub(super) use frames::Sizes;
pub(super) use relay::{Relay, Relayed, run as serve_relay};
pub(super) use store::{Appends, Place};

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

/// For how long a relay is measured beside a benchmark that takes so many seconds: it is steady.
pub(super) fn relay_time(secs: u64) -> Duration {
    Duration::from_secs(secs.min(3))
}

/// For how long the store alone is: as long as the benchmark, since merging tables comes later, but not for ever.
pub(super) fn store_time(secs: u64) -> Duration {
    Duration::from_secs(secs.clamp(1, 10))
}

/// Measures all of them, as often as asked.
pub(super) async fn run(args: &Args, common: &Common, out: &Out) -> Result<Report> {
    let count = common.runs.unwrap_or(<super::pairs::Args as Benchmark>::RUNS).max(1);
    let place = Place { scratch: common.scratch.clone(), settings: common.set.clone() };
    let mut reports = Vec::new();
    for number in 1..=count {
        out.begin(number, count);
        let ceilings = out.seconds("ceilings", args.secs * 7, args.measure(&place)).await?;
        let headline = Headline::more("store_batch_64_per_s", ceilings.store_batch_64_per_s);
        reports.push(Report::new("ceilings", headline, Figures::default()).with(ceilings));
    }
    Ok(median(reports))
}

impl Args {
    async fn measure(&self, place: &Place) -> Result<Ceilings> {
        allow_sockets(self.members.max(self.pairs * 2))?;
        let (time, sizes) = (Duration::from_secs(self.secs), Sizes::of(self.text_bytes)?);
        let store = |batch| {
            let (conversations, text_bytes) = (self.pairs, self.text_bytes);
            place.per_s(Appends { conversations, batch, text_bytes, time })
        };
        Ok(Ceilings {
            fdatasync_4k: disk::sync(&place.scratch, 4 << 10, time).await?,
            fdatasync_64k: disk::sync(&place.scratch, 64 << 10, time).await?,
            relay_window_1: Relay::start().await?.pairs(self.pairs, 1, sizes, time).await?,
            relay_window_64: Relay::start().await?.pairs(self.pairs, 64, sizes, time).await?,
            fan_out: Relay::start().await?.fan(self.members, FAN_WINDOW, sizes, time).await?,
            store_batch_1_per_s: store(1).await?,
            store_batch_64_per_s: store(64).await?,
        })
    }
}

/// What the store alone does.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Alone {
    /// Messages into it, in appends of `store_batch`.
    store_per_s: f64,
    /// Messages in an append, as the server made them.
    store_batch: u64,
}

impl Alone {
    pub(super) async fn measure(place: &Place, appends: Appends, out: &Out) -> Result<Self> {
        let measuring = place.per_s(appends);
        let store_per_s = out.seconds("the store alone", appends.time.as_secs(), measuring).await?;
        Ok(Self { store_per_s, store_batch: appends.batch })
    }

    /// Held against what a server did.
    pub(super) fn bound(&self, per_s: f64) -> Ceiling {
        Ceiling::new("the store alone", "messages/s", self.store_per_s, per_s)
    }
}

/// What bounds conversations of two people.
#[derive(Serialize)]
pub(super) struct OfPairs {
    /// Frames through a relay.
    relay: Relayed,
    /// Not measured for a server that appended nothing.
    #[serde(flatten)]
    store: Option<Alone>,
}

/// How pairs are loaded whose ceilings are asked for.
pub(super) struct Load {
    pub(super) pairs: usize,
    pub(super) window: usize,
    pub(super) text_bytes: usize,
    pub(super) secs: u64,
}

impl OfPairs {
    /// Measures them, with as many messages in an append as the server made.
    pub(super) async fn measure(place: &Place, load: &Load, batch: Option<u64>, out: &Out) -> Result<Self> {
        let &Load { pairs, window, text_bytes, secs } = load;
        let (sizes, time) = (Sizes::of(text_bytes)?, relay_time(secs));
        let relaying = async { Relay::start().await?.pairs(pairs, window, sizes, time).await };
        let relay = out.seconds("a relay", time.as_secs(), relaying).await?;
        let Some(batch) = batch else { return Ok(Self { relay, store: None }) };
        let appends = Appends { conversations: pairs, batch, text_bytes, time: store_time(secs) };
        Ok(Self { relay, store: Some(Alone::measure(place, appends, out).await?) })
    }

    /// The lower of them, held against what a server did.
    pub(super) fn bound(&self, per_s: f64) -> Ceiling {
        match &self.store {
            Some(store) if store.store_per_s < self.relay.per_s => store.bound(per_s),
            _ => Ceiling::new("a relay", "messages/s", self.relay.per_s, per_s),
        }
    }
}
