//! The change feed: a view of the logs in the order in which their entries became durable.
//!
//! The newest row is never trimmed, so that both ends are always there to be found.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Entry, PortError, Position};
use store_kv::{Batch, Key, Value};

use super::error::{of_read, of_row, of_write};
use super::format::Whereabouts;
use super::tail::offset;
use super::{Store, format, keys};
use crate::Feed;

impl Store {
    /// The rows from `from` up to `to`, both included, at most `max`.
    fn rows(
        &self,
        from: u64,
        to: u64,
        max: usize,
    ) -> impl Iterator<Item = Result<(Key, Value), store_kv::Error>> {
        let bounds = (from <= to && max > 0).then(|| from.to_be_bytes()..=to.to_be_bytes());
        bounds.into_iter().flat_map(|bounds| self.feed.scan(bounds)).take(max)
    }

    /// The entries that rows of the feed tell of, in the rows' order. Those that follow each other in one log are read in
    /// one go: behind a flood that is most of them.
    fn told(&self, rows: &[(u64, Whereabouts)]) -> Result<Vec<(u64, Arc<Entry>)>, PortError> {
        let mut by_place: Vec<&(u64, Whereabouts)> = rows.iter().collect();
        by_place.sort_unstable_by_key(|(_, at)| (at.conversation, at.position));
        let mut told = Vec::with_capacity(rows.len());
        for stretch in by_place.chunk_by(|(_, at), (_, next)| at.is_followed_by(next)) {
            let places = stretch.iter().map(|(offset, at)| (*offset, at.position));
            for ((offset, position), entry) in places.zip(self.stretch(&stretch[0].1, stretch.len())?) {
                let entry = entry.filter(|entry| entry.position == position);
                told.push((offset, entry.ok_or_else(|| of_row(format::Error::NotA("entry of the feed")))?));
            }
        }
        told.sort_unstable_by_key(|(offset, _)| *offset);
        Ok(told)
    }

    /// So many entries of a log from `first` on; `None` for each that is not there.
    fn stretch(&self, first: &Whereabouts, count: usize) -> Result<Vec<Option<Arc<Entry>>>, PortError> {
        if count == 1 {
            return Ok(vec![self.load(first.conversation, first.position)?]);
        }
        let from = keys::entry(first.conversation, first.position);
        let to = keys::entry(first.conversation, Position::END);
        let found = Self::collect(first.conversation, self.entries.scan(from..=to), count, usize::MAX)?;
        let missing = count - found.len();
        Ok(found.into_iter().map(Some).chain(std::iter::repeat_n(None, missing)).collect())
    }
}

#[async_trait]
impl Feed for Store {
    async fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, Arc<Entry>)>, PortError> {
        let rows = self.rows(from.max(self.tail.oldest()), self.tail.newest(), max);
        let places: Result<Vec<_>, PortError> = rows
            .map(|row| {
                let (key, row) = row.map_err(of_read)?;
                Ok((offset(&key)?, format::whereabouts_from_row(&row).map_err(of_row)?))
            })
            .collect();
        self.told(&places?)
    }

    fn newest(&self) -> u64 {
        self.tail.newest()
    }

    async fn oldest(&self) -> Result<u64, PortError> {
        Ok(self.tail.oldest())
    }

    async fn beyond(&self, offset: u64) {
        self.tail.beyond(offset).await;
    }

    async fn position(&self, reader: &str) -> Result<u64, PortError> {
        let row = self.readers.get(reader).map_err(of_read)?;
        row.map_or(Ok(1), |row| format::reader_from_row(&row).map_err(of_row))
    }

    async fn finish(&self, reader: &str, offset: u64) -> Result<(), PortError> {
        if offset <= self.position(reader).await? {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.update(&self.readers, reader.as_bytes(), move |row| {
            let kept = row.and_then(|row| format::reader_from_row(row).ok()).unwrap_or(1);
            Some(format::reader_to_row(kept.max(offset)))
        });
        self.kv.write(batch).await.map_err(of_write)
    }

    async fn trim(&self, before_ms: u64, max: usize) -> Result<usize, PortError> {
        let (oldest, newest) = (self.tail.oldest(), self.tail.newest());
        let (mut batch, mut trimmed) = (Batch::new(), 0);
        for row in self.rows(oldest, newest.saturating_sub(1), max) {
            let (key, row) = row.map_err(of_read)?;
            if format::whereabouts_from_row(&row).map_err(of_row)?.time.unix_ms() >= before_ms {
                break;
            }
            batch.delete(&self.feed, key);
            trimmed += 1;
        }
        if trimmed > 0 {
            self.kv.write(batch).await.map_err(of_write)?;
            self.tail.trimmed(oldest + trimmed as u64);
        }
        Ok(trimmed)
    }
}

#[cfg(test)]
mod tests {
    use domain::{ConversationId, Position, UserId};
    use store_kv::{Kv, Options};

    use super::*;
    use crate::ChatStore;
    use crate::suite::entry;

    #[tokio::test]
    async fn what_is_beyond_the_newest_is_never_read() {
        let dir = tempfile::tempdir().unwrap();
        let kv = Kv::open(dir.path(), Options::default()).unwrap();
        // a second store has a tail of its own, so that the first is in the state before it is told of an append
        let (store, other) = (Store::open(&kv).unwrap(), Store::open(&kv).unwrap());
        let own = ConversationId::Own(UserId::from_bytes([1; 16]));
        let kept = Arc::new(entry(own, Position::new(1, 1)));
        other.append(own, Position::START, vec![kept.clone()]).await.unwrap();
        assert_eq!((store.newest(), store.read(1, 9).await.unwrap()), (0, vec![]));
        store.tail.moved();
        assert_eq!((store.newest(), store.read(1, 9).await.unwrap()), (1, vec![(1, kept)]));
    }
}
