//! The Message Bus: commands and events between the boxes, as topics of partitioned, ordered records.
//!
//! The laws, which every engine passes in one suite ([`suite`]):
//!
//! 1. **Order.** Records of one partition are consumed in the order they were published; a key is always in the same
//!    partition.
//! 2. **At least once.** A record stays until every group that reads its partition has committed past it. A consumer
//!    that goes away without committing leaves its records to its successor; duplicates are the reader's to bear.
//! 3. **Groups.** Each group reads every record; the partitions of a topic are shared among a group's consumers.
//! 4. **Bounded.** A partition holds a stated number of bytes. When it is full, `publish` waits and `try_publish` gives
//!    the record back: back-pressure reaches the producer, nothing is dropped.
//! 5. **Visible.** `lag` says how many records a group has still to commit.
//! 6. **Clean close.** After `close` nothing more is accepted; what was accepted can still be consumed, then consumers
//!    are told [`Error::Closed`].
//!
//! Deliberately absent: the records themselves, which are contracts between the boxes.

pub mod embedded;
pub mod progress;
pub mod suite;

use async_trait::async_trait;
use domain::PortError;

/// Something that travels on one topic.
pub trait Record: Clone + Send + Sync + 'static {
    /// The topic's name.
    const TOPIC: &'static str;

    /// The partition, of `partitions`, that this record belongs to: a function of its key.
    fn partition(&self, partitions: u32) -> u32;

    /// Roughly the bytes it takes, for bounding.
    fn size_bytes(&self) -> usize;
}

/// The partition of a key: its 64-bit FNV-1a hash (Fowler, Noll, Vo), modulo `partitions`. The same on every machine.
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u32::try_from((hash ^ (hash >> 32)) % u64::from(partitions.max(1)))
        .expect("a remainder by a u32 fits one")
}

/// A record with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<R> {
    /// Which partition it is in.
    pub partition: u32,
    /// Its place there.
    pub offset: u64,
    /// The record.
    pub record: R,
}

/// Why the bus did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The topic is closed: the process is stopping.
    #[error("the topic is closed")]
    Closed,
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] PortError),
}

impl Error {
    /// Whether another try may succeed.
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Closed => false,
            Self::Engine(error) => error.retryable(),
        }
    }
}

/// Why a record was given back at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused<R> {
    /// Its partition is full: wait with [`MessageBus::publish`].
    Full(R),
    /// The topic is closed.
    Closed(R),
}

/// A topic that can be read.
pub trait Source<R>: Send + Sync + 'static {
    /// A new consumer in `group`, which shares the topic's partitions with the group's other consumers and goes on
    /// where the group's commits stand (a new group: at the first record). Groups are declared when the topic is made;
    /// any other is refused.
    fn subscribe(&self, group: &'static str) -> Result<Box<dyn Consumer<R>>, Error>;

    /// How many records `group` has still to commit.
    fn lag(&self, group: &str) -> u64;
}

/// A topic that can be written and read. See the laws at the top of this crate.
#[async_trait]
pub trait MessageBus<R: Record>: Source<R> {
    /// Publishes; waits while the record's partition is full. Once it returns, the record is accepted.
    async fn publish(&self, record: R) -> Result<(), Error>;

    /// Publishes, or gives the record back at once.
    fn try_publish(&self, record: R) -> Result<(), Refused<R>>;

    /// A consumer of one partition, by hand and from its end: what was published before is not read.
    fn assign(&self, group: &'static str, partition: u32) -> Result<Box<dyn Consumer<R>>, Error>;

    /// How many partitions the topic has.
    fn partitions(&self) -> u32;

    /// Accepts nothing more; what was accepted can still be consumed.
    fn close(&self);
}

/// One reader of a topic.
#[async_trait]
pub trait Consumer<R>: Send {
    /// The next records, at least one, at most `max`, in order within a partition; waits for the first. Dropping the
    /// future loses nothing.
    async fn next(&mut self, max: usize) -> Result<Vec<Message<R>>, Error>;

    /// Everything of `partition` before `offset` is finished and need not be delivered again.
    async fn commit(&mut self, partition: u32, offset: u64) -> Result<(), Error>;
}
