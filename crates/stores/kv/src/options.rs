//! What can be chosen about a store, with the defaults and why they are so.
//!
//! Deliberately absent: whether to fsync. There is no mode in which an acknowledgement means less.

use crate::fatal;

/// How a store uses memory, disk and cores.
#[derive(Debug, Clone)]
pub struct Options {
    /// A group stops gathering at this many bytes, so that no fsync carries more than this and one batch.
    pub batch_bytes_max: usize,
    /// Writers wait while this many bytes are queued or in flight; also the largest batch. At most 4 GiB.
    pub queue_bytes_max: usize,
    /// Memory for blocks read from disk, for all spaces together.
    pub cache_bytes: u64,
    /// A space's rows are held in memory up to this many bytes, then written as a sorted table. Set when the space is
    /// created; a later change affects new spaces only.
    pub memtable_bytes: u64,
    /// Journals are kept until their rows are in sorted tables; from this many bytes on the oldest is forced out. Bounds
    /// what must be replayed at open. At least 64 MiB.
    pub journal_bytes_max: u64,
    /// Threads that write and merge sorted tables, beside the committer. At least 1. The first of several passes every
    /// merge on to the others, and spins while they are all at work: two do the work of one.
    pub workers: usize,
    /// What ends the process when a commit fails. Tests hand in another.
    pub on_fatal: fatal::Handler,
}

/// The least that the engine accepts for `journal_bytes_max`.
pub(crate) const JOURNAL_BYTES_MIN: u64 = 64 << 20;

impl Default for Options {
    /// Measured on two cores; see `docs/adr/0001-embedded-store.md`.
    fn default() -> Self {
        Self {
            batch_bytes_max: 4 << 20,
            queue_bytes_max: 64 << 20,
            cache_bytes: 64 << 20,
            memtable_bytes: 32 << 20,
            journal_bytes_max: 256 << 20,
            workers: 1,
            on_fatal: fatal::Handler::default(),
        }
    }
}
