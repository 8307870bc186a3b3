//! The stored outbox in a thread of its own, because fsync blocks: what waits is made durable together.

use std::io;
use std::thread::JoinHandle;

use domain::ClientId;
use tokio::sync::mpsc::error::TrySendError;
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
    queued: Queued,
    reply: Reply,
    result: io::Result<()>,
}

impl Stored {
    /// Tells whoever asked; gives the message back if it is durable.
    pub(super) fn tell(self) -> Option<Queued> {
        let Self { queued, reply, result } = self;
        let durable = result.is_ok();
        // Whoever asked may have gone; the message is in the outbox all the same.
        drop(reply.send(result.map(|()| queued.client_id).map_err(Error::Storage)));
        durable.then_some(queued)
    }
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

    /// Puts a message in; it comes back in `stored`. `false` if it was refused, since the disk does not keep up with those
    /// that are `waiting` or the thread is gone; whoever asked was told.
    pub(super) fn append(&self, queued: Queued, reply: Reply, waiting: usize) -> bool {
        let (job, error) = match self.jobs.try_send(Job::Append(queued, reply)) {
            Ok(()) => return true,
            Err(TrySendError::Full(job)) => (job, Error::OutboxFull(waiting)),
            Err(TrySendError::Closed(job)) => (job, io::Error::other("the outbox's thread ended").into()),
        };
        if let Job::Append(_, reply) = job {
            drop(reply.send(Err(error)));
        }
        false
    }

    /// Takes a message out. If the disk does not keep up it stays: the next process sends it again, as the same message.
    pub(super) fn remove(&self, client_id: ClientId) {
        drop(self.jobs.try_send(Job::Remove(client_id)));
    }

    /// Ends the thread once it has done everything, and tells whoever waits for a message what became of it.
    pub(super) async fn close(self) {
        let Self { jobs, mut stored, thread } = self;
        drop(jobs);
        while let Some(stored) = stored.recv().await {
            stored.tell();
        }
        // A panic of the thread was printed; there is nothing to add.
        drop(tokio::task::spawn_blocking(move || thread.join()).await);
    }
}

fn work(mut outbox: Box<dyn Outbox>, mut todo: mpsc::Receiver<Job>, done: &mpsc::Sender<Stored>) {
    let mut jobs = Vec::new();
    while todo.blocking_recv_many(&mut jobs, BATCH_MAX) > 0 {
        for stored in make_durable(&mut *outbox, jobs.drain(..)) {
            drop(done.blocking_send(stored));
        }
    }
}

