//! The laws of the bus as one suite that every engine passes. Each law is a function, named after the failure that it
//! prevents; [`conformance!`](crate::conformance) makes a test of each.
//!
//! Nothing is expected at once: an engine may take its time to show a record, a commit or a new consumer to others. Time
//! bounds only how long the suite waits before it says that something will never happen.

mod bounds;
mod closing;
mod groups;
mod order;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Consumer, Error, Message, MessageBus, Record, partition_of};

pub use bounds::*;
pub use closing::*;
pub use groups::*;
pub use order::*;

/// Makes a test of every law: `conformance!(tokio::test(start_paused = true), engine());`, where the expression is the
/// [`Engine`] to test.
#[macro_export]
macro_rules! conformance {
    ($test:meta, $engine:expr) => {
        $crate::conformance! { @each $test, $engine,
            a_record_overtakes_another_of_its_key
            a_key_wanders_between_partitions
            an_abandoned_wait_takes_records_with_it
            a_batch_is_larger_than_asked
            an_uncommitted_record_is_lost_with_its_consumer
            a_committed_record_comes_again
            a_group_misses_what_another_group_took
            a_record_is_gone_before_its_group_subscribes
            a_partition_is_left_without_a_consumer
            a_consumer_of_a_group_is_left_idle
            a_busy_partition_starves_another
            a_hand_assigned_reader_reads_the_past_or_misses_the_present
            a_record_without_readers_fills_its_partition
            a_full_partition_lets_producers_run_on
            a_full_partition_holds_back_another
            a_producer_waits_for_ever
            a_giant_record_is_never_accepted
            an_abandoned_publish_blocks_those_behind_it
            lag_is_hidden
            a_closed_topic_accepts_a_record
            a_closed_topic_forgets_what_it_accepted
            a_waiting_consumer_is_not_told_of_the_close
            a_waiting_producer_is_not_told_of_the_close
        }
    };
    (@each $test:meta, $engine:expr, $($law:ident)*) => {
        $(
            #[$test]
            async fn $law() {
                $crate::suite::$law(&$engine).await;
            }
        )*
    };
}

/// The engine under test.
#[async_trait]
pub trait Engine: Sync {
    /// A new, empty topic.
    async fn topic(&self, options: crate::embedded::Options<'_>) -> Arc<dyn MessageBus<Note>>;
}

/// The record of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its key.
    pub key: u32,
    /// Its number among those of its key.
    pub number: u64,
    /// The bytes that it claims to take.
    pub size_bytes: usize,
}

impl Note {
    /// A note of [`NOTE_BYTES`].
    pub const fn new(key: u32, number: u64) -> Self {
        Self { key, number, size_bytes: NOTE_BYTES }
    }
}

impl Record for Note {
    const TOPIC: &'static str = "suite";

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.key.to_be_bytes(), partitions)
    }

    fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

/// The size of a note that does not say otherwise.
pub const NOTE_BYTES: usize = 100;

/// How long the suite waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the suite waits for what must not happen. Too short could hide a failure, and never makes one.
const CAUTION: Duration = Duration::from_millis(200);

const ROOMY: usize = 1 << 20;

type Bus = Arc<dyn MessageBus<Note>>;
type Reader = Box<dyn Consumer<Note>>;

async fn topic(engine: &dyn Engine, partitions: u32, bytes_max: usize, groups: &[&'static str]) -> Bus {
    let options = crate::embedded::Options { partitions, partition_bytes_max: bytes_max, groups };
    engine.topic(options).await
}

/// The result of `wait`, which has to end.
async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}

/// `wait` must not end yet.
async fn not_yet<T>(what: &str, wait: impl Future<Output = T>) {
    assert!(tokio::time::timeout(CAUTION, wait).await.is_err(), "{what}");
}

/// Waits until `truth` holds.
async fn becomes_true(what: &str, truth: impl Fn() -> bool) {
    let looks = async {
        while !truth() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(what, looks).await;
}

async fn publish(bus: &Bus, note: Note) {
    soon("a record is accepted", bus.publish(note)).await.expect("the topic is open");
}

async fn publish_all(bus: &Bus, key: u32, numbers: std::ops::Range<u64>) {
    for number in numbers {
        publish(bus, Note::new(key, number)).await;
    }
}

fn subscribe(bus: &Bus, group: &'static str) -> Reader {
    bus.subscribe(group).expect("the group was declared")
}

/// The next `count` messages at least.
async fn take(reader: &mut Reader, count: usize) -> Vec<Message<Note>> {
    let mut taken = vec![];
    while taken.len() < count {
        let next = soon("there is another record", reader.next(count - taken.len())).await;
        taken.extend(next.expect("the topic still has records"));
    }
    taken
}

async fn commit(reader: &mut Reader, message: &Message<Note>) {
    soon("a commit", reader.commit(message.partition, message.offset + 1)).await.expect("its own partition");
}

async fn commit_all(reader: &mut Reader, messages: &[Message<Note>]) {
    for message in messages {
        commit(reader, message).await;
    }
}

fn numbers(messages: &[Message<Note>]) -> Vec<u64> {
    messages.iter().map(|message| message.record.number).collect()
}

/// Everything until the topic says that it is closed.
async fn drain(reader: &mut Reader) -> Vec<Message<Note>> {
    let mut drained = vec![];
    loop {
        match soon("the rest, or the close", reader.next(7)).await {
            Ok(batch) => {
                commit_all(reader, &batch).await;
                drained.extend(batch);
            }
            Err(Error::Closed) => return drained,
            Err(error) => panic!("{error}"),
        }
    }
}
