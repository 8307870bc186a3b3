//! Which ticks are news: how far the other is with one's newest message, told once. Pure.

use std::collections::HashMap;

use client::protocol::frame::CursorMoved;
use domain::{ConversationId, Entry, Position};

use super::super::rooms::Tick;

/// What was told of each conversation.
#[derive(Default)]
pub(super) struct Ticks(HashMap<ConversationId, Told>);

#[derive(Default)]
struct Told {
    /// The newest message of one's own that is stored.
    own: Position,
    /// How far the other was, when that was told last.
    told: Option<(Position, Tick)>,
}

impl Ticks {
    /// A message of one's own is stored.
    pub(super) fn own(&mut self, entry: &Entry) {
        let told = self.0.entry(entry.conversation).or_default();
        told.own = told.own.max(entry.position);
    }

    /// Somebody's cursors moved: the tick that is new with it, if one's newest message has it now.
    pub(super) fn moved(&mut self, moved: &CursorMoved) -> Option<Tick> {
        let told = self.0.get_mut(&moved.conversation)?;
        let own = told.own;
        let tick = match moved.cursor {
            cursor if cursor.read.position >= own => Tick::Read,
            cursor if cursor.delivered.position >= own => Tick::Delivered,
            _ => return None,
        };
        let new = told.told.is_none_or(|told| told < (own, tick));
        if new {
            told.told = Some((own, tick));
        }
        new.then_some(tick)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Cursor, Mark};

    use super::super::super::samples::{at, direct, message, user};
    use super::*;

    fn moved(delivered: u64, read: u64) -> CursorMoved {
        let mark = |seq| Mark::new(at(seq), seq);
        let cursor = Cursor { delivered: mark(delivered), read: mark(read) };
        CursorMoved { conversation: direct(), user: user(2), cursor }
    }

    #[test]
    fn a_tick_is_told_once_and_only_for_what_was_said() {
        let mut ticks = Ticks::default();
        assert_eq!(ticks.moved(&moved(5, 5)), None);
        ticks.own(&message(3, 1, "x"));
        assert_eq!(ticks.moved(&moved(2, 2)), None);
        assert_eq!(ticks.moved(&moved(3, 2)), Some(Tick::Delivered));
        assert_eq!(ticks.moved(&moved(3, 2)), None);
        assert_eq!(ticks.moved(&moved(3, 3)), Some(Tick::Read));
        assert_eq!(ticks.moved(&moved(3, 3)), None);
    }
}
