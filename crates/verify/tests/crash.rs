//! The server is killed with submissions in flight, at random instants and at every fail point, on a disk that forgets what
//! was not fsynced; and a server that acknowledges before it fsyncs is caught by it.
//!
//! `KILLS=500 cargo test -p verify --test crash` kills more often; `SEED=17` begins with another seed.

use std::path::Path;

use verify::crash::{Bug, Outcome, Plan, Table, run, run_with};
use verify::forgetful_disk::ForgetfulDisk;

/// Kills in one data folder; then another begins, so that what is checked stays small.
const KILLS_IN_A_FOLDER: usize = 56;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

fn disk() -> ForgetfulDisk {
    ForgetfulDisk::build(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("cc builds the forgetful disk")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_instant_breaks_no_law() {
    // Every fail point has its turn within sixteen.
    let kills = usize::try_from(setting("KILLS").unwrap_or(56)).unwrap().max(16);
    let first_seed = setting("SEED").unwrap_or(1);
    let mut total = Table::default();
    for seed in first_seed.. {
        let left = kills.saturating_sub(total.kills());
        if left == 0 {
            break;
        }
        let plan = Plan { seed, kills: left.min(KILLS_IN_A_FOLDER) };
        let outcome = run(plan, disk()).await.unwrap_or_else(|error| panic!("SEED={seed}: {error:?}"));
        total.add(&outcome.table);
        let Outcome { table, findings } = outcome;
        findings.iter().take(12).for_each(|finding| println!("SEED={seed}: {finding}"));
        assert!(findings.is_empty(), "SEED={seed}: {} laws are broken:\n{table}", findings.len());
    }
    println!("{total}");
    assert_eq!(total.missing(), [""; 0], "the run does too little to mean anything:\n{total}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_acks_before_it_fsyncs_is_caught() {
    let outcome = run_with(Bug::AckBeforeFsync, 7, disk()).await.unwrap();
    assert!(outcome.table.undone > 0, "the disk forgot nothing");
    println!("{} of {} findings", finds("acked is stored", &outcome), outcome.findings.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_is_lost_is_caught_by_those_who_only_listen() {
    let outcome = run_with(Bug::LostPush, 7, disk()).await.unwrap();
    println!("{} of {} findings", finds("no silent loss", &outcome), outcome.findings.len());
}

/// How many findings say that this law is broken; some must.
#[track_caller]
fn finds(law: &str, Outcome { findings, .. }: &Outcome) -> usize {
    let caught = findings.iter().filter(|finding| finding.law == law).count();
    assert!(caught > 0, "`{law}` was not found to be broken: {findings:?}");
    caught
}
