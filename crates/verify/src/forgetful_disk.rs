//! A disk that forgets what was not fsynced, so that `kill -9` is as bad as a power cut.
//!
//! The page cache survives the process that filled it: a program that acknowledges before it fsyncs loses nothing when
//! it is killed, and no crash test finds it out. [`ForgetfulDisk`] preloads a small library
//! (`forgetful-disk/forgetful_disk.c`) into the program. Before a file in the data folder changes, it notes what the
//! change destroys; an fsync that succeeds drops what was noted before it began. After the kill,
//! [`forget`](ForgetfulDisk::forget) takes back what is still noted, the newest first.
//!
//! What comes back is one of the states a power cut may leave, and a harsh one:
//!
//! - Of a file's contents and length, exactly what the last fsync or fdatasync that *succeeded* found, whichever
//!   descriptor it was called on. What was written while an fsync ran is lost.
//! - A file that was made and never fsynced is there, and empty.
//! - What happens to names is durable at once: a file that was renamed has its new name, and the contents that were
//!   fsynced (none, perhaps); a file that was removed or replaced is gone. Neither the standard library nor the engines
//!   fsync every folder, and ext4 commits names in order, without any of the contents.
//!
//! The program may be killed and started again any number of times before `forget`: what was not fsynced stays so.
//!
//! Deliberately absent: writes that reach the disk in another order than they were made (all of them are lost), torn
//! sectors, names that are forgotten, `sync` and `syncfs` (they count for nothing), and what does not go through libc's
//! functions for files: stdio, io_uring, static binaries, system calls made directly. Other ways around are refused and
//! said on the program's stderr: writable shared mappings, `O_SYNC`, files without a name, files moved in from outside.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

const SOURCE: &str = include_str!("../forgetful-disk/forgetful_disk.c");

/// The magic number that a log begins with.
const LOG_MAGIC: u64 = 0x3174_6567_7230_6600;
const LOG_HEADER_BYTES: usize = 16;
/// The magic number that a record begins with.
const RECORD_MAGIC: u32 = 0x6f64_6e75;
const RECORD_HEADER_BYTES: usize = 24;

/// The library, built.
#[derive(Debug, Clone)]
pub struct ForgetfulDisk {
    library: PathBuf,
    sync_time: Duration,
    holds_syncs: bool,
}

/// What was taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many files lost something.
    pub files: usize,
    /// How many notes of changes were applied; a long overwrite makes several.
    pub changes: usize,
}

/// What one change destroyed.
struct Record {
    offset: u64,
    bytes: Vec<u8>,
    /// Of the file, before the change.
    length: u64,
}

impl ForgetfulDisk {
    /// Builds the library into `target_dir`, with the machine's `cc`. May be called by several
    /// threads and processes at once.
    ///
    /// # Errors
    ///
    /// When there is no `cc`, or it finds fault with the library.
    pub fn build(target_dir: &Path) -> Result<Self> {
        fs::create_dir_all(target_dir)?;
        let library = target_dir.canonicalize()?.join("libforgetful_disk.so");
        crate::library::build(SOURCE, &library)?;
        Ok(Self { library, sync_time: Duration::ZERO, holds_syncs: false })
    }

    /// Makes every fsync in the data folder take so much longer, as a busy disk does. It widens the moment in which
    /// something may be acknowledged that is not durable yet.
    #[must_use]
    pub fn with_slow_sync(mut self, sync_time: Duration) -> Self {
        self.sync_time = sync_time;
        self
    }

    /// Makes every fsync in the data folder say that it began, by a file beside that folder, named like it and
    /// `.sync-began`, and wait for another, `.sync-goes-on`.
    #[must_use]
    pub fn with_held_sync(mut self) -> Self {
        self.holds_syncs = true;
        self
    }

    /// Makes `command` run on this disk, as far as files under `data_dir` go, which is made if it is missing. What the
    /// disk notes lies beside it, in a folder named like it and `.undo`.
    ///
    /// # Errors
    ///
    /// When one of the two folders cannot be made.
    pub fn env(&self, command: &mut Command, data_dir: &Path) -> Result<()> {
        fs::create_dir_all(data_dir)?;
        let data_dir = data_dir.canonicalize()?;
        let undo_dir = undo_dir(&data_dir)?;
        fs::create_dir_all(&undo_dir)?;
        command
            .env("LD_PRELOAD", &self.library)
            .env("FORGETFUL_DISK_DIR", &data_dir)
            .env("FORGETFUL_DISK_UNDO", &undo_dir)
            .env("FORGETFUL_DISK_LIE", beside(&data_dir, ".lies")?)
            .env("FORGETFUL_DISK_SYNC_MS", self.sync_time.as_millis().to_string());
        if self.holds_syncs {
            command.env("FORGETFUL_DISK_HOLD", beside(&data_dir, ".sync")?);
        }
        Ok(())
    }

