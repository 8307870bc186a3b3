//! The log as the boxes that project it read it.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::services::Log;
use domain::{ConversationId, Entry, Head, PortError, Position};
use store_chat::{ChatStore, Edge};

/// Reads logs for projections. Made before Messaging, since Group is built on it and Messaging on Group.
pub struct LogReader {
    chat: Arc<dyn ChatStore>,
}

impl LogReader {
    /// A reader of this Chat DB.
    pub fn new(chat: Arc<dyn ChatStore>) -> Self {
        Self { chat }
    }
}

#[async_trait]
impl Log for LogReader {
    async fn head(&self, conversation: ConversationId) -> Result<Head, PortError> {
        Ok(self.chat.head(conversation).await?.unwrap_or_default())
    }

    /// Each entry names the newest membership entry at or before it, so the membership entries are a chain that is
    /// walked back from the head, two reads a link, however long the log is.
    async fn projected(
        &self,
        conversation: ConversationId,
        after: Position,
    ) -> Result<Vec<Arc<Entry>>, PortError> {
        let mut entries = vec![];
        let mut at = self.head(conversation).await?.roster;
        while at > after && at != Position::START {
            let Some(entry) = self.chat.entry(conversation, at).await? else {
                let what = format!("{conversation} names a membership entry at {at}, and there is none");
                return Err(PortError::lasting("chat store", what));
            };
            entries.push(entry);
            let before = self.chat.page(conversation, Edge::Before(at), 1, usize::MAX).await?;
            at = before.first().map_or(Position::START, |entry| entry.roster);
        }
        entries.reverse();
        Ok(entries)
    }
}