/// Does these together: the messages among them are durable all, or none is said to be. After an error of any job nothing
/// is known of what was not synced before, so what cannot be removed fails those beside it, too.
fn make_durable(outbox: &mut dyn Outbox, jobs: impl Iterator<Item = Job>) -> Vec<Stored> {
    let (mut batch, mut failed) = (Vec::new(), None);
    for job in jobs {
        let done = match job {
            Job::Append(queued, reply) => {
                let done = outbox.append(&queued);
                batch.push((queued, reply));
                done
            }
            // What cannot be removed is sent again by the next process, and is the same message.
            Job::Remove(client_id) => outbox.remove(client_id),
        };
        failed = failed.or(done.err());
    }
    if !batch.is_empty() {
        failed = failed.or_else(|| outbox.sync().err());
    }
    if failed.is_some() {
        // Who is told that a message is not in the outbox may write it anew: it is not to be sent as well. If this fails,
        // it may be.
        batch.iter().for_each(|(queued, _)| drop(outbox.remove(queued.client_id)));
    }
    let result =
        || failed.as_ref().map_or(Ok(()), |error| Err(io::Error::new(error.kind(), error.to_string())));
    batch.into_iter().map(|(queued, reply)| Stored { queued, reply, result: result() }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use domain::{Content, ConversationId, Region, UserId};

    use super::*;
    use crate::storage::MemoryOutbox;

    /// An outbox that loses what was gathered when a removal cannot be written, as one in a file does.
    #[derive(Default)]
    struct FullDisk {
        gathered: Vec<Queued>,
        durable: MemoryOutbox,
    }

    impl Outbox for FullDisk {
        fn load(&mut self) -> io::Result<Vec<Queued>> {
            self.durable.load()
        }

        fn append(&mut self, queued: &Queued) -> io::Result<()> {
            self.gathered.push(queued.clone());
            Ok(())
        }

        fn remove(&mut self, _: ClientId) -> io::Result<()> {
            self.gathered.clear();
            Err(io::ErrorKind::StorageFull.into())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.gathered.drain(..).try_for_each(|queued| self.durable.append(&queued))
        }
    }

    fn queued(n: u8) -> Queued {
        let user = UserId::new(Region::ONLY, [1; 15]);
        Queued {
            conversation: ConversationId::Own(user),
            client_id: ClientId::new(u64::from(n), [n; 10]),
            body: Content::message("x").to_body(),
        }
    }

    fn append(n: u8) -> Job {
        Job::Append(queued(n), oneshot::channel().0)
    }

    #[test]
    fn a_message_is_said_to_be_durable_that_a_failed_removal_beside_it_lost() {
        let mut outbox = FullDisk::default();
        let batch = [append(1), Job::Remove(queued(9).client_id)];
        let stored = make_durable(&mut outbox, batch.into_iter());
        assert_eq!(outbox.load().unwrap(), [], "it is not on the disk");
        let kinds: Vec<_> = stored.into_iter().map(|one| one.result.map_err(|error| error.kind())).collect();
        assert_eq!(kinds, [Err(io::ErrorKind::StorageFull)]);
        let next = make_durable(&mut outbox, [append(2)].into_iter());
        assert!(next[0].result.is_ok(), "the next batch stands for itself");
        assert_eq!(outbox.load().unwrap(), [queued(2)]);
    }

    #[test]
    fn a_message_that_was_said_to_have_failed_is_sent_all_the_same() {
        /// Its fsync fails, once.
        struct Flaky(MemoryOutbox, bool);
        impl Outbox for Flaky {
            fn load(&mut self) -> io::Result<Vec<Queued>> {
                self.0.load()
            }
            fn append(&mut self, queued: &Queued) -> io::Result<()> {
                self.0.append(queued)
            }
            fn remove(&mut self, client_id: ClientId) -> io::Result<()> {
                self.0.remove(client_id)
            }
            fn sync(&mut self) -> io::Result<()> {
                if std::mem::take(&mut self.1) { Err(io::Error::other("no fsync")) } else { Ok(()) }
            }
        }
        let mut outbox = Flaky(MemoryOutbox::default(), true);
        let stored = make_durable(&mut outbox, [append(1), append(2)].into_iter());
        assert!(stored.iter().all(|one| one.result.is_err()));
        assert_eq!(outbox.load().unwrap(), []);
    }

    #[tokio::test]
    async fn a_message_that_is_durable_is_said_to_be_closed_out() {
        let store = Store::start(Box::new(MemoryOutbox::default()), 4).unwrap();
        let (reply, told) = oneshot::channel();
        assert!(store.append(queued(1), reply, 0));
        store.close().await;
        assert_eq!(told.await.unwrap().unwrap(), queued(1).client_id);
    }

    #[tokio::test]
    async fn a_disk_that_does_not_keep_up_is_taken_for_a_closed_client() {
        /// Its fsync says that it began, and waits for word to go on.
        struct Slow(SyncSender<()>, Receiver<()>);
        impl Outbox for Slow {
            fn load(&mut self) -> io::Result<Vec<Queued>> {
                Ok(Vec::new())
            }
            fn append(&mut self, _: &Queued) -> io::Result<()> {
                Ok(())
            }
            fn remove(&mut self, _: ClientId) -> io::Result<()> {
                Ok(())
            }
            fn sync(&mut self) -> io::Result<()> {
                self.0.send(()).map_err(io::Error::other)?;
                self.1.recv().map_err(io::Error::other)
            }
        }
        let (begins, begun) = sync_channel(4);
        let (go_on, waits) = sync_channel(4);
        let store = Store::start(Box::new(Slow(begins, waits)), 1).unwrap();
        assert!(store.append(queued(1), oneshot::channel().0, 0));
        begun.recv().unwrap();
        (2..4).for_each(|n| assert!(store.append(queued(n), oneshot::channel().0, 1)));
        let (reply, told) = oneshot::channel();
        assert!(!store.append(queued(4), reply, 3));
        assert!(matches!(told.await.unwrap(), Err(Error::OutboxFull(3))));
        drop(go_on);
        store.close().await;
    }
}
