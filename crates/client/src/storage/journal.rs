//! A file of JSON lines that is only appended to, and now and then written anew without what is void.
//!
//! A line is whole if it ends in a line feed. The last one may have been torn by a crash and is then cut off; a broken
//! line before it is damage, and an error. One process at a time: a second one is refused.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

/// An open journal of records `T`.
pub(super) struct Journal<T> {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines in the file.
    len: u64,
    gathered: Vec<u8>,
    broken: bool,
    _lock: File,
    _records: PhantomData<fn(T)>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens or makes it; its records, in order.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<T>)> {
        let lock = lock(path)?;
        let mut file = private(OpenOptions::new().read(true).append(true).create(true)).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (records, len) = parse(&bytes, path)?;
        if len < bytes.len() {
            file.set_len(len as u64)?;
            file.sync_all()?;
        }
        sync_folder(path)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            len: len as u64,
            gathered: Vec::new(),
            broken: false,
            _lock: lock,
            _records: PhantomData,
        };
        Ok((journal, records))
    }

    /// Puts a record in line for the next [`Self::flush`].
    pub(super) fn append(&mut self, record: &T) -> io::Result<()> {
        serde_json::to_writer(&mut self.gathered, record)?;
        self.gathered.push(b'\n');
        Ok(())
    }

    /// Bytes in line.
    pub(super) fn gathered_bytes(&self) -> usize {
        self.gathered.len()
    }

    /// Bytes in the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Writes what is in line. A write that failed half way leaves no half line behind.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.broken {
            self.gathered.clear();
            return Err(io::Error::other("an earlier write failed; what the file holds is not known"));
        }
        if let Err(error) = self.file.write_all(&self.gathered) {
            self.broken = self.file.set_len(self.len).is_err();
            self.gathered.clear();
            return Err(error);
        }
        self.len += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// Writes what is in line, durably. After a failed fsync nothing is tried any more.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data().inspect_err(|_| self.broken = true)
    }

    /// The records in the file, in order; those in line are not among them.
    pub(super) fn records(&self) -> io::Result<Vec<T>> {
        Ok(parse(&std::fs::read(&self.path)?, &self.path)?.0)
    }

    /// Writes the file anew with these records only. A crash leaves the old file or the new one.
    pub(super) fn rewrite<'a>(&mut self, records: impl Iterator<Item = &'a T>) -> io::Result<()>
    where
        T: 'a,
    {
        let mut bytes = Vec::new();
        for record in records {
            serde_json::to_writer(&mut bytes, record)?;
            bytes.push(b'\n');
        }
        let temporary = beside(&self.path, ".new");
        drop(std::fs::remove_file(&temporary));
        let mut file = private(OpenOptions::new().append(true).create_new(true)).open(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.path)?;
        self.gathered.clear();
        (self.file, self.len) = (file, bytes.len() as u64);
        // From here on the old file has no name: if a crash may bring it back, nothing more can be said to be durable.
        let kept = sync_folder(&self.path);
        self.broken = kept.is_err();
        kept
    }
}

/// The records of the whole lines, and how many bytes those have.
fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> io::Result<(Vec<T>, usize)> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut records = Vec::new();
    let mut at = 0;
    for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            // The last line may have been written in part before its line feed was.
            Err(_) if at + line.len() == whole => return Ok((records, at)),
            Err(error) => {
                let text = format!("{} is damaged at byte {at}: {error}", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        at += line.len();
    }
    Ok((records, whole))
}

fn lock(path: &Path) -> io::Result<File> {
    let file = private(OpenOptions::new().write(true).create(true)).open(beside(path, ".lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let text = format!("{} is in use by another process", path.display());
            Err(io::Error::new(io::ErrorKind::WouldBlock, text))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Files that only their owner may read.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path, bytes: &[u8]) -> io::Result<(Journal<String>, Vec<String>)> {
        std::fs::write(path, bytes)?;
        Journal::open(path)
    }

    #[test]
    fn a_last_line_torn_at_any_byte_costs_only_itself_and_what_follows_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let whole = b"\"one\"\n\"two\"\n";
        for cut in 6..whole.len() {
            let (mut journal, records) = written(&path, &whole[..cut]).unwrap();
            assert_eq!(records, ["one"], "cut at {cut}");
            journal.append(&"three".to_owned()).unwrap();
            journal.sync().unwrap();
            drop(journal);
            assert_eq!(Journal::<String>::open(&path).unwrap().1, ["one", "three"]);
        }
    }

    #[test]
    fn damage_before_the_last_line_is_an_error_and_not_a_loss() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let error = written(&path, b"\"one\"\n\"tw\n\"three\"\n").err().unwrap();
        assert!(error.to_string().contains("damaged at byte 6"), "{error}");
    }

    #[test]
    fn a_second_process_on_the_same_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let _first = Journal::<String>::open(&path).unwrap();
        let error = Journal::<String>::open(&path).err().unwrap();
        assert!(error.to_string().contains("in use"), "{error}");
    }

    #[test]
    fn rewriting_keeps_just_what_is_live_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (mut journal, _) = written(&path, b"\"one\"\n\"two\"\n").unwrap();
        journal.rewrite(["two".to_owned()].iter()).unwrap();
        journal.append(&"three".to_owned()).unwrap();
        journal.sync().unwrap();
        drop(journal);
        assert_eq!(Journal::<String>::open(&path).unwrap().1, ["two", "three"]);
    }

    #[test]
    fn lines_that_cannot_be_written_any_more_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = written(&folder.path().join("j"), b"").unwrap();
        journal.broken = true;
        journal.append(&"one".to_owned()).unwrap();
        assert!(journal.flush().is_err());
        assert_eq!(journal.gathered_bytes(), 0);
    }
}
