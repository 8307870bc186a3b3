//! What Messaging counts: every name, what it says and its unit, and the handles, looked up once.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use tokio::time::Instant;

use crate::decide::Verdict;

/// The handles of one worker; all workers count into the same.
pub(crate) struct Meters {
    /// Records taken from `submit` and not finished.
    pub(crate) under_way: Gauge,
    /// Records with cursor moves.
    pub(crate) moves: Counter,
    /// Times from `submit` to the outcome on its way back.
    acks: Histogram,
    batches: Counter,
    appended: Counter,
    known: Counter,
    refused: Counter,
    failed: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe();
        conflicts().increment(0);
        retries().increment(0);
        let submissions =
            |outcome: &'static str| counter!("messaging_submissions_total", "outcome" => outcome);
        Self {
            under_way: gauge!("messaging_under_way_records"),
            acks: histogram!("messaging_ack_seconds"),
            batches: counter!("messaging_batches_total"),
            moves: counter!("messaging_cursor_moves_total"),
            appended: submissions("appended"),
            known: submissions("known"),
            refused: submissions("refused"),
            failed: submissions("failed"),
        }
    }

    /// A batch of submissions that came at these moments is finished; without verdicts it came to nothing.
    pub(crate) fn finished(&self, came: impl ExactSizeIterator<Item = Instant>, verdicts: &[Verdict]) {
        self.batches.increment(1);
        self.failed.increment((came.len() - verdicts.len()) as u64);
        let now = Instant::now();
        came.for_each(|came| self.acks.record(now - came));
        for verdict in verdicts {
            match verdict {
                Verdict::Append(_) => self.appended.increment(1),
                Verdict::Known(_) => self.known.increment(1),
                Verdict::Refuse(_) => self.refused.increment(1),
            }
        }
    }
}

/// Appends that found the log elsewhere.
pub(crate) fn conflicts() -> Counter {
    counter!("messaging_append_conflicts_total")
}

/// Other tries of what did not work at once.
pub(crate) fn retries() -> Counter {
    counter!("messaging_retries_total")
}

fn describe() {
    describe_gauge!(
        "messaging_under_way_records",
        Unit::Count,
        "Records taken from submit and not finished."
    );
    describe_histogram!(
        "messaging_ack_seconds",
        Unit::Seconds,
        "Time of a submission from leaving submit to its outcome on its way to the gateway."
    );
    describe_counter!("messaging_batches_total", Unit::Count, "Batches of submissions finished.");
    describe_counter!("messaging_cursor_moves_total", Unit::Count, "Records with cursor moves taken.");
    describe_counter!("messaging_submissions_total", Unit::Count, "Submissions finished, by outcome.");
    describe_counter!(
        "messaging_append_conflicts_total",
        Unit::Count,
        "Appends that were decided anew, since the log had moved on."
    );
    describe_counter!(
        "messaging_retries_total",
        Unit::Count,
        "Other tries of appends, cursor moves and effects that did not work at once."
    );
}
