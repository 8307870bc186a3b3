//! A topic that is a view of a durable log: one partition, nothing copied, and the readers' places durable in the log.
//!
//! The newest of a group's consumers reads only once the older ones are gone: one partition has one owner. A group's
//! first consumer goes on where the group's commits stand in the log, also after a crash.
//!
//! Deliberately absent: publishing. What is in the log is in the topic.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::PortError;
use tokio::sync::watch;

use crate::{Consumer, Error, Message, Source};

/// The only partition of a view.
pub const PARTITION: u32 = 0;

/// A durable log of records at growing offsets from 1, which also keeps its readers' places.
#[async_trait]
pub trait Log<R>: Send + Sync + 'static {
    /// Records with their offsets, from `from` on, oldest first, at most `max`; empty if there are none.
    async fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, R)>, PortError>;

    /// The newest offset that can be read; 0 while there is none.
    fn newest(&self) -> u64;

    /// Waits until there is something beyond `offset`.
    async fn beyond(&self, offset: u64);

    /// The first offset that `reader` has not finished; 1 for a new one.
    async fn position(&self, reader: &str) -> Result<u64, PortError>;

    /// `reader` has finished everything before `offset`. Never goes back.
    async fn finish(&self, reader: &str, offset: u64) -> Result<(), PortError>;
}

/// A log as a topic.
#[derive(Debug)]
pub struct View<R, L> {
    shared: Arc<Shared<L>>,
    record: PhantomData<fn() -> R>,
}

#[derive(Debug)]
struct Shared<L> {
    log: L,
    groups: Vec<Group>,
    last_id: AtomicU64,
    closed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Group {
    name: &'static str,
    /// The first offset that is not finished: what the log keeps, or is about to.
    finished: AtomicU64,
    /// The group's consumers, oldest first: the first one reads.
    line: watch::Sender<Vec<u64>>,
}

impl<R: Send + 'static, L: Log<R>> View<R, L> {
    /// The view of `log` for these groups, each where the log says it stands.
    pub async fn open(log: L, groups: &[&'static str]) -> Result<Self, PortError> {
        let mut opened = vec![];
        for name in groups {
            let finished = AtomicU64::new(log.position(name).await?);
            opened.push(Group { name, finished, line: watch::Sender::default() });
        }
        let shared =
            Shared { log, groups: opened, last_id: AtomicU64::new(0), closed: watch::Sender::default() };
        Ok(Self { shared: Arc::new(shared), record: PhantomData })
    }

    /// Consumers are given what the log holds, and are then told that the topic is closed.
    pub fn close(&self) {
        self.shared.closed.send_replace(true);
    }

    fn group(&self, name: &str) -> Option<usize> {
        self.shared.groups.iter().position(|group| group.name == name)
    }
}

impl<R: Send + 'static, L: Log<R>> Source<R> for View<R, L> {
    fn subscribe(&self, group: &'static str) -> Result<Box<dyn Consumer<R>>, Error> {
        let number = self
            .group(group)
            .ok_or_else(|| PortError::lasting("bus view", format!("the group `{group}` was not declared")))?;
        let shared = Arc::clone(&self.shared);
        let id = shared.last_id.fetch_add(1, Ordering::Relaxed);
        let line = &shared.groups[number].line;
        line.send_modify(|line| line.push(id));
        let (turn, closed) = (line.subscribe(), shared.closed.subscribe());
        Ok(Box::new(ViewConsumer { shared, group: number, id, turn, closed, next: None, forgotten: None }))
    }

    /// Counts offsets: an upper bound when the log has forgotten some of them.
    fn lag(&self, group: &str) -> u64 {
        let finished =
            self.group(group).map(|number| self.shared.groups[number].finished.load(Ordering::Acquire));
        finished.map_or(0, |finished| (self.shared.log.newest() + 1).saturating_sub(finished))
    }
}

/// A consumer of a [`View`].
struct ViewConsumer<L> {
    shared: Arc<Shared<L>>,
    group: usize,
    id: u64,
    turn: watch::Receiver<Vec<u64>>,
    closed: watch::Receiver<bool>,
    /// The next offset to read; `None` until it is this consumer's turn.
    next: Option<u64>,
    /// A stretch of offsets, from one and before another, that the log has forgotten before they were read: finished once all before it
    /// is.
    forgotten: Option<(u64, u64)>,
}

impl<L> ViewConsumer<L> {
    fn group(&self) -> &Group {
        &self.shared.groups[self.group]
    }

    /// Waits until the group's older consumers are gone; gives where to go on.
    async fn my_turn(&mut self) -> Result<u64, Error> {
        if let Some(next) = self.next {
            return Ok(next);
        }
        let id = self.id;
        tokio::select! {
            biased;
            _ = self.turn.wait_for(|line| line.first() == Some(&id)) => {}
            _ = self.closed.wait_for(|closed| *closed) => return Err(Error::Closed),
        }
        let next = self.group().finished.load(Ordering::Acquire);
        self.next = Some(next);
        Ok(next)
    }

    /// Nothing from `from` on, up to `newest`, is kept any more: goes on after it.
    async fn skip<R>(&mut self, from: u64, newest: u64) -> Result<u64, Error>
    where
        L: Log<R>,
    {
        tracing::warn!(group = self.group().name, from, newest, "the log has forgotten what was not read");
        let first = self.forgotten.filter(|(_, to)| *to == from).map_or(from, |(first, _)| first);
        self.forgotten = Some((first, newest + 1));
        if self.group().finished.load(Ordering::Acquire) == first {
            self.finish(first).await?;
        }
        self.next = Some(newest + 1);
        Ok(newest + 1)
    }

    async fn finish<R>(&mut self, offset: u64) -> Result<(), Error>
    where
        L: Log<R>,
    {
        let offset = match self.forgotten {
            Some((from, to)) if from <= offset => offset.max(to),
            _ => offset,
        };
        self.shared.log.finish(self.group().name, offset).await?;
        self.group().finished.fetch_max(offset, Ordering::AcqRel);
        self.forgotten = self.forgotten.filter(|(_, to)| *to > offset);
        Ok(())
    }
}

#[async_trait]
impl<R: Send + 'static, L: Log<R>> Consumer<R> for ViewConsumer<L> {
    async fn next(&mut self, max: usize) -> Result<Vec<Message<R>>, Error> {
        let mut from = self.my_turn().await?;
        loop {
            let newest = self.shared.log.newest();
            if from > newest {
                tokio::select! {
                    biased;
                    () = self.shared.log.beyond(from - 1) => {}
                    _ = self.closed.wait_for(|closed| *closed) => return Err(Error::Closed),
                }
                continue;
            }
            let records = self.shared.log.read(from, max.max(1)).await?;
            match records.last() {
                Some((last, _)) => self.next = Some(last + 1),
                None => {
                    from = self.skip(from, newest).await?;
                    continue;
                }
            }
            let message = |(offset, record)| Message { partition: PARTITION, offset, record };
            return Ok(records.into_iter().map(message).collect());
        }
    }

    async fn commit(&mut self, partition: u32, offset: u64) -> Result<(), Error> {
        if partition != PARTITION {
            Err(PortError::lasting("bus view", format!("there is no partition {partition}")))?;
        }
        self.finish(offset).await
    }
}

impl<L> Drop for ViewConsumer<L> {
    fn drop(&mut self) {
        let id = self.id;
        self.shared.groups[self.group].line.send_modify(|line| line.retain(|other| *other != id));
    }
}
