//! Reads the engine's journals before the engine does, to tell a torn end from damage.
//!
//! fjall 3 ends its replay quietly at the first bytes that it cannot parse, and would so forget every acked batch behind
//! one flipped bit; and it refuses a last batch whose checksum is wrong, which a power cut can leave behind. Here:
//!
//! - what cannot be read and is followed by nothing that can was never acked (batches are written one after the other,
//!   each acked after its fsync): it is cut off, with a warning;
//! - what cannot be read and is followed by a whole batch was acked: [`open::Error::Damaged`];
//! - only the newest journal may be torn: the others were synced when they were sealed.
//!
//! Deliberately absent: a last acked batch that was damaged later, which looks as a torn one does. The layout is that of
//! fjall's format 3, `journal/entry.rs`: start (1, count, seqno), items (2, type, compression, space, lengths, key,
//! value) or clears (4, space), end (3, XXH3 of what is between, "FJL" 3).

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::open;

pub(crate) const START: u8 = 1;
pub(crate) const ITEM: u8 = 2;
pub(crate) const END: u8 = 3;
const CLEAR: u8 = 4;
pub(crate) const TRAILER: &[u8; 4] = b"FJL\x03";

/// Checks all journals of the engine's folder, and cuts a torn end off the newest.
pub(crate) fn verify(dir: &Path, engine: &Path) -> Result<(), open::Error> {
    let mut parser = Parser::default();
    let journals = list(engine).map_err(|e| open::Error::io(dir, e))?;
    let Some(((newest, _), _)) = journals.split_last() else {
        return Err(damaged(dir, "there is no journal".to_owned()));
    };
    for ((id, path), next) in journals.iter().zip(journals.iter().skip(1)) {
        if next.0 != id + 1 {
            return Err(damaged(dir, format!("the journal after {} is missing", path.display())));
        }
    }
    for (id, path) in &journals {
        match parser.check(path).map_err(|e| open::Error::io(dir, e))? {
            Tail::Clean => {}
            Tail::Torn { at } if id == newest => cut(path, at).map_err(|e| open::Error::io(dir, e))?,
            Tail::Torn { at } | Tail::Damaged { at } => {
                return Err(damaged(dir, format!("{} cannot be read from byte {at} on", path.display())));
            }
        }
    }
    check_spaces(dir, engine, &parser.spaces)
}

/// The engine removes the folder of a space that has lost its manifest, and all spaces if the list of them (0) has. A
/// space that has rows in the journal was made whole.
fn check_spaces(dir: &Path, engine: &Path, spaces: &BTreeSet<u64>) -> Result<(), open::Error> {
    let folders = engine.join("keyspaces");
    let with_tables = with_tables(&folders).map_err(|e| open::Error::io(dir, e))?;
    let mut needed = with_tables.iter().chain(spaces).chain([&0]);
    match needed.find(|space| !folders.join(space.to_string()).join("current").exists()) {
        None => Ok(()),
        Some(space) => Err(damaged(dir, format!("keyspaces/{space}/current is missing"))),
    }
}

/// The spaces that have sorted tables.
fn with_tables(folders: &Path) -> io::Result<BTreeSet<u64>> {
    let mut spaces = BTreeSet::new();
    for entry in fs::read_dir(folders)? {
        let entry = entry?;
        let has = fs::read_dir(entry.path().join("tables")).is_ok_and(|mut tables| tables.next().is_some());
        let number: Option<u64> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        spaces.extend(number.filter(|_| has));
    }
    Ok(spaces)
}

fn damaged(dir: &Path, what: String) -> open::Error {
    open::Error::Damaged { dir: dir.to_owned(), what }
}

/// The journals by number, oldest first.
fn list(engine: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(engine)? {
        let path = entry?.path();
        let number =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jnl"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            journals.push((number, path));
        }
    }
    journals.sort_unstable();
    Ok(journals)
}

fn cut(path: &Path, at: u64) -> io::Result<()> {
    tracing::warn!(journal = %path.display(), at, "forgetting a torn last record, which was never acknowledged");
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(at)?;
    file.sync_all()
}

