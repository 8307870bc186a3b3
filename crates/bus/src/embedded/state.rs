//! A topic's whole state, behind one lock: partitions, and the consumers with what they own. No locks, no waiting.
//!
//! Every change returns the bells to ring, so that consumers are woken after the lock is let go, and only those that
//! wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use super::Load;
use super::partition::{Partition, Place};
use super::share::share;
use crate::{Message, Record, Refused};

/// The consumers to wake.
#[must_use]
#[derive(Debug, Default)]
pub(super) struct Bells(Vec<Arc<Notify>>);

impl Bells {
    pub(super) fn ring(self) {
        self.0.iter().for_each(|bell| bell.notify_one());
    }
}

/// What there is for a consumer.
pub(super) enum Taken<R> {
    Batch(Vec<Message<R>>),
    Nothing,
    Closed,
}

#[derive(Debug)]
struct Reader {
    /// The group's number; `None` if assigned by hand.
    group: Option<usize>,
    owned: Vec<u32>,
    /// Where in `owned` the next batch begins, so that no partition starves another.
    turn: usize,
    waiting: bool,
    bell: Arc<Notify>,
}

impl Reader {
    /// The bell to ring, if the consumer waits.
    fn wake(&mut self) -> Option<Arc<Notify>> {
        std::mem::take(&mut self.waiting).then(|| Arc::clone(&self.bell))
    }
}

/// A topic's state.
#[derive(Debug)]
pub(super) struct State<R> {
    partitions: Vec<Partition<R>>,
    groups: Vec<&'static str>,
    readers: BTreeMap<u64, Reader>,
    last_id: u64,
    closed: bool,
}

