//! The derived rows, for a repair.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConversationId, Cursor, Entry, Head, PortError, Position, UserId};
use store_kv::{Batch, Key, Value};

use super::error::{of_read, of_row, of_write};
use super::tail::offset;
use super::{Store, format, keys};
use crate::derived::{Derived, Told};

impl Store {
    /// The conversation of the first entry after all of `after`.
    fn log_after(&self, after: Option<ConversationId>) -> Result<Option<ConversationId>, PortError> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(keys::entry(after, Position::END)));
        let Some(row) = self.entries.scan((from, Bound::<Vec<u8>>::Unbounded)).next() else {
            return Ok(None);
        };
        let (key, _) = row.map_err(of_read)?;
        let conversation = ConversationId::split_key(&key).map(|(conversation, _)| conversation);
        conversation.map(Some).ok_or_else(|| of_row(format::Error::NotA("conversation")))
    }
}

#[async_trait]
impl Derived for Store {
    async fn logs(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, PortError> {
        let (mut logs, mut after) = (vec![], after);
        while logs.len() < limit
            && let Some(conversation) = self.log_after(after)?
        {
            logs.push(conversation);
            after = Some(conversation);
        }
        Ok(logs)
    }

    async fn set_head(&self, conversation: ConversationId, head: Option<Head>) -> Result<(), PortError> {
        let mut batch = Batch::new();
        match head {
            Some(head) => batch.put(&self.heads, conversation.to_key(), format::head_to_row(head)),
            None => batch.delete(&self.heads, conversation.to_key()),
        };
        self.kv.write(batch).await.map_err(of_write)
    }

    async fn set_identities(&self, entries: &[Arc<Entry>]) -> Result<(), PortError> {
        let mut batch = Batch::new();
        for entry in entries {
            batch.put(&self.identities, entry.identity().to_key(), format::whereabouts_to_row(entry));
        }
        self.kv.write(batch).await.map_err(of_write)
    }

    async fn set_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: Cursor,
    ) -> Result<(), PortError> {
        let mut batch = Batch::new();
        batch.put(&self.cursors, keys::cursor(conversation, user), format::cursor_to_row(cursor));
        self.kv.write(batch).await.map_err(of_write)
    }

    async fn told(&self, after: u64, limit: usize) -> Result<Vec<Told>, PortError> {
        let rows = self.feed.scan(after.saturating_add(1).to_be_bytes()..).take(limit);
        rows.map(|row| {
            let (key, value) = row.map_err(of_read)?;
            let of = format::whereabouts_from_row(&value).ok().map(|at| (at.conversation, at.position));
            Ok(Told { offset: offset(&key)?, of })
        })
        .collect()
    }

    async fn retell(&self, forget: &[u64], entries: &[Arc<Entry>]) -> Result<(), PortError> {
        let mut batch = Batch::new();
        for offset in forget {
            batch.delete(&self.feed, Key::from(offset.to_be_bytes()));
        }
        for entry in entries {
            batch.append(&self.feed, Value::from(format::whereabouts_to_row(entry)));
        }
        self.kv.write(batch).await.map_err(of_write)?;
        self.tail.moved();
        Ok(())
    }
}
