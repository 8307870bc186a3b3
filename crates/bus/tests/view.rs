//! A view of a durable log: nothing is lost, whoever crashes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bus::embedded::view::{Log, View};
use bus::{Consumer, Error, Message, Source};
use domain::PortError;
use futures_util::FutureExt;
use tokio::sync::watch;

/// A log in memory that stands for a durable one: views of it come and go.
#[derive(Clone, Default)]
struct Memory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    kept: Mutex<VecDeque<(u64, &'static str)>>,
    places: Mutex<BTreeMap<String, u64>>,
    newest: watch::Sender<u64>,
    broken: Mutex<bool>,
}

impl Memory {
    fn append(&self, record: &'static str) {
        let offset = self.newest() + 1;
        self.0.kept.lock().unwrap().push_back((offset, record));
        self.0.newest.send_replace(offset);
    }

    fn forget_before(&self, offset: u64) {
        self.0.kept.lock().unwrap().retain(|(at, _)| *at >= offset);
    }

    fn place(&self, reader: &str) -> u64 {
        self.0.places.lock().unwrap().get(reader).copied().unwrap_or(1)
    }

    fn set_broken(&self, broken: bool) {
        *self.0.broken.lock().unwrap() = broken;
    }

    fn check(&self) -> Result<(), PortError> {
        if *self.0.broken.lock().unwrap() { Err(PortError::passing("log", "broken")) } else { Ok(()) }
    }
}

#[async_trait]
impl Log<&'static str> for Memory {
    async fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, &'static str)>, PortError> {
        self.check()?;
        let kept = self.0.kept.lock().unwrap();
        Ok(kept.iter().filter(|(offset, _)| *offset >= from).take(max).copied().collect())
    }

    fn newest(&self) -> u64 {
        *self.0.newest.borrow()
    }

    async fn beyond(&self, offset: u64) {
        let _ = self.0.newest.subscribe().wait_for(|newest| *newest > offset).await;
    }

    async fn position(&self, reader: &str) -> Result<u64, PortError> {
        self.check()?;
        Ok(self.place(reader))
    }

    async fn finish(&self, reader: &str, offset: u64) -> Result<(), PortError> {
        self.check()?;
        let mut places = self.0.places.lock().unwrap();
        let place = places.entry(reader.to_owned()).or_insert(1);
        *place = offset.max(*place);
        Ok(())
    }
}

type Reader = Box<dyn Consumer<&'static str>>;

async fn open(log: &Memory) -> View<&'static str, Memory> {
    View::open(log.clone(), &["a", "b"]).await.unwrap()
}

fn log_of(records: &[&'static str]) -> Memory {
    let log = Memory::default();
    records.iter().for_each(|record| log.append(record));
    log
}

/// The next batch, which has to come.
async fn batch(reader: &mut Reader, max: usize) -> Result<Vec<Message<&'static str>>, Error> {
    tokio::time::timeout(Duration::from_secs(60), reader.next(max)).await.expect("the wait ends")
}

async fn next(reader: &mut Reader, max: usize) -> Vec<&'static str> {
    batch(reader, max).await.unwrap().into_iter().map(|message| message.record).collect()
}

