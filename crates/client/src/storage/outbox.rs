//! The engines of [`Outbox`].

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use domain::ClientId;
use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::{Outbox, Queued};

/// An outbox that ends with the process.
#[derive(Debug, Default)]
pub struct MemoryOutbox(Vec<Queued>);

impl Outbox for MemoryOutbox {
    fn load(&mut self) -> io::Result<Vec<Queued>> {
        Ok(self.0.clone())
    }

    fn append(&mut self, queued: &Queued) -> io::Result<()> {
        self.0.push(queued.clone());
        Ok(())
    }

    fn remove(&mut self, client_id: ClientId) -> io::Result<()> {
        self.0.retain(|queued| queued.client_id != client_id);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Queued(Queued),
    Done(ClientId),
}

/// An outbox in a file of JSON lines; a torn last line is cut off. The file is written anew when most of it is void.
pub struct FileOutbox {
    path: PathBuf,
    journal: Option<Journal<Record>>,
    /// What waits, each with about how many bytes it has in the file.
    live: HashMap<ClientId, u64>,
    live_bytes: u64,
}

/// A file of at most this size is not written anew.
const FILE_BYTES_KEPT: u64 = 64 << 10;
/// Nor is one that is at most this many times as large as what waits.
const GROWTH: u64 = 4;
/// What a line has beside the body of its message: the ids and the names of fields, about.
const LINE_BYTES: u64 = 160;

impl FileOutbox {
    /// The outbox in this file, which is made if it is not there; its folder must be.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), journal: None, live: HashMap::new(), live_bytes: 0 }
    }

    fn journal(&mut self) -> io::Result<&mut Journal<Record>> {
        self.journal.as_mut().ok_or_else(not_loaded)
    }

    fn waits(&mut self, queued: &Queued) {
        let bytes = queued.body.as_str().len() as u64 + LINE_BYTES;
        self.live_bytes += bytes;
        self.live_bytes -= self.live.insert(queued.client_id, bytes).unwrap_or_default();
    }

    /// Writes the file anew with what waits, if most of it is void.
    fn compact(&mut self) -> io::Result<()> {
        let journal = self.journal.as_mut().ok_or_else(not_loaded)?;
        if journal.len() <= FILE_BYTES_KEPT.max(GROWTH * self.live_bytes) {
            return Ok(());
        }
        let mut records = journal.records()?;
        records.retain(|record| matches!(record, Record::Queued(q) if self.live.contains_key(&q.client_id)));
        journal.rewrite(records.iter())
    }
}

impl Outbox for FileOutbox {
    fn load(&mut self) -> io::Result<Vec<Queued>> {
        let (mut journal, records) = Journal::open(&self.path)?;
        let done: HashSet<ClientId> = records
            .iter()
            .filter_map(|record| if let Record::Done(id) = record { Some(*id) } else { None })
            .collect();
        let wait = |record: &Record| matches!(record, Record::Queued(q) if !done.contains(&q.client_id));
        let waiting: Vec<Record> = records.into_iter().filter(wait).collect();
        if !done.is_empty() {
            journal.rewrite(waiting.iter())?;
        }
        self.journal = Some(journal);
        let queued = |record| if let Record::Queued(queued) = record { Some(queued) } else { None };
        let waiting: Vec<Queued> = waiting.into_iter().filter_map(queued).collect();
        waiting.iter().for_each(|queued| self.waits(queued));
        Ok(waiting)
    }

    fn append(&mut self, queued: &Queued) -> io::Result<()> {
        self.journal()?.append(&Record::Queued(queued.clone()))?;
        self.waits(queued);
        Ok(())
    }

    fn remove(&mut self, client_id: ClientId) -> io::Result<()> {
        self.live_bytes -= self.live.remove(&client_id).unwrap_or_default();
        let journal = self.journal()?;
        journal.append(&Record::Done(client_id))?;
        journal.flush()?;
        self.compact()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.journal()?.sync()
    }
}

fn not_loaded() -> io::Error {
    io::Error::other("the outbox was not loaded")
}

#[cfg(test)]
mod tests {
    use domain::{Content, ConversationId, Region, UserId};

    use super::super::take_over;
    use super::*;

    fn queued(n: u8) -> Queued {
        let user = |n| UserId::new(Region::ONLY, [n; 15]);
        Queued {
            conversation: ConversationId::direct(user(1), user(2)),
            client_id: ClientId::new(u64::from(n), [n; 10]),
            body: Content::message(format!("text {n} \u{1F980}\n")).to_body(),
        }
    }

