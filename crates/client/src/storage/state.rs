//! The engines of [`State`].

use std::io;
use std::path::{Path, PathBuf};

use super::journal::Journal;
use super::{Saved, State, Step};

/// State that ends with the process: the next one starts like a new device.
#[derive(Debug, Default)]
pub struct MemoryState(Saved);

impl MemoryState {
    /// A device that stands here.
    pub fn new(saved: Saved) -> Self {
        Self(saved)
    }
}

impl State for MemoryState {
    fn load(&mut self) -> io::Result<Saved> {
        Ok(self.0.clone())
    }

    fn save(&mut self, step: &Step) -> io::Result<()> {
        self.0.apply(step.clone());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// State in a file of JSON lines, without fsync: a crash of the machine may forget the newest steps, which are then
/// given again.
pub struct FileState {
    path: PathBuf,
    journal: Option<Journal<Step>>,
    saved: Saved,
    /// Bytes the file had when it was last written anew.
    compact_bytes: u64,
}

/// Gathered steps are written at this size even without a pause.
const GATHERED_BYTES_MAX: usize = 64 << 10;
/// A file is written anew when it is this many times as large as it was then, and larger than the gathered limit.
const GROWTH: u64 = 4;

impl FileState {
    /// The state in this file, which is made if it is not there; its folder must be.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), journal: None, saved: Saved::default(), compact_bytes: 0 }
    }

    fn compact(&mut self) -> io::Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let places = self.saved.places.iter().map(|(id, place)| Step::Place(*id, *place));
        let steps: Vec<Step> = places.chain(self.saved.token.clone().map(Step::Token)).collect();
        journal.rewrite(steps.iter())?;
        self.compact_bytes = journal.len();
        Ok(())
    }
}

impl State for FileState {
    fn load(&mut self) -> io::Result<Saved> {
        let (journal, steps) = Journal::open(&self.path)?;
        self.journal = Some(journal);
        for step in steps {
            self.saved.apply(step);
        }
        self.compact()?;
        Ok(self.saved.clone())
    }

    fn save(&mut self, step: &Step) -> io::Result<()> {
        self.saved.apply(step.clone());
        let Some(journal) = &mut self.journal else { return Err(io::Error::other("not loaded")) };
        journal.append(step)?;
        if journal.gathered_bytes() >= GATHERED_BYTES_MAX { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(journal) = &mut self.journal else { return Err(io::Error::other("not loaded")) };
        if journal.gathered_bytes() > 0 {
            journal.flush()?;
        }
        if journal.len() > (self.compact_bytes * GROWTH).max(GATHERED_BYTES_MAX as u64) {
            return self.compact();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::{ConversationId, Position, Region, UserId};

    use super::*;
    use crate::storage::Place;

    fn conversation(n: u8) -> ConversationId {
        ConversationId::Own(UserId::new(Region::ONLY, [n; 15]))
    }

    #[test]
    fn a_device_stands_where_it_stood_before_it_was_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut state = FileState::new(&path);
        assert_eq!(state.load().unwrap(), Saved::default());
        let place = |seq| Place { position: Position::new(1, seq), roster: Some(Position::new(1, 1)) };
        for seq in 1..5_000 {
            state.save(&Step::Place(conversation(1), place(seq))).unwrap();
        }
        state.save(&Step::Place(conversation(2), place(7))).unwrap();
        state.save(&Step::Gone(conversation(2))).unwrap();
        state.save(&Step::Token("t".into())).unwrap();
        state.flush().unwrap();
        drop(state);
        assert!(std::fs::metadata(&path).unwrap().len() < 2 * GATHERED_BYTES_MAX as u64);
        let saved = FileState::new(&path).load().unwrap();
        assert_eq!(saved.token.as_deref(), Some("t"));
        assert_eq!(saved.places, [(conversation(1), place(4_999))].into());
    }
}