/// What follows the last batch that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing, or the zeros of a preallocated file.
    Clean,
    /// Something, and no whole batch behind it.
    Torn { at: u64 },
    /// Something, and a whole batch behind it.
    Damaged { at: u64 },
}

/// Reads batches, and remembers which spaces they write to.
#[derive(Default)]
pub(crate) struct Parser {
    record: Vec<u8>,
    /// The number of the batch read last. The engine numbers batches upwards, and keeps the number outside of what its
    /// checksum covers: one that is damaged makes rows newer than they are, and hides those written after them.
    number: u64,
    batch_spaces: Vec<u64>,
    spaces: BTreeSet<u64>,
}

impl Parser {
    fn check(&mut self, path: &Path) -> io::Result<Tail> {
        self.read(&mut BufReader::with_capacity(1 << 20, File::open(path)?))
    }

    /// Reads a journal to its end.
    pub(crate) fn read(&mut self, reader: &mut (impl Read + Seek)) -> io::Result<Tail> {
        let (mut at, mut newest) = (0, None);
        while let Some(length) = self.batch(reader)? {
            if newest.is_some_and(|newest| self.number <= newest) {
                return Ok(Tail::Damaged { at });
            }
            newest = Some(self.number);
            at += length;
            self.spaces.extend(self.batch_spaces.drain(..));
        }
        reader.seek(SeekFrom::Start(at))?;
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest)?;
        Ok(self.judge(at, &rest))
    }

    fn judge(&mut self, at: u64, rest: &[u8]) -> Tail {
        if rest.iter().all(|byte| *byte == 0) {
            return Tail::Clean;
        }
        // Wherever one may begin: what is damaged may be the end of the batch before it.
        let starts = rest.iter().enumerate().filter(|(_, byte)| **byte == START);
        for (place, _) in starts {
            // a slice cannot fail to be read
            if matches!(self.batch(&mut &rest[place..]), Ok(Some(_))) {
                return Tail::Damaged { at };
            }
        }
        Tail::Torn { at }
    }

    /// The length of the batch that begins here; `None` if no whole batch does.
    fn batch(&mut self, reader: &mut impl Read) -> io::Result<Option<u64>> {
        self.batch_spaces.clear();
        match self.parse(reader) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            other => other,
        }
    }

    fn parse(&mut self, reader: &mut impl Read) -> io::Result<Option<u64>> {
        let [START] = read::<1>(reader)? else { return Ok(None) };
        let count = u32::from_le_bytes(read(reader)?);
        self.number = u64::from_le_bytes(read(reader)?);
        let mut length = 13;
        let mut hash = Xxh3::new();
        for _ in 0..count {
            if !self.record(reader)? {
                return Ok(None);
            }
            hash.update(&self.record);
            length += self.record.len() as u64;
        }
        let [END] = read::<1>(reader)? else { return Ok(None) };
        let sum = u64::from_le_bytes(read(reader)?);
        let whole = read::<4>(reader)? == *TRAILER && sum == hash.digest();
        Ok(whole.then_some(length + 13))
    }

    /// Reads an item or a clear. False: it is neither.
    fn record(&mut self, reader: &mut impl Read) -> io::Result<bool> {
        self.record.clear();
        let tag = read::<1>(reader)?;
        self.record.extend(tag);
        let body = match tag {
            [ITEM] => {
                let head: [u8; 20] = read(reader)?;
                self.record.extend(head);
                let [_, _, space @ .., k0, k1, _, _, _, _, v0, v1, v2, v3] = head;
                self.note(u64::from_le_bytes(space));
                u64::from(u16::from_le_bytes([k0, k1])) + u64::from(u32::from_le_bytes([v0, v1, v2, v3]))
            }
            [CLEAR] => 8,
            _ => return Ok(false),
        };
        // grows as it reads, so a length that is nonsense costs no memory
        let got = reader.by_ref().take(body).read_to_end(&mut self.record)?;
        Ok(got as u64 == body)
    }

    fn note(&mut self, space: u64) {
        if !self.batch_spaces.contains(&space) {
            self.batch_spaces.push(space);
        }
    }
}

fn read<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
