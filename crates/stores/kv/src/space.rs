//! A named key space, as its readers see it: what is committed, in key order.
//!
//! Each read sees a state between two commits, never half a batch. Two reads one after the other may see two states.
//!
//! Deliberately absent: writes, which go through [`Kv::write`](crate::Kv::write) only.

use std::ops::RangeBounds;
use std::sync::Arc;

use fjall::Readable;

use crate::engine::Engine;

/// A key: a slice of bytes that is cheap to clone. 1 to 65,535 bytes.
pub type Key = fjall::Slice;

/// A value: a slice of bytes that is cheap to clone. Below 4 GiB.
pub type Value = fjall::Slice;

/// A read that failed: the disk, or rows that are not what was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A space's name is empty, longer than 255 bytes, or begins with `kv.`, which is kept for the store itself.
    #[error("{0:?} cannot be the name of a space: 1 to 255 bytes, not beginning with \"kv.\"")]
    Name(&'static str),
    /// A block of the store does not have the checksum it was written with.
    #[error("the store is damaged: {0}; stop, keep a copy of the folder, and restore it from a backup")]
    Damaged(String),
    /// The disk failed.
    #[error("cannot read the store: {0}")]
    Io(#[from] std::io::Error),
    /// The store is closed or has failed.
    #[error("the store is closed")]
    Closed,
}

impl From<fjall::Error> for Error {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Io(e) | fjall::Error::Storage(fjall::LsmError::Io(e)) => Self::Io(e),
            fjall::Error::Poisoned => Self::Closed,
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// Which space of which store; what a batch carries instead of a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    /// The number of the opened store in this process.
    pub(crate) store: u32,
    /// The place in the store's list of spaces.
    pub(crate) index: u32,
}

/// A handle to a key space. Cheap to clone. While one lives, the folder stays locked.
#[derive(Clone)]
pub struct Space(Arc<Inner>);

struct Inner {
    id: Id,
    name: &'static str,
    keyspace: fjall::Keyspace,
    engine: Arc<Engine>,
}

impl Space {
    pub(crate) fn new(id: Id, name: &'static str, keyspace: fjall::Keyspace, engine: Arc<Engine>) -> Self {
        Self(Arc::new(Inner { id, name, keyspace, engine }))
    }

    pub(crate) fn id(&self) -> Id {
        self.0.id
    }

    pub(crate) fn keyspace(&self) -> &fjall::Keyspace {
        &self.0.keyspace
    }

    /// The name it was opened by.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The value of a key, if there is one and it is durable.
    ///
    /// # Errors
    /// When the disk fails or the row is damaged.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value>, Error> {
        Ok(self.0.engine.db.snapshot().get(&self.0.keyspace, key)?)
    }

    /// The rows of a range in key order, from either end. The iterator holds one state of the store, and so the rows that
    /// were deleted since: keep it for a page, not for a session.
    pub fn scan<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Scan {
        Scan(self.0.engine.db.snapshot().range(&self.0.keyspace, range))
    }

    /// As [`scan`](Self::scan), for the rows whose key begins with `prefix`.
    pub fn scan_prefix(&self, prefix: impl AsRef<[u8]>) -> Scan {
        Scan(self.0.engine.db.snapshot().prefix(&self.0.keyspace, prefix))
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space").field("name", &self.0.name).field("id", &self.0.id).finish()
    }
}

/// Rows in key order; see [`Space::scan`].
pub struct Scan(fjall::Iter);

impl Scan {
    pub(crate) fn new(rows: fjall::Iter) -> Self {
        Self(rows)
    }
}

impl Iterator for Scan {
    type Item = Result<(Key, Value), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|row| Ok(row.into_inner()?))
    }
}

impl DoubleEndedIterator for Scan {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|row| Ok(row.into_inner()?))
    }
}