    #[test]
    fn what_waits_survives_in_order_and_what_is_done_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let mut outbox = FileOutbox::new(&path);
        assert_eq!(outbox.load().unwrap(), []);
        for n in 1..=5 {
            outbox.append(&queued(n)).unwrap();
        }
        outbox.sync().unwrap();
        outbox.remove(queued(2).client_id).unwrap();
        drop(outbox);
        for _ in 0..2 {
            let mut outbox = FileOutbox::new(&path);
            assert_eq!(outbox.load().unwrap(), [1, 3, 4, 5].map(queued));
        }
    }

    #[test]
    fn a_crash_while_an_outbox_is_taken_over_loses_or_doubles_a_message() {
        /// Dies before the first removal, or before what was put in is durable.
        struct Dies(FileOutbox);
        impl Outbox for Dies {
            fn load(&mut self) -> io::Result<Vec<Queued>> {
                self.0.load()
            }
            fn append(&mut self, queued: &Queued) -> io::Result<()> {
                self.0.append(queued)
            }
            fn remove(&mut self, _: ClientId) -> io::Result<()> {
                Err(io::Error::other("it crashed"))
            }
            fn sync(&mut self) -> io::Result<()> {
                Err(io::Error::other("it crashed"))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let (old, new) =
            (|| FileOutbox::new(&folder.path().join("old")), || FileOutbox::new(&folder.path().join("new")));
        let mut outbox = old();
        outbox.load().unwrap();
        [1, 2, 3].iter().for_each(|n| outbox.append(&queued(*n)).unwrap());
        outbox.sync().unwrap();
        drop(outbox);
        take_over(old(), Dies(new())).unwrap_err();
        assert_eq!(old().load().unwrap(), [1, 2, 3].map(queued), "nothing is out before all of it is in");
        take_over(Dies(old()), new()).unwrap_err();
        assert_eq!(take_over(old(), new()).unwrap(), 3);
        assert_eq!(new().load().unwrap(), [1, 2, 3].map(queued));
        assert_eq!(take_over(old(), new()).unwrap(), 0);
        assert_eq!((old().load().unwrap(), new().load().unwrap().len()), (vec![], 3));
    }

    #[test]
    fn the_file_of_an_outbox_that_keeps_emptying_does_not_grow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let mut outbox = FileOutbox::new(&path);
        outbox.load().unwrap();
        for n in 0..2_000_u32 {
            let one = Queued { client_id: ClientId::new(u64::from(n), [9; 10]), ..queued(1) };
            outbox.append(&one).unwrap();
            outbox.remove(one.client_id).unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() < 2 * FILE_BYTES_KEPT);
    }

    #[test]
    fn the_file_grows_without_bound_while_anything_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let mut outbox = FileOutbox::new(&path);
        outbox.load().unwrap();
        // One that the server does not take for now, and a conversation that goes on.
        outbox.append(&queued(1)).unwrap();
        let other = |n: u32| Queued { client_id: ClientId::new(u64::from(n), [9; 10]), ..queued(2) };
        let mut largest = 0;
        for n in 0..2_000 {
            outbox.append(&other(n)).unwrap();
            outbox.sync().unwrap();
            outbox.remove(other(n).client_id).unwrap();
            largest = largest.max(std::fs::metadata(&path).unwrap().len());
        }
        assert!(largest < 2 * FILE_BYTES_KEPT, "{largest} bytes");
        outbox.append(&other(2_000)).unwrap();
        outbox.sync().unwrap();
        drop(outbox);
        assert_eq!(FileOutbox::new(&path).load().unwrap(), [queued(1), other(2_000)], "what waits is kept");
    }

    #[test]
    fn a_message_in_line_is_lost_when_the_file_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let mut outbox = FileOutbox::new(&path);
        outbox.load().unwrap();
        let long = Content::message("x".repeat(FILE_BYTES_KEPT as usize)).to_body();
        outbox.append(&Queued { body: long, ..queued(1) }).unwrap();
        outbox.append(&queued(2)).unwrap();
        outbox.remove(queued(1).client_id).unwrap();
        outbox.sync().unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < FILE_BYTES_KEPT, "it was written anew");
        drop(outbox);
        assert_eq!(FileOutbox::new(&path).load().unwrap(), [queued(2)]);
    }
}
