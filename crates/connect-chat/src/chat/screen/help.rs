//! What the help says: keys, ticks, commands. Pure.

use ratatui::text::{Line, Span};

use super::super::command::HELP;
use super::super::rooms::Tick;
use super::theme;
use super::transcript::sign;

const KEYS: [(&str, &str); 6] = [
    ("Enter", "send                      Alt+Enter  a new line"),
    ("Ctrl+K", "go to a conversation      Alt+↑ Alt+↓  the one above, below"),
    ("↑ ↓ PgUp PgDn", "scroll                    Ctrl+End  to the newest"),
    ("Ctrl+G", "the members of a group    Esc  away with this"),
    ("Ctrl+A E W U", "to the beginning, to the end; erase a word, a line"),
    ("Ctrl+C", "leave; what waits is sent the next time"),
];

const TICKS: [(Tick, &str); 4] = [
    (Tick::Queued, "queued: kept on this device until it can be sent"),
    (Tick::Stored, "stored: the server has it for good"),
    (Tick::Delivered, "delivered to a device (in conversations of two)"),
    (Tick::Read, "read"),
];

/// The border above and below.
const BORDERS: usize = 2;

/// All of its lines.
pub(super) fn lines() -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = KEYS.iter().map(|(keys, what)| pair(keys, what)).collect();
    lines.push(Line::default());
    lines.extend(TICKS.iter().map(|(tick, what)| {
        let (sign, style) = sign(*tick);
        Line::from(vec![Span::styled(format!("{sign:<4}"), style), Span::raw(*what)])
    }));
    lines.push(Line::default());
    lines.extend(HELP.iter().map(|line| Line::raw(*line)));
    lines
}

/// How many rows it wants on the screen.
pub(super) fn height() -> u16 {
    u16::try_from(lines().len() + BORDERS).unwrap_or(u16::MAX)
}

/// The lines that have no room on a screen of this height: how far it can be scrolled.
pub(super) fn overhang(screen_height: u16) -> usize {
    usize::from(height().saturating_sub(screen_height))
}

fn pair(keys: &str, what: &'static str) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{keys:<15}"), theme::STRONG), Span::raw(what)])
}
