//! What is told on the terminal once the screen is gone: whatever would otherwise be lost without a word.

use std::io::Write;

use anyhow::Result;

use super::super::command;
use super::super::words::waits;
use super::model::Model;
use super::text;

/// Lines to print.
pub(super) struct Farewell(Vec<String>);

impl Farewell {
    pub(super) fn of(model: &Model, waiting: usize) -> Self {
        let mut lines = Vec::new();
        lines.extend(model.stopped.iter().map(|reason| text::name(reason)));
        if waiting > 0 {
            lines.push(format!("{}.", waits(waiting)));
        }
        for (id, refused) in model.state.rooms.refused() {
            lines.push(kept(&format!("Not sent to {}", model.state.room_name(id)), &refused.text));
        }
        for (id, draft) in model.drafts().filter(|(_, draft)| command::secret_from(draft).is_none()) {
            let whom = id.map(|id| format!(" for {}", model.state.room_name(id))).unwrap_or_default();
            lines.push(kept(&format!("Typed{whom}, and not sent"), draft));
        }
        Self(lines)
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> &[String] {
        &self.0
    }

    pub(super) fn print(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        self.0.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        Ok(out.flush()?)
    }
}

fn kept(what: &str, words: &str) -> String {
    format!("{}:\n{}", text::name(what), text::harmless(words))
}
