//! fjall, tuned for its tail: the only place that knows its settings and its thresholds.
//!
//! fjall sleeps inside a commit, after the fsync and before the acknowledgement, when four memtables of a space wait to
//! be flushed (100 ms at a time) or thirty runs wait to be merged; if its workers have died meanwhile (a full disk) it
//! sleeps for ever. [`wait_until_caught_up`] waits a little earlier, before the commit, so that those sleeps are never
//! reached and a dead worker is met as an error.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use fjall::{AbstractTree, KeyspaceCreateOptions, PersistMode};

use crate::options::Options;
use crate::space::Space;

/// One less than where fjall's commit sleeps.
const SEALED_MEMTABLES_MAX: usize = 3;

/// Where a commit waits for merges; fjall's commit sleeps from 30 on.
const RUNS_MAX: usize = 24;

const PATIENCE: Duration = Duration::from_millis(2);

/// The open database, and the lock that must outlive it.
pub(crate) struct Engine {
    // dropped in this order
    pub(crate) db: fjall::Database,
    _lock: File,
}

impl Engine {
    pub(crate) fn new(db: fjall::Database, lock: File) -> Self {
        Self { db, _lock: lock }
    }
}

pub(crate) fn open(path: &Path, options: &Options) -> fjall::Result<fjall::Database> {
    fjall::Database::builder(path)
        .cache_size(options.cache_bytes)
        .max_journaling_size(options.journal_bytes_max)
        .worker_threads(options.workers)
        // each commit names its own durability
        .manual_journal_persist(true)
        .open()
}

/// The settings of a space; they are stored with it when it is created.
pub(crate) fn space_options(options: &Options) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(options.memtable_bytes).manual_journal_persist(true)
}

/// A batch whose commit returns when it is on disk, and is visible to readers only after that.
pub(crate) fn durable_batch(db: &fjall::Database, rows: usize) -> fjall::OwnedWriteBatch {
    fjall::OwnedWriteBatch::with_capacity(db.clone(), rows).durability(Some(PersistMode::SyncData))
}

/// Waits while flushes or merges of these spaces are behind. Whether it waited.
pub(crate) fn wait_until_caught_up<'a>(
    db: &fjall::Database,
    spaces: impl Iterator<Item = &'a Space>,
) -> fjall::Result<bool> {
    let mut waited = false;
    for space in spaces {
        while behind(space) {
            waited = true;
            // fails if a worker has failed; else it writes nothing, since a commit leaves nothing buffered
            db.persist(PersistMode::Buffer)?;
            #[expect(clippy::disallowed_methods, reason = "the committer is a thread of its own")]
            std::thread::sleep(PATIENCE);
        }
    }
    Ok(waited)
}

fn behind(space: &Space) -> bool {
    let keyspace = space.keyspace();
    keyspace.sealed_memtable_count() >= SEALED_MEMTABLES_MAX || keyspace.tree.l0_run_count() >= RUNS_MAX
}
