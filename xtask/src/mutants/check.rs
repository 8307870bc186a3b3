//! The tests that must notice a mutation: what to build, and what to run.

use std::fmt;

/// Seeds of the simulation, as many as `make test` runs.
const SEEDS: (&str, &str) = ("SEEDS", "1000");

/// A test that must notice something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The seeded simulation of the whole system.
    Simulation,
    /// Crashes of the real program, on a disk that forgets.
    Crashes,
    /// The unit tests of one crate whose names contain a word.
    Unit {
        /// The crate.
        package: &'static str,
        /// The word.
        named: &'static str,
    },
}

impl Check {
    /// Arguments of `cargo` that build it, call by call.
    pub(super) fn builds(self) -> Vec<Vec<&'static str>> {
        let mut calls = vec![self.test(&["--no-run"])];
        if self == Self::Crashes {
            calls.push(vec!["build", "-p", "connect-chat"]);
        }
        calls
    }

    /// Arguments of `cargo` that run it.
    pub(super) fn runs(self) -> Vec<&'static str> {
        match self {
            Self::Crashes => self.test(&["--", self.named()]),
            Self::Simulation | Self::Unit { .. } => self.test(&[self.named()]),
        }
    }

    /// The name of the test, or a part of it.
    const fn named(self) -> &'static str {
        match self {
            Self::Simulation => "no_seed_breaks_a_law",
            Self::Crashes => "a_kill_at_any_instant_breaks_no_law",
            Self::Unit { named, .. } => named,
        }
    }

    /// What became of it, by what the run printed of each test; nothing if it was not run, or not to its end.
    pub(super) fn verdict(self, said: &str) -> Option<Verdict> {
        let of_it = |line: &str| {
            let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
            name.contains(self.named()).then_some(result == "ok")
        };
        let results: Vec<bool> = said.lines().filter_map(of_it).collect();
        match results.as_slice() {
            [] => None,
            results if results.contains(&false) => Some(Verdict::Failed),
            _ => Some(Verdict::Passed),
        }
    }

    /// Variables of the environment that it runs with.
    pub(super) fn variables(self) -> Option<(&'static str, &'static str)> {
        (self == Self::Simulation).then_some(SEEDS)
    }

    fn test(self, more: &[&'static str]) -> Vec<&'static str> {
        let mut call = match self {
            Self::Simulation => vec!["test", "-p", "verify", "--test", "simulation"],
            Self::Crashes => vec!["test", "-p", "verify", "--test", "crash"],
            Self::Unit { package, .. } => vec!["test", "-p", package, "--lib"],
        };
        call.extend(more);
        call
    }
}

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo {}", self.runs().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_did_not_come_to_the_test_counts_as_its_failure() {
        let check = Check::Unit { package: "domain", named: "cursor" };
        let said = |lines: &[&str]| check.verdict(&lines.join("\n"));
        assert_eq!(said(&["test cursor::a ... ok", "test cursor::b ... ok"]), Some(Verdict::Passed));
        assert_eq!(said(&["test cursor::a ... FAILED", "test cursor::b ... ok"]), Some(Verdict::Failed));
        assert_eq!(said(&["error: could not compile `domain`"]), None);
        assert_eq!(said(&["running 0 tests", "test result: ok. 0 passed"]), None);
        assert_eq!(said(&["test position::a ... FAILED"]), None);
    }
}
