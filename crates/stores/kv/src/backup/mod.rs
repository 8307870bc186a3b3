//! A whole store as one file that knows nothing of the engine: made of a [`Snapshot`](crate::Snapshot), read back into an
//! empty folder.
//!
//! ```text
//! "connect-chat backup, format 1\n"
//! block …   kind (1 byte), bytes stored, bytes plain (4 each), checksum (8), the bytes, compressed (lz4)
//! ```
//!
//! Numbers are little-endian. The kinds, in their order: 1, what the caller says about it; then for each space 2, its name,
//! and 3, its rows in key order (bytes of the key, bytes of the value, 4 each, the key, the value); at the end 4, how many
//! spaces and rows there are (8 each). The checksum (XXH3, 64 bit) covers the block's number in the file, its kind and its
//! plain bytes, so that a block that is damaged, missing, doubled or moved is found. A file without its end is refused.
//!
//! Checksums find what went wrong by itself. They do not tell who made the file: keep it where nobody else writes.

mod block;
mod reader;
mod restore;
pub(crate) mod writer;

use std::io;

use crate::{open, space};

pub use restore::{inspect, restore};

/// The format that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// What every backup begins with, before the number of its format.
const MAGIC: &str = "connect-chat backup, format ";

/// What a backup holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows by the name of their space.
    pub spaces: Vec<(String, u64)>,
    /// Bytes of all keys and values.
    pub bytes: u64,
}

impl Tally {
    /// Rows of a space; 0 if there is no such space.
    pub fn rows(&self, space: &str) -> u64 {
        self.spaces.iter().find(|(name, _)| name == space).map_or(0, |(_, rows)| *rows)
    }

    fn begin(&mut self, space: &str) {
        self.spaces.push((space.to_owned(), 0));
    }

    fn count(&mut self, key: &[u8], value: &[u8]) {
        self.bytes += (key.len() + value.len()) as u64;
        if let Some((_, rows)) = self.spaces.last_mut() {
            *rows += 1;
        }
    }

    /// The last block.
    fn to_end(&self) -> Vec<u8> {
        let rows: u64 = self.spaces.iter().map(|(_, rows)| rows).sum();
        [(self.spaces.len() as u64).to_le_bytes(), rows.to_le_bytes()].concat()
    }
}

/// A backup as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What whoever made it said about it.
    pub about: Vec<u8>,
    /// What it holds.
    pub tally: Tally,
}

/// A backup that could not be made, or not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is something else.
    #[error("this file is no backup of Connect Chat")]
    Foreign,
    /// A newer program has written the file.
    #[error(
        "the backup has format {found}, but this program knows formats up to {FORMAT}: use the program that made it, or a newer one"
    )]
    NewerFormat {
        /// The format of the file.
        found: u32,
    },
    /// The file is not what was written.
    #[error("the backup is damaged: {0}; use another copy of it, or an older backup")]
    Damaged(String),
    /// The folder has a store already. It was left alone.
    #[error("{} has a store already: restore into an empty folder", .0.display())]
    Occupied(std::path::PathBuf),
    /// The file cannot be read or written.
    #[error("the backup cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] space::Error),
    /// The store that it is restored to cannot be made.
    #[error(transparent)]
    Store(#[from] open::Error),
}
