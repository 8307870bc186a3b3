//! One reader of a topic in memory: takes whole batches under the lock, and waits outside of it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::state::Taken;
use super::{Topic, misuse};
use crate::{Consumer, Error, Message, Record};

/// A consumer of a [`Topic`]. Dropping it gives what it has not committed to its group's others.
pub(super) struct TopicConsumer<R: Record> {
    topic: Topic<R>,
    id: u64,
    bell: Arc<Notify>,
}

impl<R: Record> TopicConsumer<R> {
    pub(super) const fn new(topic: Topic<R>, id: u64, bell: Arc<Notify>) -> Self {
        Self { topic, id, bell }
    }

    fn take(&self, max: usize) -> Taken<R> {
        self.topic.lock().take(self.id, max.max(1))
    }
}

#[async_trait]
impl<R: Record> Consumer<R> for TopicConsumer<R> {
    async fn next(&mut self, max: usize) -> Result<Vec<Message<R>>, Error> {
        loop {
            match self.take(max) {
                Taken::Batch(batch) => return Ok(batch),
                Taken::Closed => return Err(Error::Closed),
                // A bell that rang since the look is remembered; one that rang for nothing costs another look.
                Taken::Nothing => self.bell.notified().await,
            }
        }
    }

    async fn commit(&mut self, partition: u32, offset: u64) -> Result<(), Error> {
        let committed = self.topic.lock().commit(self.id, partition, offset);
        let bells = committed.ok_or_else(|| misuse::<R>(format!("not a reader of partition {partition}")))?;
        bells.ring();
        Ok(())
    }
}

impl<R: Record> Drop for TopicConsumer<R> {
    fn drop(&mut self) {
        let bells = self.topic.lock().leave(self.id);
        bells.ring();
    }
}
