//! One state of the whole store: what was durable at one instant, in all spaces together.
//!
//! The committer goes on meanwhile and does not wait. What is deleted or replaced while a snapshot lives stays on disk:
//! keep it for as long as a backup takes, and not for ever.

use std::ops::RangeBounds;
use std::sync::Arc;

use fjall::Readable;

use crate::backup::{self, Tally, writer::Writer};
use crate::committer::Shared;
use crate::engine;
use crate::kv::OFFSETS;
use crate::options::Options;
use crate::space::{Error, Scan, Space, Value};

/// A state of a store. See [`Kv::snapshot`](crate::Kv::snapshot).
pub struct Snapshot {
    view: fjall::Snapshot,
    shared: Arc<Shared>,
    options: Options,
}

impl Snapshot {
    pub(crate) fn new(shared: Arc<Shared>, options: Options) -> Self {
        Self { view: shared.engine.db.snapshot(), shared, options }
    }

    /// The value of a key at that instant.
    ///
    /// # Errors
    /// When the disk fails or the row is damaged.
    pub fn get(&self, space: &Space, key: impl AsRef<[u8]>) -> Result<Option<Value>, Error> {
        Ok(self.view.get(space.keyspace(), key)?)
    }

    /// The rows of a range at that instant, in key order.
    pub fn scan<K: AsRef<[u8]>>(&self, space: &Space, range: impl RangeBounds<K>) -> Scan {
        Scan::new(self.view.range(space.keyspace(), range))
    }

    /// The last offset that was given in a space that is appended to; 0 before the first.
    ///
    /// # Errors
    /// When the disk fails or the row is damaged.
    pub fn last_offset(&self, space: &Space) -> Result<u64, Error> {
        let offsets = self.shared.engine.db.keyspace(OFFSETS, || engine::space_options(&self.options))?;
        let Some(next) = self.view.get(&offsets, space.name())? else { return Ok(0) };
        let next = next.as_ref().try_into().map(u64::from_be_bytes);
        let next =
            next.map_err(|_| Error::Damaged(format!("the next offset of {:?} is none", space.name())))?;
        Ok(next.saturating_sub(1))
    }

    /// Writes all rows of all spaces as one backup, see [`backup`]; `about` is the caller's word on it. Blocks while it
    /// reads; whoever writes does not wait.
    ///
    /// # Errors
    /// When the store cannot be read, or `to` takes nothing more.
    pub fn back_up(&self, about: &[u8], to: impl std::io::Write) -> Result<Tally, backup::Error> {
        let mut writer = Writer::new(to, about)?;
        let db = &self.shared.engine.db;
        let mut names = db.list_keyspace_names();
        names.sort_unstable();
        for name in names {
            let space = db.keyspace(&name, || engine::space_options(&self.options)).map_err(Error::from)?;
            writer.space(&name)?;
            for row in self.view.iter(&space) {
                let (key, value) = row.into_inner().map_err(Error::from)?;
                writer.row(&key, &value)?;
            }
        }
        writer.finish()
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("dir", &self.shared.dir).finish()
    }
}
