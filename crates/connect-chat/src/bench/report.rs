//! The result of a benchmark: the same keys in all of them. Pure.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::meter::Tally;
use super::replay::Replayed;

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

    fn millis(&self) -> Millis {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Millis { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: self.0.max() as f64 / 1_000.0 }
    }
}

/// Latencies, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Millis {
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

/// What a run measured.
pub(super) struct Measured {
    pub(super) tally: Tally,
    pub(super) ack: Latencies,
    pub(super) receive: Latencies,
    /// The time in which it was sent and acked, in seconds.
    pub(super) seconds: f64,
    /// CPU time that the server took, in microseconds, if its process is known.
    pub(super) server_cpu_us: Option<u64>,
    pub(super) server_rss_mb: Option<f64>,
}

/// What is reported.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    benchmark: &'static str,
    acked_per_s: f64,
    received_per_s: f64,
    ack_ms: Millis,
    receive_ms: Millis,
    server_cpu_us_per_delivery: Option<f64>,
    server_rss_mb: Option<f64>,
    lost: u64,
    duplicated: u64,
    disordered: u64,
    refused: u64,
    sent: u64,
    acked: u64,
    received: u64,
    seconds: f64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    replay: Option<Replayed>,
}

impl Report {
    pub(super) fn new(benchmark: &'static str, measured: Measured) -> Self {
        let Measured { tally, ack, receive, seconds, server_cpu_us, server_rss_mb } = measured;
        let per_s = |count: u64| round(count as f64 / seconds.max(1e-9));
        let per_delivery = |micros: u64| round(micros as f64 / tally.received.max(1) as f64);
        Self {
            benchmark,
            acked_per_s: per_s(tally.acked),
            received_per_s: per_s(tally.received),
            ack_ms: ack.millis(),
            receive_ms: receive.millis(),
            server_cpu_us_per_delivery: server_cpu_us.map(per_delivery),
            server_rss_mb: server_rss_mb.map(round),
            lost: tally.lost,
            duplicated: tally.duplicated,
            disordered: tally.disordered,
            refused: tally.refused,
            sent: tally.sent,
            acked: tally.acked,
            received: tally.received,
            seconds: round(seconds),
            replay: None,
        }
    }

    pub(super) fn with_replay(mut self, replay: Replayed) -> Self {
        self.replay = Some(replay);
        self
    }

    /// What the server got wrong, in words; empty if nothing.
    pub(super) fn faults(&self) -> String {
        let mut faults = Vec::new();
        for (count, what) in
            [(self.lost, "lost"), (self.duplicated, "duplicated"), (self.disordered, "disordered")]
        {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        if let Some(replay) = &self.replay {
            faults.extend(replay.faults());
        }
        faults.join(", ")
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        let millis = |m: &Millis| format!("p50 {}  p99 {}  p99.9 {}  max {}", m.p50, m.p99, m.p999, m.max);
        let known = |value: Option<f64>| value.map_or("not known".to_owned(), |value| value.to_string());
        let mut lines = vec![
            format!("{}: {} s", self.benchmark, self.seconds),
            format!(
                "acked/s            {}   ({} of {} sent, {} refused)",
                self.acked_per_s, self.acked, self.sent, self.refused
            ),
            format!("received/s         {}   ({})", self.received_per_s, self.received),
            format!("send to ack, ms    {}", millis(&self.ack_ms)),
            format!("send to receive    {}", millis(&self.receive_ms)),
            format!(
                "server CPU µs per delivery {}, RSS MB {}",
                known(self.server_cpu_us_per_delivery),
                known(self.server_rss_mb)
            ),
            format!("lost {}  duplicated {}  disordered {}", self.lost, self.duplicated, self.disordered),
        ];
        lines.extend(self.replay.as_ref().map(Replayed::to_text));
        lines.join("\n")
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(tally: Tally) -> Measured {
        let mut ack = Latencies::new();
        (1..=1_000).for_each(|n| ack.record(n * 100));
        let receive = ack.clone();
        Measured { tally, ack, receive, seconds: 2.0, server_cpu_us: Some(5_000), server_rss_mb: Some(12.5) }
    }

    #[test]
    fn the_keys_and_units_stay_what_others_read() {
        let tally = Tally { sent: 1_000, acked: 1_000, received: 1_000, ..Tally::default() };
        let json = serde_json::to_value(Report::new("pairs", measured(tally))).unwrap();
        assert_eq!(json["acked_per_s"], 500.0);
        assert_eq!(json["received_per_s"], 500.0);
        assert_eq!(json["server_cpu_us_per_delivery"], 5.0);
        assert_eq!(json["server_rss_mb"], 12.5);
        for key in ["lost", "duplicated", "disordered"] {
            assert_eq!(json[key], 0);
        }
        for key in ["ack_ms", "receive_ms"] {
            let (p50, max) = (json[key]["p50"].as_f64().unwrap(), json[key]["max"].as_f64().unwrap());
            assert!((49.0..51.0).contains(&p50) && (99.0..101.0).contains(&max), "{json}");
            assert!(json[key]["p99"].is_number() && json[key]["p999"].is_number());
        }
    }

    #[test]
    fn a_single_loss_makes_the_report_a_failure() {
        let tally = Tally { lost: 1, ..Tally::default() };
        assert_eq!(Report::new("pairs", measured(tally)).faults(), "1 lost");
        assert_eq!(Report::new("pairs", measured(Tally::default())).faults(), "");
    }
}
