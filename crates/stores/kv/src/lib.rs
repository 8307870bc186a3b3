//! The embedded key-value store of the one-machine product: one folder, named key spaces, one committer.
//!
//! All writers feed one queue; a thread of its own judges what is queued, in order, and makes it durable with one fsync
//! while the next group gathers. The stores of the product put their rows in here, so that what belongs together is one
//! [`Batch`] and is written whole or not at all.
//!
//! The laws:
//!
//! 1. **Durable.** A write that returned `Ok` survives a `kill -9` and a power cut. A failed fsync is never retried: it
//!    ends the process (see [`fatal`]).
//! 2. **Whole.** A batch is seen whole or not at all, by readers and after a crash.
//! 3. **Durable before visible.** Readers see nothing that is not on disk, and nobody is told of a conflict whose cause
//!    is not on disk.
//! 4. **In order.** Batches are judged in the order in which they were queued; each sees what those before it wrote,
//!    durable or not.
//! 5. **One process.** A second process on the same folder is refused.
//! 6. **Nothing acked is lost quietly.** A torn last record was never acked and is forgotten; any other damage is an
//!    error at open or at the read that meets it.
//!
//! Deliberately absent: transactions that read and then write from outside (say what must hold with
//! [`Batch::require`], or compute inside the committer with [`Batch::update`]), and any knowledge of what the rows mean.
//! Reads are synchronous and may touch the disk; they never wait for a commit.

pub mod backup;
mod batch;
mod committer;
mod engine;
pub mod fatal;
mod folder;
pub mod format;
#[doc(hidden)]
pub mod fuzz;
mod group;
mod journal;
mod kv;
pub mod open;
mod options;
mod queue;
mod snapshot;
mod space;
mod stats;
#[cfg(test)]
mod tests;
pub mod write;

pub use batch::Batch;
pub use kv::Kv;
pub use options::Options;
pub use snapshot::Snapshot;
pub use space::{Error, Key, Scan, Space, Value};
pub use stats::{COMMIT_BUCKETS_US, Stats};
