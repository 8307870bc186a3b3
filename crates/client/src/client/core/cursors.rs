//! One's own cursors: gathered, never back, said again until the server confirmed them.

use std::collections::{BTreeSet, HashMap};

use domain::{ConversationId, Position};
use protocol::frame::{FromDevice, Move};

use super::Ms;

/// Which cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum Mover {
    Delivered,
    Read,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Marks {
    delivered: Position,
    read: Position,
}

impl Marks {
    /// The further of each; who has read has it, too.
    fn merge(self, other: Self) -> Self {
        let read = self.read.max(other.read);
        Self { delivered: self.delivered.max(other.delivered).max(read), read }
    }
}

#[derive(Default)]
struct Cursor {
    wished: Marks,
    said: Marks,
    confirmed: Marks,
}

/// This person's cursors, as far as this device moved them.
#[derive(Default)]
pub(super) struct Cursors {
    cursors: HashMap<ConversationId, Cursor>,
    unsaid: BTreeSet<ConversationId>,
    flushed: Option<Ms>,
}

impl Cursors {
    pub(super) fn wish(&mut self, conversation: ConversationId, mover: Mover, to: Position) {
        let cursor = self.cursors.entry(conversation).or_default();
        let wish = match mover {
            Mover::Delivered => Marks { delivered: to, read: Position::START },
            Mover::Read => Marks { delivered: to, read: to },
        };
        cursor.wished = cursor.wished.merge(wish);
        if cursor.wished != cursor.said {
            self.unsaid.insert(conversation);
        }
    }

    /// The server's word on where the cursors are.
    pub(super) fn confirmed(&mut self, conversation: ConversationId, cursor: domain::Cursor) {
        let told = Marks { delivered: cursor.delivered.position, read: cursor.read.position };
        let cursor = self.cursors.entry(conversation).or_default();
        cursor.confirmed = cursor.confirmed.merge(told);
        cursor.said = cursor.said.merge(cursor.confirmed);
        cursor.wished = cursor.wished.merge(cursor.confirmed);
        if cursor.wished == cursor.said {
            self.unsaid.remove(&conversation);
        }
    }

    pub(super) fn forget(&mut self, conversation: ConversationId) {
        self.cursors.remove(&conversation);
        self.unsaid.remove(&conversation);
    }

    /// The connection is gone: what was said and not confirmed may be lost.
    pub(super) fn unsent(&mut self) {
        for (conversation, cursor) in &mut self.cursors {
            cursor.said = cursor.confirmed;
            if cursor.wished != cursor.said {
                self.unsaid.insert(*conversation);
            }
        }
    }

    /// When the gathered moves are to be said.
    pub(super) fn deadline(&self, gather_ms: Ms) -> Option<Ms> {
        let due = || self.flushed.map_or(0, |flushed| flushed.saturating_add(gather_ms));
        (!self.unsaid.is_empty()).then(due)
    }

    /// The frames that say what is due: at most one flush in `gather_ms`.
    pub(super) fn flush(&mut self, now: Ms, gather_ms: Ms) -> Vec<FromDevice<'static>> {
        if self.deadline(gather_ms).is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.flushed = Some(now);
        let mut frames = Vec::new();
        for conversation in std::mem::take(&mut self.unsaid) {
            let Some(cursor) = self.cursors.get_mut(&conversation) else { continue };
            let (wished, said) = (cursor.wished, cursor.said);
            if wished.read > said.read {
                frames.push(FromDevice::Read(Move { conversation, position: wished.read }));
            }
            if wished.delivered > said.delivered.max(wished.read) {
                frames.push(FromDevice::Delivered(Move { conversation, position: wished.delivered }));
            }
            cursor.said = wished;
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use domain::{Mark, Region, UserId};

    use super::*;

    fn conversation() -> ConversationId {
        ConversationId::Own(UserId::new(Region::ONLY, [1; 15]))
    }

    fn at(seq: u64) -> Position {
        Position::new(1, seq)
    }

    #[test]
    fn a_storm_of_moves_is_one_frame_a_second_and_the_newest() {
        let mut cursors = Cursors::default();
        let mut said = Vec::new();
        for now in 0..3_000 {
            cursors.wish(conversation(), Mover::Delivered, at(now));
            said.extend(cursors.flush(now, 1_000));
        }
        assert_eq!(said.len(), 3);
        let FromDevice::Delivered(last) = &said[2] else { panic!("{said:?}") };
        assert_eq!(last.position, at(2_000));
    }

    #[test]
    fn a_move_that_was_lost_with_its_connection_is_said_again_until_confirmed() {
        let mut cursors = Cursors::default();
        cursors.wish(conversation(), Mover::Read, at(5));
        assert_eq!(cursors.flush(10, 1_000).len(), 1);
        cursors.unsent();
        assert_eq!(cursors.flush(2_000, 1_000).len(), 1, "lost, so said again");
        cursors.confirmed(conversation(), domain::Cursor::read_up_to(Mark::new(at(5), 5)));
        cursors.unsent();
        assert!(cursors.flush(9_000, 1_000).is_empty());
        cursors.wish(conversation(), Mover::Read, at(3));
        assert!(cursors.flush(20_000, 1_000).is_empty(), "never back");
    }
}
