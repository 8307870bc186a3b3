//! The embedded engine passes the suite of laws.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::embedded::{Load, Options, Topic};
use bus::suite::{Engine, Note};
use bus::{Consumer, Message, MessageBus, Record, Refused, Source};
use futures_util::FutureExt;

struct Embedded;

#[async_trait]
impl Engine for Embedded {
    async fn topic(&self, options: Options<'_>) -> Arc<dyn MessageBus<Note>> {
        Arc::new(Topic::new(options))
    }
}

bus::conformance!(tokio::test(start_paused = true), Embedded);

/// The next batch, which has to come.
async fn batch(reader: &mut Box<dyn Consumer<Note>>, max: usize) -> Vec<Message<Note>> {
    tokio::time::timeout(Duration::from_secs(60), reader.next(max)).await.expect("the wait ends").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_group_reads_nothing_for_ever() {
    let topic = Topic::<Note>::new(Options { partitions: 1, partition_bytes_max: 100, groups: &["a"] });
    let error = topic.subscribe("aa").err().unwrap();
    assert!(!error.retryable() && error.to_string().contains("aa"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_full_topic_says_that_it_is_not() {
    let bytes = Record::size_bytes(&Note::new(0, 0));
    let topic = Topic::new(Options { partitions: 2, partition_bytes_max: 4 * bytes, groups: &["a"] });
    for (number, partition) in [(0, 0), (1, 1), (2, 1), (3, 1)] {
        topic.publish(Note::new(partition, number)).await.unwrap();
    }
    assert_eq!(topic.load(), Load { bytes: 4 * bytes, fullest: 0.75, waiting: 0 });
    topic.publish(Note::new(1, 4)).await.unwrap();
    let mut waits = Box::pin(topic.publish(Note::new(1, 5)));
    assert!(waits.as_mut().now_or_never().is_none());
    assert_eq!(topic.load(), Load { bytes: 5 * bytes, fullest: 1.0, waiting: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_a_partition_that_moved_on_is_forgotten() {
    let topic = Topic::<Note>::new(Options { partitions: 1, partition_bytes_max: 1000, groups: &["a"] });
    let mut old = topic.subscribe("a").unwrap();
    for number in 0..4 {
        topic.publish(Note::new(0, number)).await.unwrap();
    }
    assert_eq!(batch(&mut old, 10).await.len(), 4);
    old.commit(0, 3).await.unwrap();
    old.commit(0, 1).await.unwrap();
    assert_eq!(topic.lag("a"), 1);
    drop(old);
    let mut successor = topic.subscribe("a").unwrap();
    assert_eq!(batch(&mut successor, 10).await[0].record.number, 3);
}

/// Two consumers and eight producers of a small topic, on threads of their own: how many records were consumed.
async fn rush(topic: &Topic<Note>) -> usize {
    let mut producers = vec![];
    for key in 0..8 {
        let topic = topic.clone();
        producers.push(tokio::spawn(async move {
            for number in 0..5_000 {
                topic.publish(Note::new(key, number)).await.unwrap();
            }
        }));
    }
    let mut readers = vec![];
    for _ in 0..2 {
        let mut reader = topic.subscribe("a").unwrap();
        readers.push(tokio::spawn(async move {
            let mut count = 0;
            while let Ok(batch) = reader.next(64).await {
                count += batch.len();
                for message in &batch {
                    reader.commit(message.partition, message.offset + 1).await.unwrap();
                }
            }
            count
        }));
    }
    for producer in producers {
        producer.await.unwrap();
    }
    topic.close();
    let mut count = 0;
    for reader in readers {
        count += reader.await.unwrap();
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wake_up_is_lost_between_threads() {
    let topic = Topic::<Note>::new(Options { partitions: 4, partition_bytes_max: 2_000, groups: &["a"] });
    let count =
        tokio::time::timeout(Duration::from_secs(60), rush(&topic)).await.expect("nobody waits in vain");
    assert!(count >= 40_000, "{count}");
    assert_eq!(topic.lag("a"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_producer_jumps_the_line() {
    let topic = Topic::<Note>::new(Options { partitions: 1, partition_bytes_max: 300, groups: &["a"] });
    let large = Note { size_bytes: 300, ..Note::new(0, 0) };
    topic.try_publish(Note::new(0, 99)).unwrap();
    let mut producers = vec![];
    for note in [large, Note::new(0, 1), Note::new(0, 2)] {
        let topic = topic.clone();
        producers.push(tokio::spawn(async move { topic.publish(note).await }));
        tokio::task::yield_now().await;
    }
    let small = Note::new(0, 3);
    assert_eq!(topic.try_publish(small.clone()), Err(Refused::Full(small)), "others wait already");
    let (mut reader, mut order) = (topic.subscribe("a").unwrap(), vec![]);
    while order.len() < 4 {
        let next = batch(&mut reader, 1).await;
        reader.commit(0, next[0].offset + 1).await.unwrap();
        order.push(next[0].record.number);
    }
    assert_eq!(order, [99, 0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_sleeps_while_the_line_moves() {
    let topic = Topic::<Note>::new(Options { partitions: 1, partition_bytes_max: 300, groups: &["a"] });
    let mut reader = topic.subscribe("a").unwrap();
    topic.try_publish(Note::new(0, 0)).unwrap();
    batch(&mut reader, 9).await;
    let mut large = Box::pin(topic.publish(Note { size_bytes: 300, ..Note::new(0, 1) }));
    assert!((&mut large).now_or_never().is_none());
    let mut small = std::pin::pin!(topic.publish(Note::new(0, 2)));
    assert!(small.as_mut().now_or_never().is_none());
    let sleeps = tokio::spawn(async move { batch(&mut reader, 9).await });
    tokio::task::yield_now().await;
    drop(large);
    assert_eq!(sleeps.await.unwrap()[0].record.number, 2);
}
