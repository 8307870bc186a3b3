//! Reads a backup back: into a new store, or only to see whether it could be.

use std::io::Read;
use std::path::Path;

use super::reader::Reader;
use super::{Backup, Error};
use crate::folder::Folder;
use crate::options::Options;
use crate::{engine, open, space};

/// Reads a backup to its end, and keeps nothing of it.
///
/// # Errors
/// When it is not whole, or no backup.
pub fn inspect(from: impl Read) -> Result<Backup, Error> {
    let mut reader = Reader::new(from)?;
    while reader.space()?.is_some() {
        while reader.row()?.is_some() {}
    }
    Ok(reader.finish())
}

/// Makes a store in `dir`, which must have none, of a backup. It is there once all was read, checked and made durable;
/// before that, and after an error, there is no store in `dir`.
///
/// # Errors
/// When the backup is not whole, or the store cannot be made.
pub fn restore(dir: &Path, options: &Options, from: impl Read) -> Result<Backup, Error> {
    let mut restored = None;
    let folder = Folder::claim(dir, |aside| {
        restored = Some(fill(dir, aside, options, from)?);
        Ok::<(), Error>(())
    })?;
    drop(folder);
    restored.ok_or_else(|| Error::Occupied(dir.to_owned()))
}

/// Writes the rows as sorted tables, past journal and memtables: they come in order, and nobody reads meanwhile.
fn fill(dir: &Path, aside: &Path, options: &Options, from: impl Read) -> Result<Backup, Error> {
    let failed = |error: fjall::Error| Error::from(open::Error::engine(dir, error));
    let mut reader = Reader::new(from)?;
    let db = engine::open(aside, options).map_err(failed)?;
    while let Some(name) = reader.space()? {
        let space = db.keyspace(&name, || engine::space_options(options)).map_err(failed)?;
        let mut rows = space.start_ingestion().map_err(failed)?;
        while let Some((key, value)) = reader.row()? {
            rows.write(space::Key::from(key), space::Value::from(value)).map_err(failed)?;
        }
        rows.finish().map_err(failed)?;
    }
    db.persist(fjall::PersistMode::SyncAll).map_err(failed)?;
    Ok(reader.finish())
}
