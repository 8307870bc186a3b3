//! The fail points at which a story kills the server, and how many passes it may let go by first.

/// Fail points that are passed with every batch, and those that wait for somebody to come or go.
const BUSY_PASSES_MAX: u64 = 40;
const QUIET_PASSES_MAX: u64 = 8;

/// A fail point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: &'static str,
    /// It is passed at most so often before it kills.
    pub(super) passes_max: u64,
}

/// Every fail point, box by box.
pub(super) fn places() -> Vec<Place> {
    let place = |name| {
        let quiet = service_group::FAIL_POINTS.contains(&name);
        Place { name, passes_max: if quiet { QUIET_PASSES_MAX } else { BUSY_PASSES_MAX } }
    };
    node::fail_points().map(place).collect()
}
