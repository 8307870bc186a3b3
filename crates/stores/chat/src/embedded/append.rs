//! Appending: the entries, their identities, the head and the feed in one batch, which requires the head that they follow.

use std::sync::Arc;

use domain::{ConversationId, Entry, Head, PortError, Position, position::SEQ_MAX};
use store_kv::{Batch, Key, Value, write};

use super::error::{of_caller, of_read, of_row, of_write};
use super::{Store, format};
use crate::AppendError;

impl Store {
    pub(super) async fn append_entries(
        &self,
        conversation: ConversationId,
        after: Position,
        entries: &[Arc<Entry>],
    ) -> Result<(), AppendError> {
        check(conversation, after, entries)?;
        let key = conversation.to_key();
        let row = self.heads.get(&key).map_err(of_read)?;
        let head = head_of(row.as_deref())?;
        if head.map_or(Position::START, |head| head.position) != after {
            return Err(AppendError::Conflict { head });
        }
        let batch = self.batch(key, row, entries);
        match self.kv.write(batch).await {
            Ok(()) => {
                self.tail.moved();
                Ok(())
            }
            Err(write::Error::Conflict { found, .. }) => {
                Err(AppendError::Conflict { head: head_of(found.as_deref())? })
            }
            Err(error) => Err(of_write(error).into()),
        }
    }

    /// The batch that turns a log whose head is `row` into one that ends with `entries`.
    fn batch(&self, mut key: Vec<u8>, row: Option<Value>, entries: &[Arc<Entry>]) -> Batch {
        let conversation = Key::from(&key[..]);
        let mut batch = Batch::new();
        match row {
            Some(row) => batch.require(&self.heads, conversation.clone(), row),
            None => batch.require_absent(&self.heads, conversation.clone()),
        };
        for entry in entries {
            key.truncate(conversation.len());
            key.extend_from_slice(&entry.position.to_key());
            let whereabouts = Value::from(format::whereabouts_to_row(entry));
            batch.put(&self.entries, &key[..], format::entry_to_row(entry));
            batch.put(&self.identities, entry.identity().to_key(), whereabouts.clone());
            batch.append(&self.feed, whereabouts);
        }
        if let Some(last) = entries.last() {
            batch.put(&self.heads, conversation, format::head_to_row(last.head()));
        }
        batch
    }
}

pub(super) fn head_of(row: Option<&[u8]>) -> Result<Option<Head>, PortError> {
    row.map(format::head_from_row).transpose().map_err(of_row)
}

/// Refuses entries that would leave a hole in the log, or go into another.
fn check(conversation: ConversationId, after: Position, entries: &[Arc<Entry>]) -> Result<(), PortError> {
    let mut previous = after;
    for entry in entries {
        if entry.conversation != conversation {
            return Err(of_caller("an append holds an entry of another conversation"));
        }
        let at = entry.position;
        if at.seq > SEQ_MAX || at.seq != previous.seq + 1 || at.epoch < previous.epoch {
            return Err(of_caller("an append would leave a gap in the log"));
        }
        previous = at;
    }
    if entries.is_empty() { Err(of_caller("an append of nothing")) } else { Ok(()) }
}
