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

use super::out::Out;
use super::report::Report;
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

    /// For people.
    pub(super) fn to_text(&self) -> String {
        format!(
            "{} groups, {} people; {} empty devices read {} messages in {:.1} s: {} groups equal the file, {} differ\ndigest {}",
            self.groups,
            self.people,
            self.devices,
            self.synced,
            self.sync_seconds,
            self.equal,
            self.different,
            self.digest
        )
    }
}

pub(super) async fn run(args: &Args, target: &Target, out: &Out) -> Result<Report> {
    let trace = Arc::new(Trace::read(&args.file, args.rows)?);
    let world = Arc::new(World::make(&trace, target, out).await?);
    let measured = live::run(&trace, &world, target, args.parallel, out).await?;
    let expected = Arc::new(Expected::of(&trace));
    let replayed = devices::run(&trace, &world, &expected, target, args.devices, out).await?;
    let replayed = Replayed {
        groups: trace.groups.len(),
        people: trace.people.len(),
        digest: expected.digest(),
        ..replayed
    };
    Ok(Report::new("replay", measured).with_replay(replayed))
}
