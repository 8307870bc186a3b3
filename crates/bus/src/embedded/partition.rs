//! One partition: the records kept, how far each reader is, and the producers that wait for room. No locks, no waiting.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::Load;
use crate::Message;

/// How far one group, or one hand-assigned reader, is in the partition.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) group: &'static str,
    /// The consumer that reads here now.
    pub(super) owner: Option<u64>,
    /// Everything before is finished.
    pub(super) committed: u64,
    /// Everything before was given to the owner. Never below `committed`.
    pub(super) read: u64,
}

impl Place {
    /// A group's place, from the first record on.
    pub(super) const fn of_group(group: &'static str) -> Self {
        Self { group, owner: None, committed: 0, read: 0 }
    }
}

#[derive(Debug)]
struct Kept<R> {
    record: R,
    size_bytes: usize,
}

#[derive(Debug)]
struct Waiter<R> {
    ticket: u64,
    kept: Kept<R>,
    accepted: oneshot::Sender<()>,
}

/// One partition.
#[derive(Debug)]
pub(super) struct Partition<R> {
    records: VecDeque<Kept<R>>,
    /// The offset of the oldest record kept.
    first: u64,
    bytes: usize,
    bytes_max: usize,
    waiters: VecDeque<Waiter<R>>,
    pub(super) places: Vec<Place>,
}

impl<R: Clone> Partition<R> {
    pub(super) fn new(bytes_max: usize, groups: &[&'static str]) -> Self {
        Self {
            records: VecDeque::new(),
            first: 0,
            bytes: 0,
            bytes_max,
            waiters: VecDeque::new(),
            places: groups.iter().map(|group| Place::of_group(group)).collect(),
        }
    }

    /// The offset that the next record gets.
    pub(super) fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// How full it is.
    pub(super) fn load(&self) -> Load {
        #[expect(clippy::cast_precision_loss, reason = "a share is a float")]
        let fullest = self.bytes as f64 / self.bytes_max.max(1) as f64;
        Load { bytes: self.bytes, fullest, waiting: self.waiters.len() }
    }

    /// Adds a record, or gives it back if it does not fit or others wait already.
    pub(super) fn offer(&mut self, record: R, size_bytes: usize) -> Result<(), R> {
        if !self.waiters.is_empty() || !self.fits(size_bytes) {
            return Err(record);
        }
        self.push(Kept { record, size_bytes });
        Ok(())
    }

    /// Waits at the end of the line.
    pub(super) fn queue(&mut self, ticket: u64, record: R, size_bytes: usize) -> oneshot::Receiver<()> {
        let (accepted, told) = oneshot::channel();
        self.waiters.push_back(Waiter { ticket, kept: Kept { record, size_bytes }, accepted });
        told
    }

    /// Leaves the line, if still in it.
    pub(super) fn leave_line(&mut self, ticket: u64) {
        // Tickets grow along the line.
        if let Ok(at) = self.waiters.binary_search_by_key(&ticket, |waiter| waiter.ticket) {
            self.waiters.remove(at);
        }
        self.admit();
    }

    /// Sends everybody in line away: they are told that the topic is closed.
    pub(super) fn dissolve_line(&mut self) {
        self.waiters.clear();
    }

    /// Appends to `batch` what has not been given to the owner of `place` yet, until `batch` holds `max` messages.
    pub(super) fn read(&mut self, number: u32, place: usize, max: usize, batch: &mut Vec<Message<R>>) {
        let place = &mut self.places[place];
        let from = (place.read - self.first) as usize;
        let to = self.records.len().min(from + max - batch.len());
        batch.extend(self.records.range(from..to).zip(place.read..).map(|(kept, offset)| Message {
            partition: number,
            offset,
            record: kept.record.clone(),
        }));
        place.read = self.first + to as u64;
    }

    /// Everything before `offset` is finished at `place`: forgets what nobody needs and lets producers in.
    pub(super) fn commit(&mut self, place: usize, offset: u64) {
        let end = self.end();
        let place = &mut self.places[place];
        place.committed = place.committed.max(offset.min(end));
        place.read = place.read.max(place.committed);
        self.forget();
    }

    /// Forgets what every place has finished, and lets producers in as long as there is room.
    pub(super) fn forget(&mut self) {
        let end = self.end();
        let needed = self.places.iter().map(|place| place.committed).min().unwrap_or(end);
        while self.first < needed
            && let Some(kept) = self.records.pop_front()
        {
            self.bytes -= kept.size_bytes;
            self.first += 1;
        }
        self.admit();
    }

    fn fits(&self, size_bytes: usize) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(size_bytes) <= self.bytes_max
    }

    fn push(&mut self, kept: Kept<R>) {
        if self.places.is_empty() {
            self.first += 1;
            return;
        }
        self.bytes += kept.size_bytes;
        self.records.push_back(kept);
    }

    fn admit(&mut self) {
        while self.waiters.front().is_some_and(|waiter| self.fits(waiter.kept.size_bytes)) {
            let Some(waiter) = self.waiters.pop_front() else { return };
            self.push(waiter.kept);
            // A producer that has gone away meanwhile leaves its record accepted, as a late answer would.
            let _ = waiter.accepted.send(());
        }
    }
}
