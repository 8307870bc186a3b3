//! What an operator asks a store: how much it does, how long a commit takes, and whether anyone waits.
//!
//! Counters only grow; they start at 0 when the store is opened.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets of [`Stats::commit_us_buckets`], in microseconds, two for each doubling; the last bucket has
/// none.
pub const COMMIT_BUCKETS_US: [u64; 25] = commit_buckets_us();

const fn commit_buckets_us() -> [u64; 25] {
    let mut bounds = [0; 25];
    let mut index = 0;
    while index < bounds.len() {
        bounds[index] = (250 << (index / 2)) * (2 + index as u64 % 2) / 2;
        index += 1;
    }
    bounds
}

const BUCKETS: usize = COMMIT_BUCKETS_US.len() + 1;

/// A reading of a store's counters and gauges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Commits made durable: groups of batches, one fsync each.
    pub commits: u64,
    /// Batches in them.
    pub batches: u64,
    /// Batches refused because a requirement did not hold.
    pub conflicts: u64,
    /// Rows written.
    pub rows: u64,
    /// Bytes of the batches, as [`Batch::size_bytes`](crate::Batch::size_bytes) counts them.
    pub bytes: u64,
    /// The time of all commits, in microseconds: journal write, fsync, and making it visible.
    pub commit_us_sum: u64,
    /// The longest commit so far, in microseconds.
    pub commit_us_max: u64,
    /// Commits by time, not cumulative; see [`COMMIT_BUCKETS_US`].
    pub commit_us_buckets: [u64; BUCKETS],
    /// How often the committer waited because flushes or merges of sorted tables were behind.
    pub stalls: u64,
    /// The time of these waits, in microseconds.
    pub stall_us_sum: u64,
    /// Batches that wait for the committer now.
    pub queue_batches: usize,
    /// Bytes queued or in flight now; writers wait when it reaches `queue_bytes_max`.
    pub queue_bytes: usize,
    /// Journals on disk now.
    pub journals: usize,
    /// Bytes of the sorted tables on disk now; the journals come on top.
    pub table_bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    batches: AtomicU64,
    conflicts: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    commit_us_sum: AtomicU64,
    commit_us_max: AtomicU64,
    commit_us_buckets: [AtomicU64; BUCKETS],
    stalls: AtomicU64,
    stall_us_sum: AtomicU64,
}

impl Counters {
    pub(crate) fn committed(&self, batches: usize, rows: usize, bytes: usize, took: Duration) {
        let us = micros(took);
        self.commits.fetch_add(1, Relaxed);
        self.batches.fetch_add(batches as u64, Relaxed);
        self.rows.fetch_add(rows as u64, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.commit_us_sum.fetch_add(us, Relaxed);
        self.commit_us_max.fetch_max(us, Relaxed);
        let bucket = COMMIT_BUCKETS_US.partition_point(|bound| *bound < us);
        self.commit_us_buckets[bucket].fetch_add(1, Relaxed);
    }

    pub(crate) fn conflicted(&self) {
        self.conflicts.fetch_add(1, Relaxed);
    }

    pub(crate) fn stalled(&self, took: Duration) {
        self.stalls.fetch_add(1, Relaxed);
        self.stall_us_sum.fetch_add(micros(took), Relaxed);
    }

    /// The counters, with the gauges at 0.
    pub(crate) fn read(&self) -> Stats {
        Stats {
            commits: self.commits.load(Relaxed),
            batches: self.batches.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            rows: self.rows.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            commit_us_sum: self.commit_us_sum.load(Relaxed),
            commit_us_max: self.commit_us_max.load(Relaxed),
            commit_us_buckets: std::array::from_fn(|i| self.commit_us_buckets[i].load(Relaxed)),
            stalls: self.stalls.load(Relaxed),
            stall_us_sum: self.stall_us_sum.load(Relaxed),
            queue_batches: 0,
            queue_bytes: 0,
            journals: 0,
            table_bytes: 0,
        }
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
