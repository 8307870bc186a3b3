//! What can be set about Messaging. The limits that devices feel are in [`domain::Limits`].

use domain::{Limits, Region};

/// Settings of Messaging, with defaults that suit one machine.
#[derive(Debug, Clone)]
pub struct Config {
    /// The region that this process is in.
    pub region: Region,
    /// The limits that devices feel.
    pub limits: Limits,
    /// Workers that consume `submit`.
    pub workers: usize,
    /// Records that one worker has under way at once.
    pub under_way_max: usize,
    /// Entries in one append.
    pub batch_entries_max: usize,
    /// Bytes of entries in one append, except for a single one.
    pub batch_bytes_max: usize,
    /// Conversations whose end and roster one worker remembers.
    pub lanes_max: usize,
    /// Cursor moves are gathered for this long, in milliseconds.
    pub cursor_flush_ms: u64,
    /// Cursors that wait for a flush at most; then one comes early.
    pub cursors_pending_max: usize,
    /// Tries of an append before its submitters are told to try again.
    pub append_tries: u32,
    /// The first wait before another try, in milliseconds; doubled each time up to [`Self::retry_ms_max`].
    pub retry_ms: u64,
    /// The longest wait before another try, in milliseconds.
    pub retry_ms_max: u64,
    /// A slot's lease lasts this long unless renewed, in milliseconds.
    pub lease_ms: u64,
    /// Conversations in one page of `changes` or of the list.
    pub page_conversations_max: usize,
    /// Newest entries shown with each of them.
    pub newest_entries_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: Region::ONLY,
            limits: Limits::default(),
            workers: 2,
            under_way_max: 16_384,
            batch_entries_max: 256,
            batch_bytes_max: 256 << 10,
            lanes_max: 50_000,
            cursor_flush_ms: 1_000,
            cursors_pending_max: 10_000,
            append_tries: 6,
            retry_ms: 20,
            retry_ms_max: 1_000,
            lease_ms: 30_000,
            page_conversations_max: 50,
            newest_entries_max: 20,
        }
    }
}