impl<R: Record> State<R> {
    pub(super) fn new(partitions: u32, bytes_max: usize, groups: &[&'static str]) -> Self {
        Self {
            partitions: (0..partitions).map(|_| Partition::new(bytes_max, groups)).collect(),
            groups: groups.to_vec(),
            readers: BTreeMap::new(),
            last_id: 0,
            closed: false,
        }
    }

    pub(super) fn offer(&mut self, partition: u32, record: R) -> Result<Bells, Refused<R>> {
        if self.closed {
            return Err(Refused::Closed(record));
        }
        let size_bytes = record.size_bytes();
        self.partitions[partition as usize].offer(record, size_bytes).map_err(Refused::Full)?;
        Ok(self.wake(partition))
    }

    /// Waits at the end of the partition's line: the ticket, and what tells of the acceptance.
    pub(super) fn queue(&mut self, partition: u32, record: R) -> (u64, oneshot::Receiver<()>) {
        let (ticket, size_bytes) = (self.new_id(), record.size_bytes());
        (ticket, self.partitions[partition as usize].queue(ticket, record, size_bytes))
    }

    pub(super) fn leave_line(&mut self, partition: u32, ticket: u64) -> Bells {
        self.partitions[partition as usize].leave_line(ticket);
        self.wake(partition)
    }

    /// A new consumer of a declared group.
    pub(super) fn join(&mut self, group: &str) -> Option<(u64, Bells)> {
        let group = self.groups.iter().position(|name| *name == group)?;
        let id = self.add_reader(Some(group), vec![]);
        Some((id, self.rebalance(group)))
    }

    /// A new consumer of one partition, from its end.
    pub(super) fn assign(&mut self, group: &'static str, number: u32) -> Option<u64> {
        let end = self.partitions.get(number as usize)?.end();
        let id = self.add_reader(None, vec![number]);
        let place = Place { group, owner: Some(id), committed: end, read: end };
        self.partitions[number as usize].places.push(place);
        Some(id)
    }

    /// A consumer goes away: what it has not committed is given to its successor.
    pub(super) fn leave(&mut self, id: u64) -> Bells {
        let Some(reader) = self.readers.remove(&id) else { return Bells::default() };
        if let Some(group) = reader.group {
            return self.rebalance(group);
        }
        let mut bells = Bells::default();
        for number in reader.owned {
            let partition = &mut self.partitions[number as usize];
            partition.places.retain(|place| place.owner != Some(id));
            partition.forget();
            bells.0.append(&mut self.wake(number).0);
        }
        bells
    }

    pub(super) fn take(&mut self, id: u64, max: usize) -> Taken<R> {
        let Some(reader) = self.readers.get_mut(&id) else { return Taken::Closed };
        let (count, first, mut batch) = (reader.owned.len(), reader.turn, vec![]);
        for step in 0..count {
            let number = reader.owned[(first + step) % count];
            let partition = &mut self.partitions[number as usize];
            if let Some(place) = partition.places.iter().position(|place| place.owner == Some(id)) {
                partition.read(number, place, max, &mut batch);
            }
            if batch.len() == max {
                reader.turn = (first + step + 1) % count;
                break;
            }
        }
        if !batch.is_empty() {
            return Taken::Batch(batch);
        }
        reader.waiting = !self.closed;
        if self.closed { Taken::Closed } else { Taken::Nothing }
    }

    /// Commits for the consumer's group, also of a partition that has moved on meanwhile: finished is finished.
    /// `None` if the consumer has no place in that partition.
    pub(super) fn commit(&mut self, id: u64, number: u32, offset: u64) -> Option<Bells> {
        let partition = self.partitions.get_mut(number as usize)?;
        let place = match self.readers.get(&id)?.group {
            Some(group) => group,
            None => partition.places.iter().position(|place| place.owner == Some(id))?,
        };
        partition.commit(place, offset);
        Some(self.wake(number))
    }

    pub(super) fn lag(&self, group: &str) -> u64 {
        let behind = |partition: &Partition<R>| {
            let places = partition.places.iter().filter(|place| place.group == group);
            places.map(|place| partition.end() - place.committed).sum::<u64>()
        };
        self.partitions.iter().map(behind).sum()
    }

    pub(super) fn load(&self) -> Load {
        self.partitions.iter().map(Partition::load).fold(Load::default(), |sum, of| Load {
            bytes: sum.bytes + of.bytes,
            fullest: sum.fullest.max(of.fullest),
            waiting: sum.waiting + of.waiting,
        })
    }

    pub(super) fn close(&mut self) -> Bells {
        self.closed = true;
        self.partitions.iter_mut().for_each(Partition::dissolve_line);
        Bells(self.readers.values_mut().filter_map(Reader::wake).collect())
    }

    pub(super) fn bell(&self, id: u64) -> Arc<Notify> {
        self.readers.get(&id).map(|reader| Arc::clone(&reader.bell)).unwrap_or_default()
    }

    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn add_reader(&mut self, group: Option<usize>, owned: Vec<u32>) -> u64 {
        let id = self.new_id();
        let reader = Reader { group, owned, turn: 0, waiting: false, bell: Arc::default() };
        self.readers.insert(id, reader);
        id
    }

    /// The consumers that wait and have something to read in this partition.
    fn wake(&mut self, number: u32) -> Bells {
        let partition = &self.partitions[number as usize];
        let mut bells = Bells::default();
        for place in partition.places.iter().filter(|place| place.read < partition.end()) {
            let owner = place.owner.and_then(|id| self.readers.get_mut(&id));
            bells.0.extend(owner.and_then(Reader::wake));
        }
        bells
    }

    /// Shares the partitions out anew. A partition that changes hands is read again from its commit.
    fn rebalance(&mut self, group: usize) -> Bells {
        let in_group = |reader: &Reader| reader.group == Some(group);
        let members: Vec<u64> =
            self.readers.iter().filter(|(_, reader)| in_group(reader)).map(|(id, _)| *id).collect();
        let mut owners: Vec<Option<u64>> =
            self.partitions.iter().map(|partition| partition.places[group].owner).collect();
        share(&mut owners, &members);
        self.readers.values_mut().filter(|reader| in_group(reader)).for_each(|reader| reader.owned.clear());
        let mut bells = Bells::default();
        for (number, owner) in (0..).zip(owners) {
            let place = &mut self.partitions[number as usize].places[group];
            if place.owner != owner {
                (place.owner, place.read) = (owner, place.committed);
            }
            if let Some(reader) = owner.and_then(|id| self.readers.get_mut(&id)) {
                reader.owned.push(number);
            }
            bells.0.append(&mut self.wake(number).0);
        }
        bells
    }
}
