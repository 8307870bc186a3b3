//! What Notification counts.

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

/// The handles, looked up once.
pub(crate) struct Meters {
    /// Entries looked at.
    pub(crate) entries: Counter,
    /// Rows noted in the Offline Store.
    pub(crate) rows: Counter,
    /// How long batches of entries take.
    pub(crate) batches: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe_counter!("notification_entries_total", Unit::Count, "Entries of the feed looked at.");
        describe_counter!(
            "notification_rows_total",
            Unit::Count,
            "Rows noted for people who missed something."
        );
        describe_histogram!(
            "notification_batch_seconds",
            Unit::Seconds,
            "Time of looking at one batch of the feed's entries."
        );
        describe_counter!(
            "notification_retries_total",
            Unit::Count,
            "Other tries of steps that did not work at once."
        );
        retries().increment(0);
        Self {
            entries: counter!("notification_entries_total"),
            rows: counter!("notification_rows_total"),
            batches: histogram!("notification_batch_seconds"),
        }
    }
}

/// Other tries of what did not work at once.
pub(crate) fn retries() -> Counter {
    counter!("notification_retries_total")
}
