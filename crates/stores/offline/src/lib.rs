//! The Offline Store: what absent people missed, by conversation.
//!
//! Derived from the logs and the cursors, and cleared by the cursors. Deliberately absent yet: mentions and push state.
//!
//! The laws, which every engine passes in one suite ([`suite`]):
//!
//! 1. **Forward.** Of two rows of one conversation the later (`as_of`) stays; noting one again changes nothing.
//! 2. **Cleared for good.** A row at or before a cleared mark never comes back: clearing is remembered while the row lives,
//!    and noting what was cleared is refused by comparing marks. Clearing where there is no row writes none.
//! 3. **Bounded.** A person has at most [`ROWS_MAX`] rows, cleared ones included; those go first, then the oldest.

pub mod embedded;
pub mod suite;

use async_trait::async_trait;
use domain::{ConversationId, Mark, PortError, Timestamp, UserId};

/// Rows kept for one person.
pub const ROWS_MAX: usize = 1_000;

/// What a person missed in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// Where.
    pub conversation: ConversationId,
    /// Up to here the person has it (their `delivered` cursor, or where they joined).
    pub delivered: Mark,
    /// The newest entry that they missed.
    pub as_of: Mark,
    /// When that was appended.
    pub time: Timestamp,
}

impl Missed {
    /// Whether they miss something: a row that they do not is kept, to remember that it was cleared, and not shown.
    pub fn is_behind(&self) -> bool {
        self.as_of > self.delivered
    }

    /// The row that two of one conversation make: the further mark of each kind, the time of the later one.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let later = if other.as_of > self.as_of { other } else { self };
        Self { delivered: self.delivered.max(other.delivered), ..later }
    }

    /// How many messages they missed.
    pub const fn messages(&self) -> u64 {
        self.as_of.ordinal.saturating_sub(self.delivered.ordinal)
    }
}

/// The Offline Store. See the laws at the top of this crate.
#[async_trait]
pub trait OfflineStore: Send + Sync + 'static {
    /// Notes what people missed.
    async fn note(&self, rows: Vec<(UserId, Missed)>) -> Result<(), PortError>;

    /// These people have these conversations up to these marks.
    async fn clear(&self, seen: Vec<(UserId, ConversationId, Mark)>) -> Result<(), PortError>;

    /// Forgets all rows of a person, also those that cannot be read: what is derived is made again.
    async fn forget(&self, user: UserId) -> Result<(), PortError>;

    /// What a person missed, newest first, at most `limit` conversations.
    async fn missed(&self, user: UserId, limit: usize) -> Result<Vec<Missed>, PortError>;
}
