//! The result of a benchmark: the same keys in all of them, and its own. Pure.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::latencies::{Latencies, Millis};
use super::meter::Tally;
use super::process::megabytes;

/// What a run of pairs or members measured.
pub(super) struct Measured {
    pub(super) tally: Tally,
    pub(super) ack: Latencies,
    pub(super) receive: Latencies,
    /// The time in which it was sent and acked, in seconds.
    pub(super) seconds: f64,
    /// The time until the last of it was received, in seconds.
    pub(super) received_seconds: f64,
    /// CPU time that the server took, in microseconds, if its process is known.
    pub(super) server_cpu_us: Option<u64>,
    pub(super) server_rss_bytes: Option<u64>,
}

/// The keys that all reports have; `None` where one has no meaning.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Figures {
    pub(super) acked_per_s: Option<f64>,
    pub(super) received_per_s: Option<f64>,
    pub(super) ack_ms: Option<Millis>,
    pub(super) receive_ms: Option<Millis>,
    pub(super) server_cpu_us_per_delivery: Option<f64>,
    /// 10^6 bytes.
    pub(super) server_rss_mb: Option<f64>,
    pub(super) rss_bytes_per_session: Option<f64>,
    pub(super) lost: Option<u64>,
    pub(super) duplicated: Option<u64>,
    pub(super) disordered: Option<u64>,
    pub(super) refused: Option<u64>,
    pub(super) sent: Option<u64>,
    pub(super) acked: Option<u64>,
    pub(super) received: Option<u64>,
    pub(super) seconds: Option<f64>,
}

impl From<&Measured> for Figures {
    fn from(measured: &Measured) -> Self {
        let tally = &measured.tally;
        let per_s = |count: u64, seconds: f64| Some(round(count as f64 / seconds.max(1e-9)));
        let per_delivery = |micros: u64| round(micros as f64 / tally.received.max(1) as f64);
        Self {
            acked_per_s: per_s(tally.acked, measured.seconds),
            received_per_s: per_s(tally.received, measured.seconds.max(measured.received_seconds)),
            ack_ms: measured.ack.millis(),
            receive_ms: measured.receive.millis(),
            server_cpu_us_per_delivery: measured.server_cpu_us.map(per_delivery),
            server_rss_mb: measured.server_rss_bytes.map(megabytes).map(round),
            seconds: Some(round(measured.seconds)),
            ..Self::from(tally)
        }
    }
}

impl From<&Tally> for Figures {
    fn from(tally: &Tally) -> Self {
        Self {
            lost: Some(tally.lost),
            duplicated: Some(tally.duplicated),
            disordered: Some(tally.disordered),
            refused: Some(tally.refused),
            sent: Some(tally.sent),
            acked: Some(tally.acked),
            received: Some(tally.received),
            ..Self::default()
        }
    }
}

/// What bounds a benchmark, measured in the same run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ceiling {
    /// What was measured, with its unit.
    pub(super) what: &'static str,
    pub(super) value: f64,
    /// The benchmark's own figure, divided by this.
    pub(super) ratio: f64,
}

impl Ceiling {
    pub(super) fn new(what: &'static str, value: f64, figure: f64) -> Self {
        Self { what, value: round(value), ratio: round(figure / value.max(1e-9)) }
    }
}

/// The figure by which runs are compared.
#[derive(Debug, Clone, Serialize)]
struct Runs {
    /// Its key.
    of: &'static str,
    /// That of each run.
    values: Vec<f64>,
}

/// What is reported.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    benchmark: &'static str,
    /// The command that made it.
    command: String,
    runs: Runs,
    #[serde(flatten)]
    figures: Figures,
    ceiling: Option<Ceiling>,
    /// What only this benchmark tells.
    #[serde(flatten)]
    own: Map<String, Value>,
    /// What else was got wrong, in words.
    #[serde(skip)]
    wrong: Vec<String>,
    #[serde(skip)]
    headline: f64,
}

