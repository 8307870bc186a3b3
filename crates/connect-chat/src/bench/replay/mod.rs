//! `bench replay`: a trace of real group traffic, whole: everybody in it connected, every message sent by whom it was sent
//! by, in the order of the file in each group, as fast as that goes; then empty devices sync all of it, and what they read
//! is held against the file.

mod devices;
mod digest;
mod lane;
mod live;
mod text;
mod trace;
mod world;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;

use super::ceilings::{Alone, Appends, store_time};
use super::out::Out;
use super::report::Report;
use super::runs::Benchmark;
use super::target::Target;
use digest::Expected;
use trace::Trace;
use world::World;

/// Replay a trace of group traffic: CSV, plain or gzip.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The trace: columns second, group, user, bytes, mentions.
    file: PathBuf,
    /// Replay only this many messages from its start.
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Groups that are under way at once.
    #[arg(long, default_value_t = 512)]
    parallel: usize,
    /// Afterwards sync an empty device of this many people, those in the most groups first; without it, of everybody.
    #[arg(long, value_name = "N")]
    devices: Option<usize>,
}

/// What a replay reports beside what every benchmark does.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Replayed {
    groups: usize,
    people: usize,
    /// Empty devices that synced everything.
    devices: usize,
    /// Messages that they read.
    synced: u64,
    sync_seconds: f64,
    /// Groups on devices, whose count and digest equal the file's.
    equal: u64,
    /// Those whose count or digest does not.
    different: u64,
    /// Of the order and text of all groups, by the file.
    digest: String,
}

impl Replayed {
    /// What was got wrong, in words.
    pub(super) fn faults(&self) -> Option<String> {
        (self.different > 0).then(|| format!("{} groups read back differently", self.different))
    }
}

impl Benchmark for Args {
    /// What it holds against the file is the same in each run.
    const RUNS: usize = 1;

    fn check(&self) -> Result<()> {
        Trace::read(&self.file, self.rows).map(drop)
    }

    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        let trace = Arc::new(Trace::read(&self.file, self.rows)?);
        let world = Arc::new(World::make(&trace, target, out).await?);
        let before = target.metrics().await?;
        let measured = live::run(&trace, &world, target, self.parallel, out).await?;
        let commits = target.metrics().await?.commits_since(&before);
        let expected = Arc::new(Expected::of(&trace));
        let replayed = devices::run(&trace, &world, &expected, target, self.devices, out).await?;
        let replayed = Replayed {
            groups: trace.groups.len(),
            people: trace.people.len(),
            digest: expected.digest(),
            ..replayed
        };
        let report = Report::of_messages("replay", &measured);
        let appends = commits.entries_in_append().map(|batch| Appends {
            conversations: self.parallel.clamp(1, trace.groups.len()),
            batch,
            text_bytes: trace.text_bytes(),
            time: store_time(measured.seconds as u64),
        });
        let place = target.place.clone();
        let store = match appends {
            Some(appends) => target.alone(Alone::measure(&place, appends, out)).await?,
            None => None,
        };
        let bound = store.as_ref().map(|store| store.bound(measured.tally.acked as f64 / measured.seconds));
        let wrong = replayed.faults();
        Ok(report.under(bound).with(store).with(commits).with(replayed).wrong(wrong))
    }
}
