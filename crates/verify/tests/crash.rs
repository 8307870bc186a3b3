//! The server is killed with submissions in flight, at random instants and at every fail point, on a disk that forgets what
//! was not fsynced; and a server that acknowledges before it fsyncs is caught by it.
//!
//! `cargo test -p verify --test crash -- --kills 500 --seed 17` kills more often, and begins with another seed; `KILLS` and
//! `SEED` in the environment say the same. It has a `main` of its own, since the usual one knows no such flags.

#![allow(clippy::print_stdout, reason = "a test says what it did")]

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tokio::task::{Id, JoinSet};
use verify::checker::Law;
use verify::crash::{Bug, Count, Outcome, Plan, Table, kills_min, run, run_with};
use verify::forgetful_disk::ForgetfulDisk;

/// Kills in one data folder; then another begins, so that what is checked stays small.
const KILLS_IN_A_FOLDER: usize = 56;

/// Kills the server over and over, and holds every law against what it leaves.
#[derive(Debug, Clone, Parser)]
struct Settings {
    /// Only the tests whose names contain one of these.
    names: Vec<String>,
    /// Kills that count, at least as many as give every fail point its turn.
    #[arg(long, env = "KILLS", default_value_t = KILLS_IN_A_FOLDER)]
    kills: usize,
    /// The seed of the first data folder; the next has the next.
    #[arg(long, env = "SEED", default_value_t = 1)]
    seed: u64,
    /// Changes nothing: everything is always printed.
    #[arg(long)]
    nocapture: bool,
}

fn disk() -> ForgetfulDisk {
    ForgetfulDisk::build(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("cc builds the forgetful disk")
}

async fn a_kill_at_any_instant_breaks_no_law(settings: Settings) {
    let kills = settings.kills.max(kills_min());
    let mut total = Table::default();
    for seed in settings.seed.. {
        let left = kills.saturating_sub(total.kills());
        if left == 0 {
            break;
        }
        let plan = Plan { seed, kills: left.min(KILLS_IN_A_FOLDER) };
        let outcome = run(plan, disk()).await.unwrap_or_else(|error| panic!("--seed {seed}: {error:?}"));
        total.add(&outcome.table);
        let Outcome { table, findings } = outcome;
        findings.iter().take(12).for_each(|finding| println!("--seed {seed}: {finding}"));
        assert!(findings.is_empty(), "--seed {seed}: {} laws are broken:\n{table}", findings.len());
    }
    println!("{total}");
    assert_eq!(total.missing(), [""; 0], "the run does too little to mean anything:\n{total}");
}

async fn a_server_that_acks_before_it_fsyncs_is_caught() {
    let outcome = run_with(Bug::AckBeforeFsync, 7, disk()).await.expect("the story comes to its end");
    assert!(outcome.table.count(Count::Undone) > 0, "the disk forgot nothing");
    println!("{} of {} findings", finds(Law::AckedIsStored, &outcome), outcome.findings.len());
}

async fn a_push_that_is_lost_is_caught_by_those_who_only_listen() {
    let outcome = run_with(Bug::LostPush, 7, disk()).await.expect("the story comes to its end");
    println!("{} of {} findings", finds(Law::NoSilentLoss, &outcome), outcome.findings.len());
}

/// How many findings say that this law is broken; some must.
#[track_caller]
fn finds(law: Law, Outcome { findings, .. }: &Outcome) -> usize {
    let caught = findings.iter().filter(|finding| finding.law == law).count();
    assert!(caught > 0, "`{law}` was not found to be broken: {findings:?}");
    caught
}

/// The tests that were asked for, under way at the same time.
#[derive(Default)]
struct Tests {
    names: Vec<String>,
    under_way: JoinSet<()>,
    ids: Vec<(Id, &'static str)>,
}

impl Tests {
    fn begin(&mut self, name: &'static str, test: impl Future<Output = ()> + Send + 'static) {
        if self.names.is_empty() || self.names.iter().any(|part| name.contains(part.as_str())) {
            self.ids.push((self.under_way.spawn(test).id(), name));
        }
    }

    /// Waits for all of them, and says how each ended.
    async fn end(mut self) -> ExitCode {
        let mut code = ExitCode::SUCCESS;
        while let Some(ended) = self.under_way.join_next_with_id().await {
            let (id, result) = match ended {
                Ok((id, ())) => (id, "ok"),
                Err(error) => (error.id(), "FAILED"),
            };
            if result != "ok" {
                code = ExitCode::FAILURE;
            }
            let name = self.ids.iter().find(|(of, _)| *of == id).map_or("?", |(_, name)| name);
            println!("test {name} ... {result}");
        }
        code
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let mut tests = Tests { names: settings.names.clone(), ..Tests::default() };
    tests.begin("a_kill_at_any_instant_breaks_no_law", a_kill_at_any_instant_breaks_no_law(settings));
    tests.begin(
        "a_server_that_acks_before_it_fsyncs_is_caught",
        a_server_that_acks_before_it_fsyncs_is_caught(),
    );
    tests.begin(
        "a_push_that_is_lost_is_caught_by_those_who_only_listen",
        a_push_that_is_lost_is_caught_by_those_who_only_listen(),
    );
    tests.end().await
}
