//! Writes a backup, a block at a time.

use std::io::Write;

use super::block::{self, Kind};
use super::{Error, FORMAT, MAGIC, Tally};

/// A block of rows is written once it has this many bytes; a larger row has one for itself.
const BLOCK_BYTES: usize = 256 << 10;

/// A backup that is being written.
pub(crate) struct Writer<W> {
    to: W,
    number: u64,
    rows: Vec<u8>,
    tally: Tally,
}

impl<W: Write> Writer<W> {
    /// Begins a backup.
    pub(crate) fn new(mut to: W, about: &[u8]) -> Result<Self, Error> {
        writeln!(to, "{MAGIC}{FORMAT}")?;
        let mut writer = Self { to, number: 0, rows: vec![], tally: Tally::default() };
        writer.block(Kind::About, about)?;
        Ok(writer)
    }

    /// Begins the next space.
    pub(crate) fn space(&mut self, name: &str) -> Result<(), Error> {
        self.flush()?;
        self.tally.begin(name);
        self.block(Kind::Space, name.as_bytes())
    }

    /// Adds the next row of the space.
    pub(crate) fn row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let length =
            |bytes: usize| u32::try_from(bytes).map_err(|_| Error::Damaged("a row is too long".into()));
        self.rows.extend_from_slice(&length(key.len())?.to_le_bytes());
        self.rows.extend_from_slice(&length(value.len())?.to_le_bytes());
        self.rows.extend_from_slice(key);
        self.rows.extend_from_slice(value);
        self.tally.count(key, value);
        if self.rows.len() >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Ends the backup.
    pub(crate) fn finish(mut self) -> Result<Tally, Error> {
        self.flush()?;
        self.block(Kind::End, &self.tally.to_end())?;
        self.to.flush()?;
        Ok(self.tally)
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut rows = std::mem::take(&mut self.rows);
        self.block(Kind::Rows, &rows)?;
        rows.clear();
        self.rows = rows;
        Ok(())
    }

    fn block(&mut self, kind: Kind, plain: &[u8]) -> Result<(), Error> {
        block::write(&mut self.to, self.number, kind, plain)?;
        self.number += 1;
        Ok(())
    }
}
