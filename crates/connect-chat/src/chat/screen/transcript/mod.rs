//! A conversation as rows: what is held of its log, and what waits to be sent. Pure.
//!
//! Where one looks is kept as a place in an item, counted from the item's end: whatever comes before or after it, and
//! whatever width the rows have, that place stays where it is. Only what is looked at is laid out.

mod block;

pub(super) use block::sign;

use std::cmp::Ordering;
use std::ops::Range;

use domain::{ClientId, Entry, Position};
use jiff::tz::TimeZone;
use ratatui::text::Line;

use super::super::outgoing::Outgoing;
use super::super::rooms::Room;
use super::super::state::State;
use super::model::Window;

/// An item of the conversation.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    /// What is before the first entry that is held.
    Top,
    Entry(&'a Entry),
    Outgoing(&'a Outgoing),
}

/// The name of an item; the order of the names is that of the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Top,
    Entry(Position),
    Outgoing(ClientId),
}

/// Where one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Scroll {
    /// At the end, which one follows.
    #[default]
    End,
    /// The last row on the screen is so many rows above the end of this item.
    At { key: Key, below: usize },
}

/// A conversation, for rows of one width.
pub(super) struct Transcript<'a> {
    state: &'a State,
    room: Option<&'a Room>,
    window: &'a Window,
    zone: &'a TimeZone,
    items: Vec<Item<'a>>,
    width: usize,
}

/// What is on the screen: rows, and the items that they are of.
pub(super) struct Visible {
    pub(super) rows: Vec<Line<'static>>,
    pub(super) items: Range<usize>,
}

impl Item<'_> {
    const fn key(&self) -> Key {
        match self {
            Self::Top => Key::Top,
            Self::Entry(entry) => Key::Entry(entry.position),
            Self::Outgoing(outgoing) => Key::Outgoing(outgoing.client_id),
        }
    }
}

impl<'a> Transcript<'a> {
    pub(super) fn new(state: &'a State, window: &'a Window, zone: &'a TimeZone, width: u16) -> Self {
        let room = state.rooms.get(window.conversation);
        let mut items = vec![Item::Top];
        items.extend(window.entries().map(|entry| Item::Entry(entry)));
        if window.newest {
            items.extend(room.into_iter().flat_map(|room| &room.outgoing).map(Item::Outgoing));
        }
        Self { state, room, window, zone, items, width: usize::from(width) }
    }

    pub(super) fn items(&self, range: Range<usize>) -> &[Item<'a>] {
        &self.items[range]
    }

    /// The end of what is held, as a place that stays when more follows.
    pub(super) fn last(&self) -> Scroll {
        self.items.last().map_or(Scroll::End, |item| Scroll::At { key: item.key(), below: 0 })
    }

    fn height(&self, index: usize) -> usize {
        self.block(index).len()
    }

    /// The item and the rows of it below the screen.
    fn place(&self, scroll: Scroll) -> (usize, usize) {
        let last = self.items.len() - 1;
        let Scroll::At { key, below } = scroll else { return (last, 0) };
        match self.items.iter().position(|item| item.key() == key) {
            Some(index) => (index, below.min(self.height(index) - 1)),
            // It is not held any more, or has become an entry: what was before it.
            None => (self.held_before(key), 0),
        }
    }

    fn held_before(&self, key: Key) -> usize {
        let Key::Entry(at) = key else { return self.items.len() - 1 };
        let order = |item: &Item<'_>| match item.key() {
            Key::Top => Ordering::Less,
            Key::Entry(position) => position.cmp(&at),
            Key::Outgoing(_) => Ordering::Greater,
        };
        self.items.partition_point(|item| order(item).is_lt()).saturating_sub(1)
    }

    /// The rows of a screen of this height, and their items.
    pub(super) fn visible(&self, scroll: Scroll, height: usize) -> Visible {
        let (last, below) = self.place(scroll);
        let (mut rows, mut first) = (Vec::new(), last);
        for index in (0..=last).rev() {
            let hidden = if index == last { below } else { 0 };
            rows.extend(self.block(index).into_iter().rev().skip(hidden));
            first = index;
            if rows.len() >= height {
                break;
            }
        }
        rows.truncate(height);
        rows.reverse();
        Visible { rows, items: first..last + 1 }
    }

    /// Where one looks so many rows further up (or down, if `rows` is negative).
    pub(super) fn scrolled(&self, scroll: Scroll, rows: isize, height: usize) -> Scroll {
        let (index, below) = self.place(scroll);
        let (index, below) = match usize::try_from(rows) {
            Ok(up) => self.up(index, below + up, height),
            Err(_) => match self.down(index, below, rows.unsigned_abs()) {
                Some(place) => place,
                None => return Scroll::End,
            },
        };
        if index + 1 == self.items.len() && below == 0 {
            return Scroll::End;
        }
        Scroll::At { key: self.items[index].key(), below }
    }

    /// Up, but not so far that rows of the screen stay empty.
    fn up(&self, mut index: usize, mut below: usize, height: usize) -> (usize, usize) {
        while index > 0 && below >= self.height(index) {
            below -= self.height(index);
            index -= 1;
        }
        let mut above = self.height(index).saturating_sub(below);
        let mut top = index;
        while above < height && top > 0 {
            top -= 1;
            above += self.height(top);
        }
        match height.saturating_sub(above) {
            0 => (index, below),
            empty => self.down(index, below, empty).unwrap_or((self.items.len() - 1, 0)),
        }
    }

    /// Down; `None` past the end.
    fn down(&self, mut index: usize, mut below: usize, rows: usize) -> Option<(usize, usize)> {
        let mut left = rows;
        while left > below {
            left -= below + 1;
            index += 1;
            below = self.items.get(index).map(|_| self.height(index) - 1)?;
        }
        Some((index, below - left))
    }
}
