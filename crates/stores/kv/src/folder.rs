//! The folder of a store: who has it, and which format it is.
//!
//! ```text
//! LOCK            locked by the process that has the store; says its number
//! engine/FORMAT   "connect-chat store, format 1"
//! engine/…        the engine's files
//! ```
//!
//! A new store is made aside and renamed, so that a crash while it is made leaves no half of one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::open;

/// The format that this program writes, and the newest that it reads.
pub(crate) const FORMAT: u32 = 1;

const FORMAT_FILE: &str = "FORMAT";
const FORMAT_TEXT: &str = "connect-chat store, format ";

/// A folder that nobody else has.
pub(crate) struct Folder {
    engine: PathBuf,
    lock: File,
}

impl Folder {
    /// Takes the folder for this process, and makes a store in it with `create` if there is none.
    pub(crate) fn claim<E: From<open::Error>>(
        dir: &Path,
        create: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Self, E> {
        fs::create_dir_all(dir).map_err(|e| open::Error::io(dir, e))?;
        let lock = lock(dir)?;
        let engine = dir.join("engine");
        if engine.try_exists().map_err(|e| open::Error::io(dir, e))? {
            check_format(dir, &engine)?;
        } else {
            let aside = dir.join("engine.new");
            make(dir, &aside, &engine, create)?;
        }
        Ok(Self { engine, lock })
    }

    /// Where the engine's files are.
    pub(crate) fn engine(&self) -> &Path {
        &self.engine
    }

    /// What must be kept for as long as the engine's files are in use.
    pub(crate) fn into_lock(self) -> File {
        self.lock
    }
}

fn lock(dir: &Path) -> Result<File, open::Error> {
    let path = dir.join("LOCK");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(|e| open::Error::io(dir, e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
            return Err(open::Error::Locked { dir: dir.to_owned(), holder });
        }
        Err(TryLockError::Error(e)) => return Err(open::Error::io(dir, e)),
    }
    let told = file.set_len(0).and_then(|()| writeln!(file, "process {}", std::process::id()));
    told.map_err(|e| open::Error::io(dir, e))?;
    Ok(file)
}

fn make<E: From<open::Error>>(
    dir: &Path,
    aside: &Path,
    engine: &Path,
    create: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    if aside.exists() {
        // nothing was ever acked from there: it has its name only while it is made
        fs::remove_dir_all(aside).map_err(|e| open::Error::io(dir, e))?;
    }
    create(aside)?;
    let finish = || -> io::Result<()> {
        let mut marker = File::create_new(aside.join(FORMAT_FILE))?;
        writeln!(marker, "{FORMAT_TEXT}{FORMAT}")?;
        marker.sync_all()?;
        File::open(aside)?.sync_all()?;
        fs::rename(aside, engine)?;
        File::open(dir)?.sync_all()
    };
    Ok(finish().map_err(|e| open::Error::io(dir, e))?)
}

fn check_format(dir: &Path, engine: &Path) -> Result<(), open::Error> {
    let damaged = |what: String| open::Error::Damaged { dir: dir.to_owned(), what };
    let text = match fs::read_to_string(engine.join(FORMAT_FILE)) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(damaged("engine/FORMAT is missing".to_owned()));
        }
        Err(e) => return Err(open::Error::io(dir, e)),
    };
    let found = text.trim().strip_prefix(FORMAT_TEXT).and_then(|number| number.parse().ok());
    let found: u32 = found
        .filter(|found| *found > 0)
        .ok_or_else(|| damaged(format!("engine/FORMAT says {:?}", text.trim())))?;
    if found > FORMAT {
        return Err(open::Error::NewerFormat { dir: dir.to_owned(), found, known: FORMAT });
    }
    // the engine would take a folder without its marker for a new one
    if !engine.join("version").exists() {
        return Err(damaged("engine/version is missing".to_owned()));
    }
    Ok(())
}
