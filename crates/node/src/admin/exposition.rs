//! Metrics as Prometheus reads them: text, each with its help and its type.
//! (Prometheus, "Exposition formats", version 0.0.4.)

use std::fmt::{Display, Write};

/// The text so far.
#[derive(Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// Something that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.heading(name, help, "counter");
        self.line(name, "", value);
    }

    /// Something that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.heading(name, help, "gauge");
        self.line(name, "", value);
    }

    /// Gauges of one name, each with its value of this label.
    pub(super) fn gauges<V: Display>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        self.heading(name, help, "gauge");
        for (of, value) in values {
            self.line(name, &format!("{{{label}=\"{of}\"}}"), value);
        }
    }

    /// A histogram of seconds: how many are up to each bound, not cumulative, those above the last bound at the end; and
    /// their sum.
    pub(super) fn histogram(&mut self, name: &str, help: &str, bounds: &[f64], counts: &[u64], sum: f64) {
        self.heading(name, help, "histogram");
        let mut below = 0;
        for (index, count) in counts.iter().enumerate() {
            below += count;
            let bound = bounds.get(index).map_or("+Inf".to_owned(), f64::to_string);
            self.line(name, &format!("_bucket{{le=\"{bound}\"}}"), below);
        }
        self.line(name, "_sum", sum);
        self.line(name, "_count", below);
    }

    /// More of the same, written by somebody else.
    pub(super) fn text(&mut self, text: &str) {
        self.0 += text;
    }

    /// All of it.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn heading(&mut self, name: &str, help: &str, kind: &str) {
        self.0 += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, rest: &str, value: impl Display) {
        writeln!(self.0, "{name}{rest} {value}").expect("a String takes all");
    }
}
