//! Follows `entries`: notes each message for the members that are absent and do not have it.
//!
//! A batch is asked about, noted, and then committed. A step that failed is done again with the same batch, which is
//! harmless.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Consumer, Message};
use domain::{Entry, Mark, UserId};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::decide;
use crate::service::{GROUP, Inner};
use crate::steps::{Failure, Steps};

/// Entries taken at once: with the largest texts 16 MiB. Each batch is one fsync, for where the feed was read to.
const BATCH_MAX: usize = 1_024;

/// Questions under way at once.
const QUESTIONS_MAX: usize = 16;

/// The follower of `entries`.
pub(crate) struct Entries {
    inner: Arc<Inner>,
    consumer: Box<dyn Consumer<Arc<Entry>>>,
    /// Taken, not committed.
    batch: Vec<Message<Arc<Entry>>>,
}

impl Entries {
    pub(crate) fn subscribe(inner: Arc<Inner>) -> Result<Self, bus::Error> {
        let consumer = inner.parts.entries.subscribe(GROUP)?;
        Ok(Self { inner, consumer, batch: vec![] })
    }

    async fn note(&mut self) -> Result<(), Failure> {
        let entries = self.batch.iter().map(|message| Arc::clone(&message.record));
        self.inner.while_following.open();
        let mut answers = stream::iter(decide::questions(entries))
            .map(|entry| absent(Arc::clone(&self.inner), entry))
            .buffered(QUESTIONS_MAX);
        let mut rows = vec![];
        while let Some(answer) = answers.next().await {
            let (entry, absent) = answer?;
            rows.extend(decide::noted(&entry, absent));
        }
        self.inner.note(decide::newest(rows), &self.inner.while_following).await
    }

    async fn commit(&mut self) -> Result<(), bus::Error> {
        let finished: BTreeMap<u32, u64> =
            self.batch.iter().map(|message| (message.partition, message.offset + 1)).collect();
        for (partition, offset) in finished {
            self.inner.parts.fail.hit("before_feed_commit");
            self.consumer.commit(partition, offset).await?;
        }
        self.batch.clear();
        Ok(())
    }
}

impl Steps for Entries {
    async fn step(&mut self) -> Result<(), Failure> {
        if self.batch.is_empty() {
            self.batch = self.consumer.next(BATCH_MAX).await?;
            self.inner.parts.fail.hit("after_feed_read");
        }
        let began = Instant::now();
        let noted = self.note().await;
        self.inner.meters.batches.record(began.elapsed());
        if noted.as_ref().is_err_and(Failure::retryable) {
            return noted;
        }
        self.inner.meters.entries.increment(self.batch.len() as u64);
        self.commit().await?;
        noted
    }
}

/// Who misses an entry. A question that cannot be answered is passed over.
async fn absent(inner: Arc<Inner>, entry: Arc<Entry>) -> Result<(Arc<Entry>, Vec<(UserId, Mark)>), Failure> {
    let answer = inner.parts.absence.absent(&entry).await.map_err(Failure::from);
    match answer {
        Ok(absent) => Ok((entry, absent)),
        Err(failure) if failure.retryable() => Err(failure),
        Err(failure) => {
            let (conversation, position) = (entry.conversation, entry.position);
            tracing::error!(%failure, %conversation, %position, "an entry is noted for nobody");
            Ok((entry, vec![]))
        }
    }
}
