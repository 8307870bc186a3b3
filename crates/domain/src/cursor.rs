//! Cursors: how far a member was delivered and has read. They only grow.

use serde::Serialize;

use crate::json::only_from_object;
use crate::position::Position;

/// A position with its ordinal: how many messages the log holds up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mark {
    /// The entry it stands at; `(0,0)` before everything.
    pub position: Position,
    /// Messages in the log up to it.
    pub ordinal: u64,
}

only_from_object!(Mark { position: Position, ordinal: u64 });

impl Mark {
    /// Before everything.
    pub const START: Self = Self { position: Position::START, ordinal: 0 };

    /// The mark of `position` and its `ordinal`.
    pub const fn new(position: Position, ordinal: u64) -> Self {
        Self { position, ordinal }
    }
}

/// A member's `delivered` and `read`, merged by maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cursor {
    /// Up to here some device of the member has it.
    pub delivered: Mark,
    /// Up to here the member has read.
    pub read: Mark,
}

only_from_object!(Cursor { delivered: Mark, read: Mark });

impl Cursor {
    /// Both marks at `mark`: who has read has it, too.
    pub const fn read_up_to(mark: Mark) -> Self {
        Self { delivered: mark, read: mark }
    }

    /// The further of each mark. Merging is commutative, associative and idempotent; `read` drags `delivered` along.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let read = self.read.max(other.read);
        Self { delivered: self.delivered.max(other.delivered).max(read), read }
    }

    /// How many messages up to `head_ordinal` this member has not read, who joined at `joined`.
    pub fn unread(&self, head_ordinal: u64, joined: Mark) -> u64 {
        head_ordinal.saturating_sub(self.read.max(joined).ordinal)
    }

    /// How many messages up to `head_ordinal` no device of this member has, who joined at `joined`.
    pub fn undelivered(&self, head_ordinal: u64, joined: Mark) -> u64 {
        head_ordinal.saturating_sub(self.delivered.max(joined).ordinal)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursors() -> impl Strategy<Value = Cursor> {
        let mark =
            || (1u32..4, 0u64..50).prop_map(|(e, s)| Mark::new(Position::new(e, s), u64::from(e) * 50 + s));
        (mark(), mark()).prop_map(|(delivered, read)| Cursor { delivered, read })
    }

    proptest! {
        #[test]
        fn merging_never_goes_back_whatever_the_order(a in cursors(), b in cursors(), c in cursors()) {
            prop_assert_eq!(a.merge(b).merge(c), c.merge(a).merge(b));
            prop_assert_eq!(a.merge(b).merge(b), a.merge(b));
            let merged = a.merge(b);
            prop_assert!(merged.read >= a.read && merged.delivered >= a.delivered && merged.delivered >= merged.read);
        }
    }

    #[test]
    fn a_newcomer_has_nothing_unread_from_before_they_joined() {
        let joined = Mark::new(Position::new(1, 40), 30);
        assert_eq!(Cursor::default().unread(35, joined), 5);
        assert_eq!(Cursor::read_up_to(Mark::new(Position::new(1, 44), 34)).unread(35, joined), 1);
    }
}
