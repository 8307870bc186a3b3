//! The simulation over many seeds, and the planted bugs that it must find.
//!
//! `SEEDS=10000 cargo test -p verify --test simulation` runs more; `SEED=17` runs one, and with `SEEDS` that many from there on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use verify::checker::{Finding, Law};
use verify::simulation::{Bug, Plan, run};

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// A seed and what was found with it.
type Failure = (u64, Vec<Finding>);

/// Runs simulations on two threads, until one finds what is `enough`; gives the findings of each seed that has any, and
/// what was done in all.
fn run_until(plans: &[Plan], enough: impl Fn(&Finding) -> bool + Sync) -> (Vec<Failure>, [usize; 3]) {
    let found = AtomicBool::new(false);
    let run_some = |plans: &[Plan]| {
        let mut failures = vec![];
        let mut done = [0; 3];
        for plan in plans.iter().take_while(|_| !found.load(Ordering::Relaxed)) {
            let outcome = run(*plan);
            done[0] += outcome.entries();
            done[1] += outcome.crashes as usize;
            done[2] += outcome.pushes();
            found.fetch_or(outcome.findings.iter().any(&enough), Ordering::Relaxed);
            if !outcome.findings.is_empty() {
                failures.push((plan.seed, outcome.findings));
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
    let (first, count) = match (setting("SEED"), setting("SEEDS")) {
        (Some(seed), count) => (seed, count.unwrap_or(1)),
        (None, count) => (0, count.unwrap_or(1_000)),
    };
    let plans: Vec<Plan> = (first..first + count).map(Plan::of).collect();
    let seeds = plans.len();
    let (failures, [entries, crashes, pushes]) = run_until(&plans, |_| false);
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

#[track_caller]
fn finds(bug: Bug, law: Law) {
    finds_within(SEEDS_WITH_A_BUG, bug, law);
}

/// Some seed shows a planted bug as this law broken; the first that does is enough.
#[track_caller]
fn finds_within(seeds: u64, bug: Bug, law: Law) {
    let plans: Vec<Plan> = (0..seeds).map(|seed| Plan::of(seed).with(bug)).collect();
    let (failures, _) = run_until(&plans, |finding| finding.law == law);
    let broken: BTreeSet<Law> =
        failures.into_iter().flat_map(|(_, findings)| findings).map(|finding| finding.law).collect();
    assert!(broken.contains(&law), "{bug:?} was not found as `{law}`: {broken:?}");
}

#[test]
fn an_ack_before_it_is_stored_is_found() {
    finds(Bug::AckBeforeStored, Law::AckedIsStored);
}

#[test]
fn a_forgotten_identity_is_found() {
    finds(Bug::ForgottenIdentity, Law::OneLog);
}

#[test]
fn an_append_without_the_fence_is_found() {
    finds(Bug::NoFence, Law::AckedIsStored);
}

#[test]
fn membership_read_from_an_old_roster_is_found() {
    finds(Bug::StaleRoster, Law::OneLog);
}

#[test]
fn a_cursor_that_goes_back_is_found() {
    finds(Bug::CursorGoesBack, Law::CursorsOnlyGrow);
}

#[test]
fn a_skipped_seq_is_found() {
    finds(Bug::SkippedSeq, Law::OneLog);
}

#[test]
fn a_known_submission_whose_effects_are_skipped_is_found() {
    // It shows only where the answer to an append was lost, and no device comes back afterwards and pulls.
    finds_within(20 * SEEDS_WITH_A_BUG, Bug::KnownWithoutEffects, Law::NoSilentLoss);
}

#[test]
fn a_delivery_that_overtakes_another_is_found() {
    // It shows only where a device is there for both.
    finds_within(5 * SEEDS_WITH_A_BUG, Bug::ReorderedDelivery, Law::PushedInOrder);
}

#[test]
fn a_session_that_is_live_before_it_is_registered_is_found() {
    finds(Bug::LiveBeforeRegistered, Law::NoSilentLoss);
}

#[test]
fn one_seed_tells_one_story() {
    for seed in [1, 4, 7] {
        let told = || {
            let outcome = run(Plan::of(seed));
            (outcome.crashes, format!("{:#?}", outcome.logs), format!("{:#?}", outcome.history.devices()))
        };
        let (one, other) = (told(), told());
        assert_eq!(one.0, other.0, "SEED={seed} could not be seen again: it crashed more or less often");
        for (one, other) in [(one.1, other.1), (one.2, other.2)] {
            let first = one.lines().zip(other.lines()).find(|(one, other)| one != other);
            assert_eq!(first, None, "SEED={seed} could not be seen again");
            assert_eq!(one.len(), other.len(), "SEED={seed} could not be seen again");
        }
    }
}
