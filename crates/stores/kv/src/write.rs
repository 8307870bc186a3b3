//! Why a batch was not written.

/// A batch that was not written, or of which that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A requirement did not hold. Nothing was written. What it was judged by is durable.
    #[error("requirement {index} of the batch does not hold")]
    Conflict {
        /// Which requirement, counted from 0 in the order in which they were added.
        index: usize,
        /// What the key holds instead; `None` if it is absent.
        found: Option<Vec<u8>>,
    },
    /// The store is closed or closing. Nothing was written.
    #[error("the store is closed")]
    Closed,
    /// The batch breaks a limit: an empty key, a key above 65,535 bytes, a value of 4 GiB, or more bytes than the queue
    /// holds. Nothing was written.
    #[error("the batch breaks a limit: {0}")]
    Limit(&'static str),
    /// The batch names a space of another store. Nothing was written.
    #[error("the batch names a space of another store")]
    ForeignSpace,
    /// A row that the batch depends on could not be read. Nothing was written.
    #[error("a row that the batch depends on cannot be read: {0}")]
    Read(String),
    /// A commit failed and the process is ending. Whether the batch is stored is not known until the next start.
    #[error("the store failed to commit; the process is ending")]
    Failed,
}

impl Error {
    /// Whether the same batch may succeed at another try. None may: a conflict needs another batch, and a store that is
    /// closed or failed needs another process.
    pub const fn retryable(&self) -> bool {
        false
    }
}
