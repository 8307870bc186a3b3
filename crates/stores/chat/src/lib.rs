//! The Chat DB: every log, the cursors into it, and the change feed of all logs.
//!
//! The log is the only truth. What else is kept here (identities, heads, the feed) is written in the same atomic step as
//! the entries it is derived from, where the engine can do so, and names the position it is good for.
//!
//! The laws, which every engine passes in one suite ([`suite`]):
//!
//! 1. **Durable.** What returned `Ok` survives a `kill -9` and a power cut.
//! 2. **Whole.** An append, with all that is derived from it, is seen whole or not at all, and only once it is durable.
//! 3. **Fenced.** An append succeeds only if its `after` is the head; else nothing is written and the head is told.
//! 4. **Dense.** The first entry follows `after`, each next one the one before; a caller that breaks this is refused.
//! 5. **Cursors grow.** Moves are merged by maximum, whatever their order and number.
//! 6. **Retry.** After an error nobody knows whether it happened; the same append again is then a conflict, or succeeds.
//!
//! Deliberately absent: who may write or read what, which is decided by Messaging.

pub mod derived;
pub mod embedded;
pub mod suite;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConversationId, Cursor, Entry, Head, Identity, PortError, Position, UserId};

pub use derived::Derived;

/// Which way a page goes from its edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Entries after this position, oldest first.
    After(Position),
    /// Entries before this position, newest first.
    Before(Position),
}

/// Why an append did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The head is another than `after`. Nothing was written.
    #[error("the log of the conversation ends elsewhere: {head:?}")]
    Conflict {
        /// Where it ends; `None` if it is empty.
        head: Option<Head>,
    },
    /// The engine failed. Whether it happened is not known.
    #[error(transparent)]
    Store(#[from] PortError),
}

/// A cursor to be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorMove {
    /// In which log.
    pub conversation: ConversationId,
    /// Whose.
    pub user: UserId,
    /// At least how far.
    pub cursor: Cursor,
}

/// The Chat DB. See the laws at the top of this crate.
#[async_trait]
pub trait ChatStore: Send + Sync + 'static {
    /// The end of a log; `None` while it is empty.
    async fn head(&self, conversation: ConversationId) -> Result<Option<Head>, PortError>;

    /// Appends entries of one conversation, which follow `after` without a gap.
    async fn append(
        &self,
        conversation: ConversationId,
        after: Position,
        entries: Vec<Arc<Entry>>,
    ) -> Result<(), AppendError>;

    /// The entry that each of these identities (of one conversation) was appended as, if it was.
    async fn find(&self, identities: &[Identity]) -> Result<Vec<Option<Arc<Entry>>>, PortError>;

    /// The entry at a position.
    async fn entry(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<Arc<Entry>>, PortError>;

    /// Entries from `edge` on, in its direction: at most `count_max`, and not more than `bytes_max` bytes except for the
    /// first, which is always given.
    async fn page(
        &self,
        conversation: ConversationId,
        edge: Edge,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Arc<Entry>>, PortError>;

    /// Merges cursors, each by maximum, and gives them merged, in the order asked.
    async fn move_cursors(&self, moves: Vec<CursorMove>) -> Result<Vec<Cursor>, PortError>;

    /// The cursors of these members, in the order asked; `(0,0)` where none was kept.
    async fn cursors(&self, of: &[(ConversationId, UserId)]) -> Result<Vec<Cursor>, PortError>;

    /// Every conversation that has a log, by key, after `after`.
    async fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, PortError>;
}

/// The change feed: every entry appended anywhere, at a dense offset from 1, in an order that keeps that of each log.
/// Kept for a stated time; readers keep their own offset.
#[async_trait]
pub trait Feed: Send + Sync + 'static {
    /// Entries with their offsets, from `from` on, oldest first, at most `max`; empty if there are none yet.
    async fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, Arc<Entry>)>, PortError>;

    /// The newest offset; 0 while there is none.
    fn newest(&self) -> u64;

    /// The oldest offset still kept.
    async fn oldest(&self) -> Result<u64, PortError>;

    /// Waits until there is something beyond `offset`.
    async fn beyond(&self, offset: u64);

    /// The first offset that `reader` has not finished; 1 for a new one.
    async fn position(&self, reader: &str) -> Result<u64, PortError>;

    /// `reader` has finished everything before `offset`. Never goes back. Need not be durable at once: a reader may
    /// see entries again after a crash.
    async fn finish(&self, reader: &str, offset: u64) -> Result<(), PortError>;

    /// Forgets the feed's records of entries older than `before_ms` (Unix milliseconds), at most `max` of them. Gives
    /// how many. The entries themselves stay.
    async fn trim(&self, before_ms: u64, max: usize) -> Result<usize, PortError>;
}
