//! Every target on its corpus and on mutations of it: what `make test` runs of fuzzing.
//!
//! `SEED=…` and `MUTATIONS=…` choose others; a failure says the input, which belongs into the corpus.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use fuzzing::corpus::{self, hex};
use fuzzing::memory::Counted;
use fuzzing::mutation::Mutations;
use fuzzing::{TARGETS, Target};

#[global_allocator]
static COUNTED: Counted = Counted;

/// Mutations for each target.
const MUTATIONS: u64 = 3_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Runs the target, and says which input it was that it failed on. True if it accepted that.
#[expect(clippy::print_stderr, reason = "the test harness shows it with the failure")]
fn run(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| target.run(input))).unwrap_or_else(|panic| {
        eprintln!("{} fails on {}", target.name, hex(input));
        resume_unwind(panic)
    })
}

#[test]
fn a_decoder_breaks_a_promise() {
    let (seed, mutations) = (setting("SEED", 1), setting("MUTATIONS", MUTATIONS) as usize);
    for target in &TARGETS {
        let corpus = corpus::read(target.name).unwrap();
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        let accepted = corpus.iter().filter(|input| run(target, input)).count();
        assert!(accepted > 0, "{} accepts nothing of its corpus, so that little of it is tried", target.name);
        Mutations::new(&corpus, seed).take(mutations).for_each(|input| _ = run(target, &input));
    }
}

#[test]
fn nobody_counts_the_memory() {
    let taken = fuzzing::memory::peak(|| drop(std::hint::black_box(vec![0_u8; 100_000])));
    assert!((100_000..110_000).contains(&taken), "{taken}");
}
