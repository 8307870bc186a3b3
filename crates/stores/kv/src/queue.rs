//! The way from the writers to the committer: one queue, bounded in bytes, first come first judged.
//!
//! A writer waits for room first and queues second; one that is dropped while it waits has written nothing, one that is
//! dropped later has written all the same.

use std::sync::{Condvar, Mutex, MutexGuard};

use tokio::sync::{Semaphore, oneshot};

use crate::batch::Batch;
use crate::write;

pub(crate) type Reply = oneshot::Sender<Result<(), write::Error>>;

/// A batch on its way, and who waits for it.
pub(crate) struct Job {
    pub(crate) batch: Batch,
    pub(crate) reply: Reply,
    /// Bytes of room it takes until it is durable.
    pub(crate) room: u32,
}

/// Why no more is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Failed,
}

#[derive(Default)]
struct State {
    jobs: Vec<Job>,
    idle: bool,
    end: Option<End>,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    room: Semaphore,
    room_max: u32,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let room_max = u32::try_from(bytes_max).unwrap_or(u32::MAX);
        let room = Semaphore::new(room_max as usize);
        Self { state: Mutex::default(), filled: Condvar::new(), room, room_max }
    }

    /// Queues a batch once there is room for it.
    pub(crate) async fn push(
        &self,
        batch: Batch,
    ) -> Result<oneshot::Receiver<Result<(), write::Error>>, write::Error> {
        let room = u32::try_from(batch.size_bytes()).ok().filter(|bytes| *bytes <= self.room_max);
        let room = room.ok_or(write::Error::Limit("more bytes than the queue holds"))?;
        let permit = self.room.acquire_many(room).await.map_err(|_| self.refusal())?;
        let (reply, answer) = oneshot::channel();
        let mut state = self.lock();
        if state.end.is_some() {
            drop(state);
            return Err(self.refusal());
        }
        permit.forget();
        state.jobs.push(Job { batch, reply, room });
        if std::mem::take(&mut state.idle) {
            self.filled.notify_one();
        }
        Ok(answer)
    }

    /// All that is queued, into an empty vector; waits for it. False: closed, and nothing is left.
    pub(crate) fn take(&self, jobs: &mut Vec<Job>) -> bool {
        let mut state = self.lock();
        loop {
            if !state.jobs.is_empty() {
                std::mem::swap(jobs, &mut state.jobs);
                return true;
            }
            if state.end.is_some() {
                return false;
            }
            state.idle = true;
            state = self.filled.wait(state).expect(UNPOISONED);
        }
    }

    /// Gives room back.
    pub(crate) fn release(&self, room: usize) {
        self.room.add_permits(room);
    }

    /// Takes no more; what is queued is still written. Again: nothing.
    pub(crate) fn close(&self) {
        self.end(End::Closed);
    }

    /// Takes no more, and tells those who are queued that it has failed.
    pub(crate) fn fail(&self) {
        self.end(End::Failed);
        let jobs = std::mem::take(&mut self.lock().jobs);
        for job in jobs {
            let _gone = job.reply.send(Err(write::Error::Failed));
        }
    }

    /// Why nothing more is taken; the answer also of a reply that never came.
    pub(crate) fn refusal(&self) -> write::Error {
        match self.lock().end {
            Some(End::Closed) => write::Error::Closed,
            // without an end it is the committer that is gone
            Some(End::Failed) | None => write::Error::Failed,
        }
    }

    /// Batches queued and not yet taken, and bytes queued or in flight.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let bytes = (self.room_max as usize).saturating_sub(self.room.available_permits());
        (self.lock().jobs.len(), bytes)
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        if state.end != Some(End::Failed) {
            state.end = Some(end);
        }
        drop(state);
        self.room.close();
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect(UNPOISONED)
    }
}

const UNPOISONED: &str = "nothing panics while it holds the queue's lock";
