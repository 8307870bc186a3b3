//! What a bench prints: progress on a terminal, the result on standard output. The only place of it that prints.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::report::Report;

/// Where results and progress go.
pub(super) struct Out {
    json: bool,
    progress: bool,
}

impl Out {
    pub(super) fn new(json: bool) -> Self {
        Self { json, progress: std::io::stderr().is_terminal() }
    }

    /// A bar of `len` steps; invisible unless a person looks on.
    pub(super) fn bar(&self, what: &'static str, len: u64) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg:>20} {wide_bar} {pos}/{len} {elapsed_precise}");
        let bar = ProgressBar::new(len).with_message(what);
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Prints the result.
    pub(super) fn report(&self, report: &Report) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string(report)? } else { report.to_text() };
        writeln!(std::io::stdout(), "{text}")?;
        Ok(())
    }
}
