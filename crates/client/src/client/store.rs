//! The stored outbox in a thread of its own, because fsync blocks: what waits is made durable together.

use std::io;
use std::thread::JoinHandle;

use domain::ClientId;
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::storage::{Outbox, Queued};

/// Whom to tell that a message is in the outbox.
pub(super) type Reply = oneshot::Sender<Result<ClientId, Error>>;

enum Job {
    Append(Queued, Reply),
    Remove(ClientId),
}

/// A message that is durable now, or could not be made so.
pub(super) struct Stored {
    pub(super) queued: Queued,
    pub(super) reply: Reply,
    pub(super) result: io::Result<()>,
}

/// The handle of the thread.
pub(super) struct Store {
    jobs: mpsc::Sender<Job>,
    pub(super) stored: mpsc::Receiver<Stored>,
    thread: JoinHandle<()>,
}

/// Jobs that are made durable together.
const BATCH_MAX: usize = 256;

impl Store {
    /// Starts the thread, for an outbox of at most `outbox_max`.
    pub(super) fn start(outbox: Box<dyn Outbox>, outbox_max: usize) -> io::Result<Self> {
        // Each message is appended once and removed once.
        let (jobs, todo) = mpsc::channel(2 * outbox_max.max(1));
        let (done, stored) = mpsc::channel(outbox_max.max(1));
        let thread =
            std::thread::Builder::new().name("outbox".to_owned()).spawn(move || work(outbox, todo, &done))?;
        Ok(Self { jobs, stored, thread })
    }

    /// Puts a message in; it comes back in `stored`. `false` if the disk does not keep up.
    pub(super) fn append(&self, queued: Queued, reply: Reply) -> bool {
        // A reply that is dropped tells whoever asked that it did not happen.
        self.jobs.try_send(Job::Append(queued, reply)).is_ok()
    }

    /// Takes a message out. If the disk does not keep up it stays: the next process sends it again, as the same message.
    pub(super) fn remove(&self, client_id: ClientId) {
        drop(self.jobs.try_send(Job::Remove(client_id)));
    }

    /// Ends the thread once it has done everything.
    pub(super) async fn close(self) {
        drop((self.jobs, self.stored));
        let thread = self.thread;
        // A panic of the thread was printed; there is nothing to add.
        drop(tokio::task::spawn_blocking(move || thread.join()).await);
    }
}

fn work(mut outbox: Box<dyn Outbox>, mut todo: mpsc::Receiver<Job>, done: &mpsc::Sender<Stored>) {
    let mut jobs = Vec::new();
    while todo.blocking_recv_many(&mut jobs, BATCH_MAX) > 0 {
        let mut waiting = Vec::new();
        for job in jobs.drain(..) {
            match job {
                Job::Append(queued, reply) => {
                    let result = outbox.append(&queued);
                    waiting.push(Stored { queued, reply, result });
                }
                // What cannot be removed is sent again by the next process, and is the same message.
                Job::Remove(client_id) => drop(outbox.remove(client_id)),
            }
        }
        if waiting.is_empty() {
            continue;
        }
        let failed = outbox.sync().err();
        for mut one in waiting {
            if let (Ok(()), Some(error)) = (&one.result, &failed) {
                one.result = Err(io::Error::new(error.kind(), error.to_string()));
            }
            drop(done.blocking_send(one));
        }
    }
}
