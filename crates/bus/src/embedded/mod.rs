//! The embedded engine: topics in the memory of one process, typed, nothing encoded.
//!
//! The rules that the laws leave to an engine:
//!
//! - **Groups are declared** when the topic is built, and each reads from the first record on, whether or not it has a
//!   consumer yet: nothing that a group needs is lost before it subscribes, and it holds records (and so producers) back
//!   until it commits. A group that was not declared is refused.
//! - **A hand-assigned reader** starts from the end of its partition and holds records back only while it lives.
//! - **What nobody reads is dropped at once**: a partition without a declared group or a hand-assigned reader keeps
//!   nothing, so it cannot grow.
//! - **Larger than the bound**: a record that is larger than its partition's bound is accepted while the partition is
//!   empty; else it could never be.
//! - **Closed** is said to a consumer that has read its own partitions to the end.
//!
//! Nothing here depends on hashing, chance or time, so that a simulation runs the same way each time. Deliberately
//! absent: durability. The one topic that must survive a crash is a view of a durable log: [`view`].

mod consumer;
mod partition;
mod share;
mod state;
pub mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::PortError;
use tokio::sync::oneshot;

use crate::{Consumer, Error, MessageBus, Record, Refused, Source};
use consumer::TopicConsumer;
use state::{Bells, State};

/// The shape of a topic.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How many partitions; at least one is made.
    pub partitions: u32,
    /// Bytes of records that one partition keeps, by [`Record::size_bytes`].
    pub partition_bytes_max: usize,
    /// The groups that read it.
    pub groups: &'a [&'static str],
}

/// How full a topic is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Load {
    /// Bytes of the records that it keeps.
    pub bytes: usize,
    /// Bytes in its fullest partition, as a share of what that may keep.
    pub fullest: f64,
    /// Producers that wait for room.
    pub waiting: usize,
}

/// A topic in memory. A clone is another handle to the same topic.
#[derive(Debug)]
pub struct Topic<R> {
    shared: Arc<Mutex<State<R>>>,
    partitions: u32,
}

impl<R> Clone for Topic<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), partitions: self.partitions }
    }
}

impl<R: Record> Topic<R> {
    /// An empty topic of this shape.
    pub fn new(options: Options<'_>) -> Self {
        let partitions = options.partitions.max(1);
        let state = State::new(partitions, options.partition_bytes_max, options.groups);
        Self { shared: Arc::new(Mutex::new(state)), partitions }
    }

    /// How full it is.
    pub fn load(&self) -> Load {
        self.lock().load()
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consumer(&self, id: u64) -> Box<dyn Consumer<R>> {
        let bell = self.lock().bell(id);
        Box::new(TopicConsumer::new(self.clone(), id, bell))
    }

    /// Publishes at once, or says how to wait: with the place in line.
    fn publish_or_queue(&self, record: R) -> Result<Option<InLine<R>>, Error> {
        let partition = record.partition(self.partitions);
        let mut state = self.lock();
        match state.offer(partition, record) {
            Ok(bells) => {
                drop(state);
                bells.ring();
                Ok(None)
            }
            Err(Refused::Closed(_)) => Err(Error::Closed),
            Err(Refused::Full(record)) => {
                let (ticket, accepted) = state.queue(partition, record);
                drop(state);
                Ok(Some(InLine { topic: self.clone(), partition, ticket, accepted }))
            }
        }
    }
}

/// An engine failure that only a mended caller can prevent.
fn misuse<R: Record>(what: impl ToString) -> Error {
    Error::Engine(PortError::lasting(R::TOPIC, what))
}

impl<R: Record> Source<R> for Topic<R> {
    fn subscribe(&self, group: &'static str) -> Result<Box<dyn Consumer<R>>, Error> {
        let joined = self.lock().join(group);
        let (id, bells) =
            joined.ok_or_else(|| misuse::<R>(format!("the group `{group}` was not declared")))?;
        bells.ring();
        Ok(self.consumer(id))
    }

    fn lag(&self, group: &str) -> u64 {
        self.lock().lag(group)
    }
}

#[async_trait]
impl<R: Record> MessageBus<R> for Topic<R> {
    async fn publish(&self, record: R) -> Result<(), Error> {
        match self.publish_or_queue(record)? {
            None => Ok(()),
            Some(mut line) => (&mut line.accepted).await.map_err(|_| Error::Closed),
        }
    }

    fn try_publish(&self, record: R) -> Result<(), Refused<R>> {
        let partition = record.partition(self.partitions);
        let bells = self.lock().offer(partition, record)?;
        bells.ring();
        Ok(())
    }

    fn assign(&self, group: &'static str, partition: u32) -> Result<Box<dyn Consumer<R>>, Error> {
        let id = self.lock().assign(group, partition);
        let id = id.ok_or_else(|| misuse::<R>(format!("there is no partition {partition}")))?;
        Ok(self.consumer(id))
    }

    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn close(&self) {
        let bells: Bells = self.lock().close();
        bells.ring();
    }
}

/// A place in the line of producers that wait for room. Whoever goes away leaves the line.
struct InLine<R: Record> {
    topic: Topic<R>,
    partition: u32,
    ticket: u64,
    accepted: oneshot::Receiver<()>,
}

impl<R: Record> Drop for InLine<R> {
    fn drop(&mut self) {
        let bells = self.topic.lock().leave_line(self.partition, self.ticket);
        bells.ring();
    }
}
