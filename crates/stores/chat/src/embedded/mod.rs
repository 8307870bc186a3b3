//! The embedded engine: rows in the one key-value store of the process.
//!
//! | space | key | row |
//! | --- | --- | --- |
//! | `chat.entries` | conversation, position | the entry |
//! | `chat.identities` | [`Identity::to_key`](domain::Identity::to_key) | where the entry is |
//! | `chat.heads` | conversation | the end of its log |
//! | `chat.feed` | offset, dense from 1 | where the entry is |
//! | `chat.cursors` | conversation, user | the cursor |
//! | `chat.readers` | the reader's name | the first offset not finished |
//!
//! An append is one batch over the first four, so there is no state in which they differ. Readers see what is durable and
//! nothing else, which the key-value store sees to. Reads are made in place: they touch the disk only for what is cold.
//!
//! Deliberately absent: caches of heads or entries, and forgetting of identities.

mod append;
mod cursors;
mod derived;
mod error;
mod feed;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod keys;
mod read;
mod tail;

use std::sync::Arc;

use domain::PortError;
use store_kv::{Kv, Space};

use self::error::of_read;
use self::tail::Tail;

/// The Chat DB and its change feed in a key-value store. Cheap to clone; opened once, since those who wait at the end of
/// the feed hear of appends by the clones of their own store only.
#[derive(Debug, Clone)]
pub struct Store {
    kv: Kv,
    entries: Space,
    identities: Space,
    heads: Space,
    feed: Space,
    cursors: Space,
    readers: Space,
    tail: Arc<Tail>,
}

impl Store {
    /// Opens what `kv` keeps of it.
    ///
    /// # Errors
    /// When the disk fails or is damaged.
    pub fn open(kv: &Kv) -> Result<Self, PortError> {
        let space = |name| kv.space(name).map_err(of_read);
        let feed = space("chat.feed")?;
        Ok(Self {
            kv: kv.clone(),
            entries: space("chat.entries")?,
            identities: space("chat.identities")?,
            heads: space("chat.heads")?,
            tail: Arc::new(Tail::open(feed.clone())?),
            feed,
            cursors: space("chat.cursors")?,
            readers: space("chat.readers")?,
        })
    }
}
