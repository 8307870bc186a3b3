//! The engines of [`Outbox`].

use std::collections::HashSet;
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

/// An outbox in a file of JSON lines; a torn last line is cut off.
pub struct FileOutbox {
    path: PathBuf,
    journal: Option<Journal<Record>>,
    live: HashSet<ClientId>,
}

/// Once nothing waits, a file larger than this is emptied.
const FILE_BYTES_KEPT: u64 = 64 << 10;

impl FileOutbox {
    /// The outbox in this file, which is made if it is not there; its folder must be.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), journal: None, live: HashSet::new() }
    }

    fn journal(&mut self) -> io::Result<&mut Journal<Record>> {
        self.journal.as_mut().ok_or_else(|| io::Error::other("the outbox was not loaded"))
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
        self.live = waiting.iter().map(|queued| queued.client_id).collect();
        Ok(waiting)
    }

    fn append(&mut self, queued: &Queued) -> io::Result<()> {
        self.journal()?.append(&Record::Queued(queued.clone()))?;
        self.live.insert(queued.client_id);
        Ok(())
    }

    fn remove(&mut self, client_id: ClientId) -> io::Result<()> {
        self.live.remove(&client_id);
        let empty = self.live.is_empty();
        let journal = self.journal()?;
        journal.append(&Record::Done(client_id))?;
        if empty && journal.len() > FILE_BYTES_KEPT {
            return journal.rewrite(std::iter::empty());
        }
        journal.flush()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.journal()?.sync()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Content, ConversationId, Region, UserId};

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
}
