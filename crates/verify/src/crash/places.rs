//! The fail points at which a story kills the server, of every box, and how many passes it may let go by first.

/// Fail points that are passed with every batch, and those that wait for somebody to come or go.
const BUSY_PASSES_MAX: u64 = 40;
const QUIET_PASSES_MAX: u64 = 8;

/// Every box's fail points, and the passes of each before it kills, at most.
const BOXES: [(&[&str], u64); 4] = [
    (service_messaging::FAIL_POINTS, BUSY_PASSES_MAX),
    (gateway::FAIL_POINTS, BUSY_PASSES_MAX),
    (service_notification::FAIL_POINTS, BUSY_PASSES_MAX),
    (service_group::FAIL_POINTS, QUIET_PASSES_MAX),
];

/// A fail point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: &'static str,
    /// It is passed at most so often before it kills.
    pub(super) passes_max: u64,
}

/// Every fail point, box by box.
pub(super) fn places() -> Vec<Place> {
    let of = |(names, passes_max): (&'static [&'static str], u64)| {
        names.iter().map(move |name| Place { name, passes_max })
    };
    BOXES.into_iter().flat_map(of).collect()
}
