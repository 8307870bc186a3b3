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
            Self::Simulation => self.test(&["no_seed_breaks_a_law"]),
            Self::Crashes => self.test(&["--", "a_kill_at_any_instant_breaks_no_law"]),
            Self::Unit { named, .. } => self.test(&[named]),
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

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo {}", self.runs().join(" "))
    }
}
