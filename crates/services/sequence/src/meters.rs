//! What the Sequence Generator counts.

use contracts::services::{Grant, SequenceError};
use metrics::{Counter, Unit, counter, describe_counter};

/// Grants by outcome.
#[derive(Clone)]
pub(crate) struct Meters {
    granted: Counter,
    not_leader: Counter,
    failed: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe_counter!(
            "sequence_grants_total",
            Unit::Count,
            "Times that the right to number a conversation was asked for, by outcome."
        );
        let grants = |outcome: &'static str| counter!("sequence_grants_total", "outcome" => outcome);
        Self { granted: grants("granted"), not_leader: grants("not_leader"), failed: grants("failed") }
    }

    pub(crate) fn asked(&self, outcome: &Result<Grant, SequenceError>) {
        match outcome {
            Ok(_) => self.granted.increment(1),
            Err(SequenceError::NotLeader(_)) => self.not_leader.increment(1),
            Err(SequenceError::Port(_)) => self.failed.increment(1),
        }
    }
}
