//! What Group counts.

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

/// The handles, looked up once.
pub(crate) struct Meters {
    /// Rosters asked for that were in memory.
    pub(crate) hits: Counter,
    /// Rosters asked for that were not, or were too old.
    pub(crate) misses: Counter,
    /// How long these took.
    pub(crate) loads: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe_counter!(
            "group_rosters_total",
            Unit::Count,
            "Rosters of groups asked for, by whether they were in memory."
        );
        describe_histogram!(
            "group_roster_load_seconds",
            Unit::Seconds,
            "Time of reading a roster that was not in memory, or too old, from rows and log."
        );
        let rosters = |from: &'static str| counter!("group_rosters_total", "from" => from);
        Self {
            hits: rosters("memory"),
            misses: rosters("store"),
            loads: histogram!("group_roster_load_seconds"),
        }
    }
}