impl Report {
    /// A report whose runs are compared by the figure with this key.
    pub(super) fn new(
        benchmark: &'static str,
        (of, headline): (&'static str, f64),
        figures: Figures,
    ) -> Self {
        let headline = round(headline);
        Self {
            benchmark,
            command: String::new(),
            runs: Runs { of, values: vec![headline] },
            figures,
            ceiling: None,
            own: Map::new(),
            wrong: Vec::new(),
            headline,
        }
    }

    /// A report of messages that were received.
    pub(super) fn of_messages(benchmark: &'static str, measured: &Measured) -> Self {
        let figures = Figures::from(measured);
        Self::new(benchmark, ("received_per_s", figures.received_per_s.unwrap_or_default()), figures)
    }

    /// Adds what only this benchmark tells: a struct, whose fields become keys.
    pub(super) fn with(mut self, own: impl Serialize) -> Self {
        if let Ok(Value::Object(own)) = serde_json::to_value(own) {
            self.own.extend(own.into_iter().map(|(key, value)| (key, rounded(value))));
        }
        self
    }

    pub(super) fn under(mut self, ceiling: Ceiling) -> Self {
        self.ceiling = Some(ceiling);
        self
    }

    /// Adds something that was got wrong, in words.
    pub(super) fn wrong(mut self, what: Option<String>) -> Self {
        self.wrong.extend(what);
        self
    }

    pub(super) fn made_by(mut self, command: String) -> Self {
        self.command = command;
        self
    }

    pub(super) fn headline(&self) -> f64 {
        self.headline
    }

    /// It is the median of runs with these headlines.
    pub(super) fn among(mut self, headlines: Vec<f64>) -> Self {
        self.runs.values = headlines;
        self
    }

    /// Adds what another run got wrong.
    pub(super) fn add_faults(&mut self, other: &Self) {
        let (here, there) = (&mut self.figures, &other.figures);
        for (here, there) in [
            (&mut here.lost, there.lost),
            (&mut here.duplicated, there.duplicated),
            (&mut here.disordered, there.disordered),
        ] {
            *here = here.map(|count| count + there.unwrap_or_default());
        }
        self.wrong.extend_from_slice(&other.wrong);
    }

    /// What the server got wrong, in words; empty if nothing.
    pub(super) fn faults(&self) -> String {
        let Figures { lost, duplicated, disordered, .. } = self.figures;
        let counted = [(lost, "lost"), (duplicated, "duplicated"), (disordered, "disordered")];
        let counted = counted.into_iter().filter_map(|(count, what)| {
            count.filter(|count| *count > 0).map(|count| format!("{count} {what}"))
        });
        counted.chain(self.wrong.iter().cloned()).collect::<Vec<_>>().join(", ")
    }

    /// For people: a line a key, those without a meaning left out.
    pub(super) fn to_text(&self) -> String {
        let mut text = self.command.clone();
        let Ok(Value::Object(keys)) = serde_json::to_value(self) else { return text };
        let told = keys
            .iter()
            .filter(|(key, value)| !value.is_null() && !["benchmark", "command"].contains(&key.as_str()));
        for (key, value) in told {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{key:28} {}", plain(value));
        }
        text
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key} {}", plain(value))).collect::<Vec<_>>().join("  ")
        }
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// To a hundredth; more digits than a measurement has only hide it.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => round(number.as_f64().unwrap_or_default()).into(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, rounded(value))).collect(),
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(tally: Tally) -> Measured {
        let mut ack = Latencies::new();
        (1..=1_000).for_each(|n| ack.record(n * 100));
        let receive = ack.clone();
        Measured {
            tally,
            ack,
            receive,
            seconds: 2.0,
            received_seconds: 4.0,
            server_cpu_us: Some(5_000),
            server_rss_bytes: Some(12_500_000),
        }
    }

    #[test]
    fn the_keys_and_units_stay_what_others_read() {
        let tally = Tally { sent: 1_000, acked: 1_000, received: 1_000, ..Tally::default() };
        let report = Report::of_messages("pairs", &measured(tally)).under(Ceiling::new(
            "relay, messages/s",
            500.0,
            250.0,
        ));
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["acked_per_s"], 500.0);
        assert_eq!(json["received_per_s"], 250.0, "what came later took longer");
        assert_eq!(json["server_cpu_us_per_delivery"], 5.0);
        assert_eq!(json["server_rss_mb"], 12.5);
        assert_eq!(json["ceiling"]["ratio"], 0.5);
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
    fn a_key_that_has_no_meaning_is_null_and_not_absent() {
        let json = serde_json::to_value(Report::new("idle", ("a", 1.0), Figures::default())).unwrap();
        for key in ["acked_per_s", "receive_ms", "rss_bytes_per_session", "lost", "ceiling"] {
            assert_eq!(json.get(key), Some(&Value::Null), "{key}");
        }
    }

    #[test]
    fn a_single_loss_makes_the_report_a_failure() {
        let tally = Tally { lost: 1, ..Tally::default() };
        assert_eq!(Report::of_messages("pairs", &measured(tally)).faults(), "1 lost");
        assert_eq!(Report::of_messages("pairs", &measured(Tally::default())).faults(), "");
    }
}