#[tokio::test(start_paused = true)]
async fn a_crash_loses_what_was_not_committed() {
    let log = log_of(&["one", "two", "three"]);
    let before = open(&log).await;
    let mut reader = before.subscribe("a").unwrap();
    let message = Message { partition: 0, offset: 1, record: "one" };
    assert_eq!(reader.next(1).await.unwrap(), [message]);
    reader.commit(0, 2).await.unwrap();
    assert_eq!(next(&mut reader, 1).await, ["two"]);
    assert_eq!((before.lag("a"), before.lag("b"), before.lag("nobody")), (2, 3, 0));
    drop((reader, before));
    let after = open(&log).await;
    assert_eq!(after.lag("a"), 2);
    assert_eq!(next(&mut after.subscribe("a").unwrap(), 9).await, ["two", "three"]);
    assert_eq!(next(&mut after.subscribe("b").unwrap(), 9).await, ["one", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_reader_is_not_told_of_a_new_record() {
    let log = log_of(&[]);
    let view = open(&log).await;
    let mut reader = view.subscribe("a").unwrap();
    let waits = tokio::spawn(async move { next(&mut reader, 9).await });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    log.append("one");
    assert_eq!(waits.await.unwrap(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn two_consumers_of_a_group_both_read_the_only_partition() {
    let log = log_of(&["one", "two"]);
    let view = open(&log).await;
    let (mut first, mut second) = (view.subscribe("a").unwrap(), view.subscribe("a").unwrap());
    assert!(second.next(1).now_or_never().is_none());
    assert_eq!(next(&mut first, 9).await, ["one", "two"]);
    first.commit(0, 2).await.unwrap();
    assert!(second.next(1).now_or_never().is_none());
    drop(first);
    assert_eq!(next(&mut second, 9).await, ["two"]);
}

#[tokio::test(start_paused = true)]
async fn a_closed_view_forgets_what_the_log_holds_or_never_ends() {
    let log = log_of(&["one", "two"]);
    let view = open(&log).await;
    let (mut reader, mut idle) = (view.subscribe("a").unwrap(), view.subscribe("a").unwrap());
    view.close();
    assert_eq!(batch(&mut idle, 1).await, Err(Error::Closed));
    assert_eq!(next(&mut reader, 1).await, ["one"]);
    assert_eq!(next(&mut reader, 1).await, ["two"]);
    assert_eq!(batch(&mut reader, 1).await, Err(Error::Closed));
    reader.commit(0, 3).await.unwrap();
    assert_eq!(view.lag("a"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_away_for_too_long_lags_for_ever() {
    let log = log_of(&["one", "two", "three"]);
    log.forget_before(4);
    let view = open(&log).await;
    let mut reader = view.subscribe("a").unwrap();
    assert!(reader.next(9).now_or_never().is_none());
    assert_eq!((view.lag("a"), log.place("a")), (0, 4));
    log.append("four");
    assert_eq!(next(&mut reader, 9).await, ["four"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_finished_along_with_what_was_forgotten() {
    let log = log_of(&["one", "two", "three"]);
    let view = open(&log).await;
    let mut reader = view.subscribe("a").unwrap();
    assert_eq!(next(&mut reader, 1).await, ["one"]);
    log.forget_before(4);
    assert!(reader.next(9).now_or_never().is_none());
    assert_eq!(log.place("a"), 1, "the first record is under way");
    log.append("four");
    assert_eq!(next(&mut reader, 9).await, ["four"]);
    log.append("five");
    log.forget_before(6);
    assert!(reader.next(9).now_or_never().is_none());
    reader.commit(0, 2).await.unwrap();
    assert_eq!(log.place("a"), 2, "the fourth record is under way");
    reader.commit(0, 5).await.unwrap();
    assert_eq!((view.lag("a"), log.place("a")), (0, 6));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_log_skips_records() {
    let log = log_of(&["one"]);
    let view = open(&log).await;
    let mut reader = view.subscribe("a").unwrap();
    log.set_broken(true);
    assert!(reader.next(9).await.unwrap_err().retryable());
    assert!(View::open(log.clone(), &["a"]).await.is_err());
    log.set_broken(false);
    assert_eq!(next(&mut reader, 9).await, ["one"]);
    log.set_broken(true);
    assert!(reader.commit(0, 2).await.unwrap_err().retryable());
    assert_eq!(view.lag("a"), 1);
    log.set_broken(false);
    reader.commit(0, 2).await.unwrap();
    assert_eq!((view.lag("a"), log.place("a")), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_group_or_partition_goes_unnoticed() {
    let view = open(&log_of(&["one"])).await;
    assert!(view.subscribe("c").is_err());
    assert!(!view.subscribe("a").unwrap().commit(1, 2).await.unwrap_err().retryable());
}
