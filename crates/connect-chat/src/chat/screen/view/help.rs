//! The help: keys, ticks, commands.

use ratatui::Frame;
use ratatui::text::{Line, Span};

use super::super::super::command::HELP;
use super::super::super::rooms::Tick;
use super::super::theme;
use super::super::transcript::sign;
use super::{over, row};

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

pub(super) fn draw(frame: &mut Frame<'_>) {
    let mut lines: Vec<Line<'static>> = KEYS.iter().map(|(keys, what)| pair(keys, what)).collect();
    lines.push(Line::default());
    lines.extend(TICKS.iter().map(|(tick, what)| {
        let (sign, style) = sign(*tick);
        Line::from(vec![Span::styled(format!("{sign:<4}"), style), Span::raw(*what)])
    }));
    lines.push(Line::default());
    lines.extend(HELP.iter().map(|line| Line::raw(*line)));
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = over(frame, "help", 78, height);
    for (n, line) in lines.iter().enumerate() {
        row(frame, line, area, n);
    }
}

fn pair(keys: &str, what: &'static str) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{keys:<15}"), theme::STRONG), Span::raw(what)])
}
