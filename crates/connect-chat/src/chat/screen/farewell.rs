//! What is told on the terminal once the screen is gone: whatever would otherwise be lost without a word.

use std::io::Write;

use anyhow::Result;

use super::model::Model;
use super::text;

/// Lines to print.
pub(super) struct Farewell(Vec<String>);

impl Farewell {
    pub(super) fn of(model: &Model, waiting: usize) -> Self {
        let mut lines = Vec::new();
        lines.extend(model.stopped.iter().map(|reason| text::name(reason)));
        match waiting {
            0 => {}
            1 => lines.push("1 message waits and is sent the next time.".to_owned()),
            count => lines.push(format!("{count} messages wait and are sent the next time.")),
        }
        for (id, refused) in model.state.rooms.refused() {
            lines.push(kept(&format!("Not sent to {}", model.state.room_name(id)), &refused.text));
        }
        for (id, draft) in model.drafts() {
            lines.push(kept(&format!("Typed for {}, and not sent", model.state.room_name(id)), draft));
        }
        Self(lines)
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
