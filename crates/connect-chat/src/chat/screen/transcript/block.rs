//! The rows of one item: who said it and when, its text, its tick.

use domain::{Entry, Timestamp, UserId};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::super::clock;
use super::super::super::outgoing::{Fate, Outgoing};
use super::super::super::rooms::Tick;
use super::super::super::words;
use super::super::{text, theme};
use super::{Item, Transcript};

/// Messages of one person are under one name, unless so much time is between them.
const GROUP_MS: u64 = 10 * 60_000;
/// Cells before a text.
const INDENT: usize = 2;
/// Cells after a text, for its tick.
const TICKS: usize = 3;

pub(super) type Rows = Vec<Line<'static>>;

/// Who said something, when, and whether it counts as a message.
struct Said {
    by: UserId,
    at: Timestamp,
    message: bool,
}

impl Transcript<'_> {
    /// At least one row.
    pub(super) fn block(&self, index: usize) -> Rows {
        let mut rows = Vec::new();
        match self.items[index] {
            Item::Top => rows.push(self.top()),
            Item::Entry(entry) if entry.kind.is_message() => self.message(index, entry, &mut rows),
            Item::Entry(entry) => self.happening(index, entry, &mut rows),
            Item::Outgoing(outgoing) => self.outgoing(index, outgoing, &mut rows),
        }
        rows
    }

    fn top(&self) -> Line<'static> {
        let words = match self.window {
            window if window.whole && window.entries().len() == 0 => "nothing was said here yet",
            window if window.whole => "this is the beginning",
            window if window.failed => "what is older comes when there is a connection",
            _ => "· · ·",
        };
        Line::styled(words, theme::QUIET).centered()
    }

    fn message(&self, index: usize, entry: &Entry, rows: &mut Rows) {
        let said = Said { by: entry.sender, at: entry.time, message: true };
        self.heading(index, &said, rows);
        let tick = (entry.sender == self.state.me).then(|| self.tick(entry));
        self.text(&words::text(entry).unwrap_or_default(), theme::PLAIN, tick, rows);
    }

    fn tick(&self, entry: &Entry) -> Tick {
        // Of a group nobody is told how far the others are.
        let peer = entry.conversation.peer(self.state.me).is_some();
        self.room.filter(|_| peer).map_or(Tick::Stored, |room| room.tick(entry.position))
    }

    fn outgoing(&self, index: usize, outgoing: &Outgoing, rows: &mut Rows) {
        let said = Said { by: self.state.me, at: outgoing.time(), message: true };
        self.heading(index, &said, rows);
        match &outgoing.fate {
            Fate::Waiting => self.text(&outgoing.text, theme::PLAIN, Some(Tick::Queued), rows),
            Fate::Stored => self.text(&outgoing.text, theme::PLAIN, Some(Tick::Stored), rows),
            Fate::Refused(why) => {
                self.text(&outgoing.text, theme::QUIET, None, rows);
                self.text(&format!("✗ not sent: {why}"), theme::BAD, None, rows);
                self.text("/retry sends it again, /discard drops it", theme::QUIET, None, rows);
            }
        }
    }

    /// The text in rows, the tick at the end of the last.
    fn text(&self, words: &str, style: Style, tick: Option<Tick>, rows: &mut Rows) {
        let words = text::harmless(words);
        let cells = self.width.saturating_sub(INDENT + TICKS);
        for row in text::rows(&words, cells) {
            let row = words[row].to_owned();
            rows.push(Line::from(vec![Span::raw(" ".repeat(INDENT)), Span::styled(row, style)]));
        }
        if let (Some(tick), Some(last)) = (tick, rows.last_mut()) {
            let (sign, style) = sign(tick);
            let gap = self.width.saturating_sub(last.width() + text::width(sign));
            last.push_span(Span::raw(" ".repeat(gap.max(1))));
            last.push_span(Span::styled(sign, style));
        }
    }

    fn happening(&self, index: usize, entry: &Entry, rows: &mut Rows) {
        let said = Said { by: entry.sender, at: entry.time, message: false };
        self.day(index, &said, rows);
        if self.before(index).is_some_and(|before| before.message) && rows.is_empty() {
            rows.push(Line::default());
        }
        let names = &self.state.names;
        let what = format!("{} {}", names.of(entry.sender), words::happening(entry, names));
        let words = format!("· {}  {}", text::name(&what), self.clock(entry.time));
        for row in text::rows(&words, self.width.saturating_sub(INDENT)) {
            rows.push(Line::styled(words[row].to_owned(), theme::QUIET));
        }
    }

    /// The day, if it is another, and the name, if it is another or much time has passed.
    fn heading(&self, index: usize, said: &Said, rows: &mut Rows) {
        self.day(index, said, rows);
        let before = self.before(index);
        let same =
            |before: &Said| before.message && before.by == said.by && said.at.since_ms(before.at) < GROUP_MS;
        if rows.is_empty() && before.as_ref().is_some_and(same) {
            return;
        }
        if rows.is_empty() {
            rows.push(Line::default());
        }
        let (name, style) = match said.by {
            me if me == self.state.me => ("you".to_owned(), theme::BRIGHT),
            other => (text::name(&self.state.names.of(other)), theme::person(other)),
        };
        let name = text::cut(&name, self.width.saturating_sub(8));
        let clock = format!("  {}", self.clock(said.at));
        rows.push(Line::from(vec![Span::styled(name, style), Span::styled(clock, theme::QUIET)]));
    }

    fn day(&self, index: usize, said: &Said, rows: &mut Rows) {
        let zoned = |said: &Said| clock::zoned(said.at, self.zone);
        if self.before(index).is_some_and(|before| zoned(&before).date() == zoned(said).date()) {
            return;
        }
        let words = zoned(said).strftime(" %A %-d %B %Y ").to_string();
        let rule = "─".repeat(self.width.saturating_sub(text::width(&words)) / 2);
        rows.push(Line::styled(format!("{rule}{words}{rule}"), theme::QUIET).centered());
    }

    fn before(&self, index: usize) -> Option<Said> {
        match self.items[index.checked_sub(1)?] {
            Item::Top => None,
            Item::Entry(entry) => {
                Some(Said { by: entry.sender, at: entry.time, message: entry.kind.is_message() })
            }
            Item::Outgoing(outgoing) => Some(Said { by: self.state.me, at: outgoing.time(), message: true }),
        }
    }

    fn clock(&self, time: Timestamp) -> String {
        clock::clock(time, self.zone)
    }
}

/// A tick as it is drawn.
pub(in super::super) const fn sign(tick: Tick) -> (&'static str, Style) {
    let style = match tick {
        Tick::Queued => theme::WAITING,
        Tick::Stored | Tick::Delivered => theme::QUIET,
        Tick::Read => theme::BRIGHT,
    };
    (tick.sign(), style)
}