    /// From now on an fsync under `data_dir` succeeds and makes nothing durable, or it is honest again: the bug of a
    /// program that acknowledges before it fsyncs, planted without touching the program, which may be running.
    ///
    /// # Errors
    ///
    /// When the file that says so cannot be made or removed.
    pub fn lie(&self, data_dir: &Path, lies: bool) -> Result<()> {
        let said = beside(&data_dir.canonicalize()?, ".lies")?;
        if lies {
            fs::write(said, "")?
        } else {
            fs::remove_file(said)?
        }
        Ok(())
    }

    /// Takes back what was not fsynced under `data_dir`. To be called once the program is dead; when it is cut short, it
    /// may be called again.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written, or a log is not one of ours.
    pub fn forget(&self, data_dir: &Path) -> Result<Forgotten> {
        let data_dir = data_dir.canonicalize()?;
        let undo_dir = undo_dir(&data_dir)?;
        let mut files = HashMap::new();
        find_files(&data_dir, &mut files)?;
        let mut forgotten = Forgotten::default();
        for log in fs::read_dir(&undo_dir).with_context(|| format!("{} is missing", undo_dir.display()))? {
            let log = log?.path();
            let inode = inode_of(&log).with_context(|| format!("{} is no undo log", log.display()))?;
            // A file that is gone has nothing to take back.
            if let Some(path) = files.get(&inode) {
                let records = read_log(&fs::read(&log)?).with_context(|| format!("in {}", log.display()))?;
                forgotten.files += usize::from(!records.is_empty());
                forgotten.changes += records.len();
                take_back(path, &records).with_context(|| format!("taking back {}", path.display()))?;
            }
            fs::remove_file(&log)?;
        }
        Ok(forgotten)
    }
}

/// Where the notes about `data_dir` lie.
fn undo_dir(data_dir: &Path) -> Result<PathBuf> {
    beside(data_dir, ".undo")
}

/// A path beside `data_dir` that is named like it.
fn beside(data_dir: &Path, ending: &str) -> Result<PathBuf> {
    let mut name: OsString = data_dir.file_name().context("the data folder has a name")?.to_owned();
    name.push(ending);
    Ok(data_dir.with_file_name(name))
}

/// Every file under `folder`, by device and inode.
fn find_files(folder: &Path, files: &mut HashMap<(u64, u64), PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            find_files(&entry.path(), files)?;
        } else if metadata.is_file() {
            files.insert((metadata.dev(), metadata.ino()), entry.path());
        }
    }
    Ok(())
}

/// The device and inode that a log is about.
fn inode_of(log: &Path) -> Option<(u64, u64)> {
    let (dev, ino) = log.file_name()?.to_str()?.strip_suffix(".undo")?.split_once('-')?;
    Some((u64::from_str_radix(dev, 16).ok()?, u64::from_str_radix(ino, 16).ok()?))
}

/// The records that no fsync dropped, oldest first. The last may be torn by the kill: its change never happened.
fn read_log(log: &[u8]) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    if log.len() < LOG_HEADER_BYTES {
        return Ok(records);
    }
    ensure!(number(log, 0) == LOG_MAGIC, "it does not begin as an undo log");
    let mut at = usize::try_from(number(log, 8))?;
    while let Some(header) = log.get(at..at + RECORD_HEADER_BYTES) {
        let words = number(header, 0).to_le_bytes();
        let [magic, count] =
            [0, 4].map(|at| u32::from_le_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]]));
        ensure!(magic == RECORD_MAGIC, "there is no record at {at}");
        let body = at + RECORD_HEADER_BYTES;
        let Some(bytes) = log.get(body..body + count as usize) else { break };
        records.push(Record { offset: number(header, 8), bytes: bytes.to_vec(), length: number(header, 16) });
        at = body + bytes.len();
    }
    Ok(records)
}

/// The number at a place. Both sides run on one machine; those we know are little-endian.
fn number(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// Applies records to a file, the newest first.
fn take_back(path: &Path, records: &[Record]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let file: File = OpenOptions::new().write(true).open(path)?;
    for record in records.iter().rev() {
        file.write_all_at(&record.bytes, record.offset)?;
        file.set_len(record.length)?;
    }
    Ok(())
}
