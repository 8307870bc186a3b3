//! The simulation over many seeds, and the planted bugs that it must find.
//!
//! `SEEDS=10000 cargo test -p verify --test simulation` runs more; `SEED=17` runs one, and says what it did.

use std::collections::BTreeSet;

use verify::simulation::{Bug, Plan, run};

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Runs simulations on two threads; gives the findings of each seed that has any, and what was done in all.
fn run_all(plans: Vec<Plan>) -> (Vec<(u64, Vec<String>)>, [usize; 3]) {
    let run_some = |plans: &[Plan]| {
        let mut failures = vec![];
        let mut done = [0; 3];
        for plan in plans {
            let outcome = run(*plan);
            done[0] += outcome.entries;
            done[1] += outcome.crashes as usize;
            done[2] += outcome.pushes;
            if !outcome.findings.is_empty() {
                failures
                    .push((plan.seed, outcome.findings.iter().map(ToString::to_string).collect::<Vec<_>>()));
            }
        }
        (failures, done)
    };
    let (one, other) = plans.split_at(plans.len() / 2);
    std::thread::scope(|scope| {
        let half = scope.spawn(|| run_some(one));
        let (mut failures, mut done) = run_some(other);
        let (more, also) = half.join().expect("a simulation panicked; see above");
        failures.extend(more);
        done.iter_mut().zip(also).for_each(|(sum, also)| *sum += also);
        (failures, done)
    })
}

#[test]
fn no_seed_breaks_a_law() {
    let plans = match setting("SEED") {
        Some(seed) => vec![Plan::of(seed)],
        None => (0..setting("SEEDS").unwrap_or(1_000)).map(Plan::of).collect(),
    };
    let seeds = plans.len();
    let (failures, [entries, crashes, pushes]) = run_all(plans);
    println!("{seeds} seeds: {entries} entries, {crashes} crashes, {pushes} pushes");
    for (seed, findings) in failures.iter().take(10) {
        println!("SEED={seed}");
        findings.iter().take(8).for_each(|finding| println!("  {finding}"));
    }
    assert!(failures.is_empty(), "{} of {seeds} seeds break a law", failures.len());
    assert!(entries > seeds * 10 && crashes >= seeds / 2, "the simulation does too little to mean anything");
}

/// Seeds in which a planted bug must be found at least once.
const SEEDS_WITH_A_BUG: u64 = 40;

/// The laws that a planted bug is seen to break, over some seeds.
fn broken_by(bug: Bug, seeds: u64) -> BTreeSet<String> {
    let (failures, _) = run_all((0..seeds).map(|seed| Plan::of(seed).with(bug)).collect());
    failures
        .into_iter()
        .flat_map(|(_, findings)| findings)
        .filter_map(|finding| finding.split(": ").next().map(str::to_owned))
        .collect()
}

#[track_caller]
fn finds(bug: Bug, law: &str) {
    finds_within(SEEDS_WITH_A_BUG, bug, law);
}

#[track_caller]
fn finds_within(seeds: u64, bug: Bug, law: &str) {
    let broken = broken_by(bug, seeds);
    assert!(broken.contains(law), "{bug:?} was not found as `{law}`: {broken:?}");
}

#[test]
fn an_ack_before_it_is_stored_is_found() {
    finds(Bug::AckBeforeStored, "acked is stored");
}

#[test]
fn a_forgotten_identity_is_found() {
    finds(Bug::ForgottenIdentity, "one log");
}

#[test]
fn an_append_without_the_fence_is_found() {
    finds(Bug::NoFence, "acked is stored");
}

#[test]
fn membership_read_from_an_old_roster_is_found() {
    finds(Bug::StaleRoster, "one log");
}

#[test]
fn a_cursor_that_goes_back_is_found() {
    finds(Bug::CursorGoesBack, "cursors only grow");
}

#[test]
fn a_skipped_seq_is_found() {
    finds(Bug::SkippedSeq, "one log");
}

#[test]
fn a_known_submission_whose_effects_are_skipped_is_found() {
    // It shows only where the answer to an append was lost, and no device comes back afterwards and pulls.
    finds_within(20 * SEEDS_WITH_A_BUG, Bug::KnownWithoutEffects, "no silent loss");
}

#[test]
fn a_delivery_that_overtakes_another_is_found() {
    // It shows only where a device is there for both.
    finds_within(5 * SEEDS_WITH_A_BUG, Bug::ReorderedDelivery, "pushed in order");
}

#[test]
fn a_session_that_is_live_before_it_is_registered_is_found() {
    finds(Bug::LiveBeforeRegistered, "no silent loss");
}

#[test]
fn one_seed_tells_one_story() {
    for seed in [1, 4, 7] {
        let told = || {
            let outcome = run(Plan::of(seed));
            (outcome.entries, outcome.crashes, outcome.pushes)
        };
        assert_eq!(told(), told(), "a failure could not be seen again by its seed");
    }
}
