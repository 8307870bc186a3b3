//! Reading logs, and the store as the port sees it.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConversationId, Cursor, Entry, Head, Identity, PortError, Position, UserId};
use store_kv::{Key, Value};

use super::append::head_of;
use super::error::{of_read, of_row};
use super::{Store, format, keys};
use crate::{AppendError, ChatStore, CursorMove, Edge};

impl Store {
    /// The entry at a position, if there is one.
    pub(super) fn load(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<Arc<Entry>>, PortError> {
        let Some(row) = self.entries.get(keys::entry(conversation, at)).map_err(of_read)? else {
            return Ok(None);
        };
        format::entry_from_row(conversation, at, &row).map(|entry| Some(Arc::new(entry))).map_err(of_row)
    }

    /// The entry of an identity. A row that names an entry of another identity is that of another submission.
    fn find_one(&self, identity: &Identity) -> Result<Option<Arc<Entry>>, PortError> {
        let Some(row) = self.identities.get(identity.to_key()).map_err(of_read)? else { return Ok(None) };
        let at = format::whereabouts_from_row(&row).map_err(of_row)?;
        if at.conversation != identity.conversation {
            return Ok(None);
        }
        let entry = self.load(at.conversation, at.position)?;
        Ok(entry.filter(|entry| entry.identity() == *identity))
    }

    /// Rows of one conversation's log, in the order given, up to the bounds.
    pub(super) fn collect(
        conversation: ConversationId,
        rows: impl Iterator<Item = Result<(Key, Value), store_kv::Error>>,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Arc<Entry>>, PortError> {
        let (mut page, mut bytes) = (vec![], 0);
        for row in rows.take(count_max) {
            let (key, row) = row.map_err(of_read)?;
            let at = keys::position(&key, conversation.key_len())
                .ok_or_else(|| of_row(format::Error::NotA("position")))?;
            let entry = format::entry_from_row(conversation, at, &row).map_err(of_row)?;
            bytes += entry.size_bytes();
            if bytes > bytes_max && !page.is_empty() {
                break;
            }
            page.push(Arc::new(entry));
        }
        Ok(page)
    }
}

#[async_trait]
impl ChatStore for Store {
    async fn head(&self, conversation: ConversationId) -> Result<Option<Head>, PortError> {
        head_of(self.heads.get(conversation.to_key()).map_err(of_read)?.as_deref())
    }

    async fn append(
        &self,
        conversation: ConversationId,
        after: Position,
        entries: Vec<Arc<Entry>>,
    ) -> Result<(), AppendError> {
        self.append_entries(conversation, after, &entries).await
    }

    async fn find(&self, identities: &[Identity]) -> Result<Vec<Option<Arc<Entry>>>, PortError> {
        identities.iter().map(|identity| self.find_one(identity)).collect()
    }

    async fn entry(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<Arc<Entry>>, PortError> {
        self.load(conversation, at)
    }

    async fn page(
        &self,
        conversation: ConversationId,
        edge: Edge,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Arc<Entry>>, PortError> {
        let rows = self.entries.scan(keys::beyond(conversation, edge));
        match edge {
            Edge::After(_) => Self::collect(conversation, rows, count_max, bytes_max),
            Edge::Before(_) => Self::collect(conversation, rows.rev(), count_max, bytes_max),
        }
    }

    async fn move_cursors(&self, moves: Vec<CursorMove>) -> Result<Vec<Cursor>, PortError> {
        self.merge_cursors(&moves).await
    }

    async fn cursors(&self, of: &[(ConversationId, UserId)]) -> Result<Vec<Cursor>, PortError> {
        of.iter().map(|(conversation, user)| self.cursor(*conversation, *user)).collect()
    }

    async fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, PortError> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.to_key()));
        let rows = self.heads.scan((from, Bound::<Vec<u8>>::Unbounded)).take(limit);
        rows.map(|row| match ConversationId::split_key(&row.map_err(of_read)?.0) {
            Some((conversation, [])) => Ok(conversation),
            _ => Err(of_row(format::Error::NotA("conversation"))),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{DeviceId, Region};
    use store_kv::{Batch, Kv, Options};

    use super::*;
    use crate::suite::entry;

    #[tokio::test]
    async fn two_identities_of_one_key_are_never_taken_for_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let kv = Kv::open(dir.path(), Options::default()).unwrap();
        let (store, own) = (Store::open(&kv).unwrap(), ConversationId::Own(UserId::from_bytes([1; 16])));
        let entry = Arc::new(entry(own, Position::new(1, 1)));
        store.append(entry.conversation, Position::START, vec![entry.clone()]).await.unwrap();
        let here = Identity { device: DeviceId::new(Region::ONLY, [9; 15]), ..entry.identity() };
        let elsewhere = Identity { conversation: ConversationId::Group([1; 16]), ..here };
        let mut batch = Batch::new();
        for other in [here, elsewhere] {
            batch.put(&store.identities, other.to_key(), format::whereabouts_to_row(&entry));
        }
        kv.write(batch).await.unwrap();
        let found = store.find(&[here, elsewhere, entry.identity()]).await.unwrap();
        assert_eq!(found, [None, None, Some(entry)]);
    }
}
