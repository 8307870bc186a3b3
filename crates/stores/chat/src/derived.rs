//! What a repair needs: the rows that are derived from the logs, one by one, to be looked at and written again.
//!
//! Nothing here touches an entry. Deliberately absent: any judgement of what the rows should say, and any protection
//! against whoever else writes: a repair has the store for itself.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConversationId, Cursor, Entry, Head, PortError, Position, UserId};

/// A record of the change feed, as it lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its offset.
    pub offset: u64,
    /// The entry that it tells of; `None` if that cannot be read.
    pub of: Option<(ConversationId, Position)>,
}

/// The derived rows of a Chat DB.
#[async_trait]
pub trait Derived: Send + Sync + 'static {
    /// Every conversation that has an entry, whatever its head says, by key, after `after`.
    async fn logs(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, PortError>;

    /// Replaces a head, whatever it was; `None` for a log without entries.
    async fn set_head(&self, conversation: ConversationId, head: Option<Head>) -> Result<(), PortError>;

    /// Writes the identity of each of these entries, as its append did.
    async fn set_identities(&self, entries: &[Arc<Entry>]) -> Result<(), PortError>;

    /// Replaces a cursor, also by an earlier one.
    async fn set_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: Cursor,
    ) -> Result<(), PortError>;

    /// Records of the feed after the offset `after`, at most `limit`.
    async fn told(&self, after: u64, limit: usize) -> Result<Vec<Told>, PortError>;

    /// Forgets these records of the feed, and appends one for each of these entries.
    async fn retell(&self, forget: &[u64], entries: &[Arc<Entry>]) -> Result<(), PortError>;
}
