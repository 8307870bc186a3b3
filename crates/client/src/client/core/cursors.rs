//! One's own cursors: gathered, never back, said again until the server confirmed them.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

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
    /// The last one whose moves were said: those behind it are next.
    last: Option<ConversationId>,
    /// Nothing is said before this time.
    hold_until: Ms,
}

/// Conversations whose moves are said at once, in at most two frames each: well below what the connection takes in one go.
const FLUSH_MAX: usize = 256;

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

    /// The server refused a move for good: what it confirmed is all there is.
    pub(super) fn refused(&mut self, conversation: ConversationId) {
        if let Some(cursor) = self.cursors.get_mut(&conversation) {
            (cursor.wished, cursor.said) = (cursor.confirmed, cursor.confirmed);
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

    /// The server did not take a move now: it is said again, and nothing else before the server wants to hear more.
    pub(super) fn refused_for_now(
        &mut self,
        now: Ms,
        conversation: ConversationId,
        retry_after_ms: Option<Ms>,
    ) {
        let Some(cursor) = self.cursors.get_mut(&conversation) else { return };
        cursor.said = cursor.confirmed;
        if cursor.wished != cursor.said {
            self.unsaid.insert(conversation);
        }
        self.hold_until = self.hold_until.max(now.saturating_add(retry_after_ms.unwrap_or_default()));
    }

    /// When the gathered moves are to be said.
    pub(super) fn deadline(&self) -> Option<Ms> {
        (!self.unsaid.is_empty()).then_some(self.hold_until)
    }

    /// The frames that say what is due: at most one flush in `gather_ms`, and what is too much for it in the next ones.
    pub(super) fn flush(&mut self, now: Ms, gather_ms: Ms) -> Vec<FromDevice<'static>> {
        if self.deadline().is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.hold_until = now.saturating_add(gather_ms);
        let mut frames = Vec::new();
        for conversation in self.next_in_turn() {
            self.unsaid.remove(&conversation);
            self.last = Some(conversation);
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

    /// Those behind the last one first, so that ones that move all the time do not keep others from their turn.
    fn next_in_turn(&self) -> Vec<ConversationId> {
        let behind = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let turn = self.unsaid.range((behind, Bound::Unbounded)).chain(&self.unsaid);
        turn.take(self.unsaid.len().min(FLUSH_MAX)).copied().collect()
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

    #[test]
    fn a_thousand_moves_flood_the_connection_or_some_never_have_their_turn() {
        let own = |n: u16| {
            let mut bytes = [0; 15];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            ConversationId::Own(UserId::new(Region::ONLY, bytes))
        };
        let mut cursors = Cursors::default();
        let mut said = BTreeSet::new();
        for second in 1..=4 {
            // All move all the time.
            (0..1_000).for_each(|n| cursors.wish(own(n), Mover::Read, at(second)));
            let frames = cursors.flush(second * 1_000, 1_000);
            assert!(frames.len() <= FLUSH_MAX, "{} at once", frames.len());
            said.extend(frames.iter().map(|frame| match frame {
                FromDevice::Read(moved) => moved.conversation,
                other => panic!("{other:?}"),
            }));
        }
        assert_eq!(said.len(), 1_000);
    }

    #[test]
    fn a_refused_move_that_is_said_again_for_ever_or_stands_in_the_way_of_others() {
        let mut cursors = Cursors::default();
        cursors.confirmed(conversation(), domain::Cursor::read_up_to(Mark::new(at(3), 3)));
        cursors.wish(conversation(), Mover::Read, at(999));
        assert_eq!(cursors.flush(10, 1_000).len(), 1);
        cursors.refused(conversation());
        cursors.unsent();
        assert!(cursors.flush(2_000, 1_000).is_empty());
        cursors.wish(conversation(), Mover::Read, at(4));
        let said = cursors.flush(9_000, 1_000);
        let [FromDevice::Read(said)] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!(said.position, at(4));
    }
}
