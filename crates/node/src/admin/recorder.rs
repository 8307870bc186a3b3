//! What the boxes count into, by the handles of `metrics`.
//!
//! Counters and gauges are the Prometheus exporter's. Its histograms keep every sample until somebody asks, in memory
//! that grows meanwhile; ours are a few numbers, and recording is three additions, without a lock or an allocation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::exposition::Exposition;

/// Upper bounds of the buckets, in seconds.
const BOUNDS_S: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0,
];

const NS_PER_S: f64 = 1e9;

/// Reads what was counted. Clones read the same.
#[derive(Clone)]
pub(crate) struct Counted {
    rest: PrometheusHandle,
    times: Times,
}

/// Counts from now on, for the whole process.
///
/// # Errors
/// Something counts already.
pub(crate) fn install() -> anyhow::Result<Counted> {
    let rest = PrometheusBuilder::new().build_recorder();
    let counted = Counted { rest: rest.handle(), times: Times::default() };
    let recorder = Recorder { rest, times: counted.times.clone() };
    metrics::set_global_recorder(recorder)
        .map_err(|_| anyhow::anyhow!("metrics could not start: they run already"))?;
    Ok(counted)
}

impl Counted {
    /// Writes what was counted.
    pub(super) fn expose(&self, text: &mut Exposition) {
        text.text(&self.rest.render());
        for (name, Named { help, time }) in &*self.times.lock() {
            let counts = time.counts.each_ref().map(|count| count.load(Relaxed));
            #[expect(clippy::cast_precision_loss, reason = "a sum of seconds is a float")]
            let sum_s = time.sum_ns.load(Relaxed) as f64 / NS_PER_S;
            text.histogram(name, help, &BOUNDS_S, &counts, sum_s);
        }
    }
}

struct Recorder {
    rest: PrometheusRecorder,
    times: Times,
}

/// The histograms by name.
#[derive(Clone, Default)]
struct Times(Arc<Mutex<BTreeMap<String, Named>>>);

#[derive(Default)]
struct Named {
    help: String,
    time: Arc<Time>,
}

#[derive(Default)]
struct Time {
    counts: [AtomicU64; BOUNDS_S.len() + 1],
    sum_ns: AtomicU64,
}

impl Times {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Named>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HistogramFn for Time {
    fn record(&self, seconds: f64) {
        self.counts[BOUNDS_S.partition_point(|bound| *bound < seconds)].fetch_add(1, Relaxed);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        self.sum_ns.fetch_add((seconds * NS_PER_S) as u64, Relaxed);
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.rest.describe_counter(name, unit, help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.rest.describe_gauge(name, unit, help);
    }

    fn describe_histogram(&self, name: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.times.lock().entry(name.as_str().to_owned()).or_default().help = help.into_owned();
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.rest.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.rest.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        let mut times = self.times.lock();
        Histogram::from_arc(Arc::clone(&times.entry(key.name().to_owned()).or_default().time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_beside_its_bucket_or_not_summed() {
        let times = Times::default();
        let recorder = Recorder { rest: PrometheusBuilder::new().build_recorder(), times: times.clone() };
        metrics::with_local_recorder(&recorder, || {
            metrics::describe_histogram!("t_seconds", Unit::Seconds, "Time.");
            for seconds in [0.0, 0.0001, 0.0002, 31.0] {
                metrics::histogram!("t_seconds").record(seconds);
            }
        });
        let mut text = Exposition::default();
        Counted { rest: recorder.rest.handle(), times }.expose(&mut text);
        let text = text.finish();
        for line in [
            "# HELP t_seconds Time.",
            "# TYPE t_seconds histogram",
            "t_seconds_bucket{le=\"0.0001\"} 2",
            "t_seconds_bucket{le=\"0.00025\"} 3",
            "t_seconds_bucket{le=\"30\"} 3",
            "t_seconds_bucket{le=\"+Inf\"} 4",
            "t_seconds_sum 31.0003",
            "t_seconds_count 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
