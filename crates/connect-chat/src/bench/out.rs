//! What a bench prints: progress on a terminal, the result on standard output. The only place of it that prints.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::report::Report;
use super::told;

/// Where results and progress go.
pub(super) struct Out {
    json: bool,
    progress: bool,
    /// Which run of how many is under way.
    run: Cell<(usize, usize)>,
}

impl Out {
    pub(super) fn new(json: bool) -> Self {
        Self { json, progress: std::io::stderr().is_terminal(), run: Cell::new((1, 1)) }
    }

    /// A run begins.
    pub(super) fn begin(&self, number: usize, count: usize) {
        self.run.set((number, count));
    }

    /// A bar of `len` steps; invisible unless a person looks on.
    pub(super) fn bar(&self, what: &str, len: u64) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let message = match self.run.get() {
            (_, 1) => what.to_owned(),
            (number, count) => format!("run {number} of {count}: {what}"),
        };
        let style = ProgressStyle::with_template("{msg:>28} {wide_bar} {pos}/{len} {elapsed_precise}");
        let bar = ProgressBar::new(len).with_message(message);
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Does `work`, which takes so many seconds, under a bar that shows them.
    pub(super) async fn seconds<T>(&self, what: &str, secs: u64, work: impl Future<Output = T>) -> T {
        let bar = self.bar(what, secs);
        let ticking = async {
            for _ in 0..secs {
                tokio::time::sleep(Duration::from_secs(1)).await;
                bar.inc(1);
            }
            std::future::pending().await
        };
        let done = tokio::select! {
            done = work => done,
            never = ticking => never,
        };
        bar.finish_and_clear();
        done
    }

    /// Prints the result.
    pub(super) fn report(&self, report: &Report) -> anyhow::Result<()> {
        self.line(&if self.json { serde_json::to_string(report)? } else { told::text(&report.json()) })
    }

    /// Prints a line.
    pub(super) fn line(&self, text: &str) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{text}")?;
        Ok(())
    }
}
