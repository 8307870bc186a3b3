//! Latencies of a run, and how they are told.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies, in microseconds, up to ten minutes, to three digits.
#[derive(Clone)]
pub(super) struct Latencies(Histogram<u64>);

const MICROS_MAX: u64 = 600_000_000;

impl Latencies {
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, MICROS_MAX, 3).expect("the bounds are constants that fit"))
    }

    pub(super) fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros.max(1));
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// As they are reported; nothing, if nothing was recorded.
    pub(super) fn millis(&self) -> Option<Millis> {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        let millis =
            Millis { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: self.0.max() as f64 / 1_000.0 };
        (!self.0.is_empty()).then_some(millis)
    }
}

/// Latencies, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Millis {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p99, p999, max } = self;
        write!(f, "p50 {p50}  p99 {p99}  p99.9 {p999}  max {max}")
    }
}

/// Latencies that several tasks record: a histogram is too large for each of ten thousand receivers to have its own.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Latencies>>);

impl Shared {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Latencies::new())))
    }

    /// Records what these were, under one lock.
    pub(super) fn record_all(&self, micros: &mut Vec<u64>) {
        if micros.is_empty() {
            return;
        }
        let mut latencies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        micros.drain(..).for_each(|micros| latencies.record(micros));
    }

    /// Whether both are one histogram.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What was recorded so far.
    pub(super) fn so_far(&self) -> Latencies {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_is_told_as_a_latency_of_nothing() {
        assert_eq!(Latencies::new().millis(), None);
        let shared = Shared::new();
        shared.clone().record_all(&mut vec![1_000, 3_000]);
        let millis = shared.so_far().millis().unwrap();
        assert!(millis.max > 2.9 && millis.p50 < 1.1, "{millis}");
    }
}
