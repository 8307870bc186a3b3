//! The embedded engine: rows in the one key-value store of the process. Key: the user's id and the conversation's key, in
//! `missed`.
//!
//! Rows are merged by the committer, so notes and clears never undo each other. The bound is kept by whoever notes: notes
//! go one after the other, each knows how many rows a person has at most ([`Counts`]), and one that may go above the bound
//! drops in the same batch what is above it.

#[doc(hidden)]
pub mod fuzz;
mod row;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConversationId, Mark, PortError, UserId};
use lru::LruCache;
use store_kv::{Batch, Kv, Space};
use tokio::sync::Mutex;

use crate::{Missed, OfflineStore, ROWS_MAX};

/// The Offline Store in the process's key-value store. Cheap to clone; all clones are one store.
#[derive(Debug, Clone)]
pub struct Store {
    kv: Kv,
    missed: Space,
    /// Held while noting, so that nobody else makes rows between the count and the write.
    noting: Arc<Mutex<Counts>>,
}

/// How many rows people have, at most: only notes make rows, and what takes rows away is not counted. Without it, each new
/// row of a person would cost a look at all of theirs.
#[derive(Debug)]
struct Counts(LruCache<UserId, usize>);

/// People whose rows are counted: what is not remembered is counted anew.
const COUNTED_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is above 0");

fn failed(error: impl Display) -> PortError {
    PortError::lasting("offline store", error)
}

fn row_key(user: UserId, conversation: ConversationId) -> Vec<u8> {
    let mut key = user.as_bytes().to_vec();
    conversation.write_key(&mut key);
    key
}

fn read(key: &[u8], value: &[u8]) -> Result<Missed, PortError> {
    let conversation = key.get(16..).and_then(ConversationId::split_key).map(|(id, _)| id);
    row::decode(conversation.ok_or_else(|| failed("a row's key names no conversation"))?, value)
}

impl Store {
    /// The Offline Store kept in `kv`.
    pub fn open(kv: &Kv) -> Result<Self, PortError> {
        let missed = kv.space("missed").map_err(failed)?;
        Ok(Self { kv: kv.clone(), missed, noting: Arc::new(Mutex::new(Counts(LruCache::new(COUNTED_MAX)))) })
    }

    fn rows(&self, user: UserId) -> Result<Vec<Missed>, PortError> {
        let rows = self.missed.scan_prefix(user.as_bytes());
        rows.map(|row| row.map_err(failed).and_then(|(key, value)| read(&key, &value))).collect()
    }

    /// How many rows `noted` make.
    fn made(&self, user: UserId, noted: &[Missed]) -> Result<usize, PortError> {
        let mut made = 0;
        for row in noted {
            made += usize::from(self.missed.get(row_key(user, row.conversation)).map_err(failed)?.is_none());
        }
        Ok(made)
    }

    /// Which rows go when `noted` are written to a person's rows.
    fn surplus(
        &self,
        counts: &mut Counts,
        user: UserId,
        noted: &[Missed],
    ) -> Result<Vec<ConversationId>, PortError> {
        let made = self.made(user, noted)?;
        if made == 0 {
            return Ok(vec![]);
        }
        let had = counts.0.get(&user).copied();
        let rows = had.map_or_else(|| self.rows(user).map(|rows| rows.len()), Ok)? + made;
        if rows <= ROWS_MAX {
            counts.0.put(user, rows);
            return Ok(vec![]);
        }
        let surplus = self.above_the_bound(user, noted)?;
        counts.0.put(user, ROWS_MAX);
        Ok(surplus)
    }

    /// What of a person's rows and `noted` is above the bound: what is not behind any more, and then the oldest.
    fn above_the_bound(&self, user: UserId, noted: &[Missed]) -> Result<Vec<ConversationId>, PortError> {
        let mut rows: BTreeMap<ConversationId, Missed> =
            self.rows(user)?.into_iter().map(|row| (row.conversation, row)).collect();
        for noted in noted {
            rows.entry(noted.conversation).and_modify(|row| *row = row.merge(*noted)).or_insert(*noted);
        }
        let mut rows: Vec<Missed> = rows.into_values().collect();
        rows.sort_by_key(|row| Reverse((row.is_behind(), row.time)));
        Ok(rows.into_iter().skip(ROWS_MAX).map(|row| row.conversation).collect())
    }

    fn put(&self, batch: &mut Batch, user: UserId, noted: Missed) {
        // A row that cannot be read is replaced: it is derived.
        batch.update(&self.missed, row_key(user, noted.conversation), move |stored| {
            let stored = stored.and_then(|value| row::decode(noted.conversation, value).ok());
            Some(row::encode(&stored.map_or(noted, |row| row.merge(noted))))
        });
    }
}

#[async_trait]
impl OfflineStore for Store {
    async fn note(&self, rows: Vec<(UserId, Missed)>) -> Result<(), PortError> {
        let mut noted: BTreeMap<UserId, Vec<Missed>> = BTreeMap::new();
        for (user, row) in rows.into_iter().filter(|(_, row)| row.is_behind()) {
            noted.entry(user).or_default().push(row);
        }
        let mut counts = self.noting.lock().await;
        let mut batch = Batch::new();
        for (user, rows) in noted {
            let surplus: BTreeSet<ConversationId> =
                self.surplus(&mut counts, user, &rows)?.into_iter().collect();
            for conversation in &surplus {
                batch.delete(&self.missed, row_key(user, *conversation));
            }
            for row in rows.into_iter().filter(|row| !surplus.contains(&row.conversation)) {
                self.put(&mut batch, user, row);
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.kv.write(batch).await.map_err(failed)
    }

    async fn clear(&self, seen: Vec<(UserId, ConversationId, Mark)>) -> Result<(), PortError> {
        let mut batch = Batch::new();
        for (user, conversation, mark) in seen {
            let key = row_key(user, conversation);
            let Some(stored) = self.missed.get(&key).map_err(failed)? else { continue };
            if row::decode(conversation, &stored).is_ok_and(|row| row.delivered >= mark) {
                continue;
            }
            batch.update(&self.missed, key, move |stored| {
                let mut row = row::decode(conversation, stored?).ok()?;
                row.delivered = row.delivered.max(mark);
                Some(row::encode(&row))
            });
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.kv.write(batch).await.map_err(failed)
    }

    async fn forget(&self, user: UserId) -> Result<(), PortError> {
        let mut counts = self.noting.lock().await;
        counts.0.pop(&user);
        let mut batch = Batch::new();
        for row in self.missed.scan_prefix(user.as_bytes()) {
            batch.delete(&self.missed, row.map_err(failed)?.0);
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.kv.write(batch).await.map_err(failed)
    }

    async fn missed(&self, user: UserId, limit: usize) -> Result<Vec<Missed>, PortError> {
        let mut rows = self.rows(user)?;
        rows.retain(Missed::is_behind);
        rows.sort_by_key(|row| Reverse(row.time));
        rows.truncate(limit);
        Ok(rows)
    }
}
