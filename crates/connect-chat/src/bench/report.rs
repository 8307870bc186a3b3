//! The result of a benchmark: the same keys in all of them, and its own. Pure.

use serde::Serialize;
use serde_json::{Map, Value};

use super::figures::{Figures, Measured, round};
use super::told;

/// What bounds a benchmark, measured in the same run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ceiling {
    /// What was measured.
    what: &'static str,
    unit: &'static str,
    value: f64,
    /// The benchmark's own figure, divided by this.
    ratio: f64,
}

impl Ceiling {
    /// A bound of so many `unit`, and what the benchmark measured in the same.
    pub(super) fn new(what: &'static str, unit: &'static str, value: f64, figure: f64) -> Self {
        Self { what, unit, value: round(value), ratio: round(figure / value.max(1e-9)) }
    }
}

/// Which way a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Better {
    More,
    Less,
}

/// The figure by which runs are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Headline {
    /// Its key.
    of: &'static str,
    better: Better,
    value: f64,
}

impl Headline {
    /// One of which more is better.
    pub(super) fn more(of: &'static str, value: f64) -> Self {
        Self { of, better: Better::More, value: round(value) }
    }

    /// One of which less is better.
    pub(super) fn less(of: &'static str, value: f64) -> Self {
        Self { of, better: Better::Less, value: round(value) }
    }
}

/// The figure by which runs are compared, of all of them.
#[derive(Debug, Clone, Serialize)]
struct Runs {
    /// Its key.
    of: &'static str,
    better: Better,
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
    wrong: Vec<String>,
    #[serde(skip)]
    headline: f64,
}

impl Report {
    /// A report whose runs are compared by this figure.
    pub(super) fn new(benchmark: &'static str, headline: Headline, figures: Figures) -> Self {
        let Headline { of, better, value } = headline;
        Self {
            benchmark,
            command: String::new(),
            runs: Runs { of, better, values: vec![value] },
            figures,
            ceiling: None,
            own: Map::new(),
            wrong: Vec::new(),
            headline: value,
        }
    }

    /// A report of messages that were received.
    pub(super) fn of_messages(benchmark: &'static str, measured: &Measured) -> Self {
        let figures = Figures::from(measured);
        let headline = Headline::more("received_per_s", figures.received_per_s.unwrap_or_default());
        Self::new(benchmark, headline, figures).wrong(measured.wrong())
    }

    /// Adds what only this benchmark tells: a struct, whose fields become keys.
    pub(super) fn with(mut self, own: impl Serialize) -> Self {
        if let Ok(Value::Object(own)) = serde_json::to_value(own) {
            self.own.extend(own.into_iter().map(|(key, value)| (key, rounded(value))));
        }
        self
    }

    pub(super) fn under(mut self, ceiling: Option<Ceiling>) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// Adds something that was got wrong, in words.
    pub(super) fn wrong(mut self, what: Option<String>) -> Self {
        self.wrong.extend(what);
        self
    }

    /// Adds what was got wrong in messages whose other figures are not told.
    pub(super) fn also(mut self, measured: &Measured) -> Self {
        self.figures.add_faults(&Figures::from(&measured.tally));
        self.wrong(measured.wrong())
    }

    pub(super) fn made_by(mut self, command: String) -> Self {
        self.command = command;
        self
    }

    pub(super) fn headline(&self) -> f64 {
        self.headline
    }

    /// By its headline, the better one last.
    pub(super) fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let rising = self.headline.total_cmp(&other.headline);
        if self.runs.better == Better::More { rising } else { rising.reverse() }
    }

    /// It is the median of runs with these headlines.
    pub(super) fn among(mut self, headlines: Vec<f64>) -> Self {
        self.runs.values = headlines;
        self
    }

    /// Adds what another run got wrong.
    pub(super) fn add_faults(&mut self, other: &Self) {
        self.figures.add_faults(&other.figures);
        self.wrong.extend_from_slice(&other.wrong);
    }

    /// What was got wrong, in words; empty if nothing.
    pub(super) fn faults(&self) -> String {
        told::faults(&self.json()).join(", ")
    }

    pub(super) fn json(&self) -> Value {
        serde_json::to_value(self).expect("its keys are texts, and its values plain")
    }
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
    use crate::bench::latencies::Latencies;
    use crate::bench::meter::Tally;

    fn measured(tally: Tally) -> Measured {
        let mut ack = Latencies::new();
        (1..=1_000).for_each(|n| ack.record(n * 100));
        let receive = ack.clone();
        Measured {
            tally,
            refused_by: None,
            ack,
            send_late: Latencies::new(),
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
        let ceiling = Ceiling::new("a relay", "messages/s", 500.0, 250.0);
        let report = Report::of_messages("pairs", &measured(tally)).under(Some(ceiling));
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["acked_per_s"], 500.0);
        assert_eq!(json["received_per_s"], 250.0, "what came later took longer");
        assert_eq!(json["server_cpu_us_per_delivery"], 5.0);
        assert_eq!(json["server_rss_mb"], 12.5);
        assert_eq!(json["ceiling"]["ratio"], 0.5);
        for key in ["lost", "duplicated", "disordered", "unanswered"] {
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
        let json =
            serde_json::to_value(Report::new("idle", Headline::less("a", 1.0), Figures::default())).unwrap();
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

    #[test]
    fn a_server_that_refuses_or_does_not_answer_makes_the_report_a_success() {
        let tally = Tally { sent: 9, acked: 0, refused: 7, ..Tally::default() };
        let refused = Measured { refused_by: Some("unavailable: busy".to_owned()), ..measured(tally) };
        let report = Report::of_messages("pairs", &refused);
        assert_eq!(report.faults(), "2 unanswered, 7 refused, the first: unavailable: busy");
        assert_eq!(report.json()["wrong"], serde_json::json!(["7 refused, the first: unavailable: busy"]));
    }

    #[test]
    fn what_was_got_wrong_before_the_measurement_goes_unseen() {
        let filled = measured(Tally { lost: 3, duplicated: 1, ..Tally::default() });
        let report = Report::new("history", Headline::less("a", 1.0), Figures::default()).also(&filled);
        assert_eq!(report.also(&filled).faults(), "6 lost, 2 twice");
    }
}
