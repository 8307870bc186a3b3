//! The handle: open, write, close.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::batch::Batch;
use crate::committer::{Commit, Committer, Shared};
use crate::engine::Engine;
use crate::options::{JOURNAL_BYTES_MIN, Options};
use crate::queue::Queue;
use crate::snapshot::Snapshot;
use crate::space::{self, Id, Space};
use crate::stats::{Counters, Stats};
use crate::{engine, folder, journal, open, write};

/// The space in which the store keeps the next offset of each space that is appended to.
pub(crate) const OFFSETS: &str = "kv.offsets";

/// An open store. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Kv(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    options: Options,
    number: u32,
    committer: Mutex<Option<JoinHandle<()>>>,
    done: watch::Receiver<bool>,
}

impl Kv {
    /// Opens the store in `dir`, or makes one. Blocks while the journals are read back: about a second for 100 MB of
    /// them, and so at most a few.
    ///
    /// # Errors
    /// See [`open::Error`]; the folder is left as it was, but for a torn last record.
    pub fn open(dir: &Path, options: Options) -> Result<Self, open::Error> {
        Self::open_with(dir, options, Box::new(fjall::OwnedWriteBatch::commit))
    }

    pub(crate) fn open_with(dir: &Path, options: Options, commit: Commit) -> Result<Self, open::Error> {
        check(dir, &options)?;
        let folder = folder::Folder::claim(dir, |path| {
            engine::open(path, &options).map(drop).map_err(|e| open::Error::engine(dir, e))
        })?;
        journal::verify(dir, folder.engine())?;
        let db = engine::open(folder.engine(), &options).map_err(|e| open::Error::engine(dir, e))?;
        let number = next_number();
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            engine: Arc::new(Engine::new(db, folder.into_lock())),
            queue: Queue::new(options.queue_bytes_max),
            spaces: RwLock::default(),
            counters: Counters::default(),
        });
        let offsets =
            add_space(&shared, number, OFFSETS, &options).map_err(|e| open::Error::engine(dir, e))?;
        let (finished, done) = watch::channel(false);
        let limit = options.batch_bytes_max;
        let committer =
            Committer::new(shared.clone(), offsets, options.on_fatal.clone(), limit, commit, finished);
        let thread = std::thread::Builder::new()
            .name("kv-committer".to_owned())
            .spawn(move || committer.run())
            .map_err(|e| open::Error::io(dir, e))?;
        tracing::info!(dir = %dir.display(), journals = shared.engine.db.journal_count(), "store opened");
        Ok(Self(Arc::new(Inner { shared, options, number, committer: Mutex::new(Some(thread)), done })))
    }

    /// The space of this name, which is created if it is not there. Blocks for some fsyncs when it is created.
    ///
    /// # Errors
    /// When the name is not one, or the disk fails.
    pub fn space(&self, name: &'static str) -> Result<Space, space::Error> {
        if name.is_empty() || name.len() > 255 || name.starts_with("kv.") {
            return Err(space::Error::Name(name));
        }
        Ok(add_space(&self.0.shared, self.0.number, name, &self.0.options)?)
    }

    /// Queues the batch and waits until it is durable. Batches are judged in the order in which they were queued; those
    /// of one task are in its order. Waits first while `queue_bytes_max` is reached.
    ///
    /// Dropping the future does not undo the write: before it was queued nothing happens, after that all of it.
    ///
    /// # Errors
    /// See [`write::Error`]; but for `Failed` nothing was written.
    pub async fn write(&self, batch: Batch) -> Result<(), write::Error> {
        batch.check()?;
        let queue = &self.0.shared.queue;
        let answer = queue.push(batch).await?;
        answer.await.unwrap_or_else(|_| Err(queue.refusal()))
    }

    /// Takes no more writes, makes durable what is queued, and waits for the committer's end. Again: only waits. Reads go
    /// on; the folder is free for another when the last `Kv` and [`Space`] of it is dropped.
    pub async fn close(&self) {
        self.0.shared.queue.close();
        let mut done = self.0.done.clone();
        // an error means that the committer is gone, which is what is waited for
        let _gone = done.wait_for(|done| *done).await;
        self.0.join();
    }

    /// One state of all spaces together: what is durable now. The committer goes on and does not wait.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.0.shared.clone(), self.0.options.clone())
    }

    /// The counters and gauges of now.
    pub fn stats(&self) -> Stats {
        let shared = &self.0.shared;
        let (queue_batches, queue_bytes) = shared.queue.depth();
        let journals = shared.engine.db.journal_count();
        let spaces = shared.spaces.read().expect(UNPOISONED);
        let table_bytes = spaces.iter().map(|space| space.keyspace().disk_space()).sum();
        Stats { queue_batches, queue_bytes, journals, table_bytes, ..shared.counters.read() }
    }
}

impl std::fmt::Debug for Kv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kv").field("dir", &self.0.shared.dir).finish()
    }
}

impl Inner {
    fn join(&self) {
        let thread = self.committer.lock().expect("nothing panics while it holds the committer").take();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            // its panic was reported where it happened
            let _panic = thread.join();
        }
    }
}

impl Drop for Inner {
    /// What is queued is still written.
    fn drop(&mut self) {
        self.shared.queue.close();
        self.join();
    }
}

fn check(dir: &Path, options: &Options) -> Result<(), open::Error> {
    let what = if options.journal_bytes_max < JOURNAL_BYTES_MIN {
        "journal_bytes_max is below 64 MiB"
    } else if options.workers == 0 {
        "workers is 0"
    } else if options.queue_bytes_max == 0 {
        "queue_bytes_max is 0"
    } else {
        return Ok(());
    };
    Err(open::Error::Options { dir: dir.to_owned(), what })
}

/// The number of an opened store, by which its spaces are told from those of another in the same process.
fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

const UNPOISONED: &str = "nothing panics while it holds the list of spaces";

fn add_space(
    shared: &Shared,
    number: u32,
    name: &'static str,
    options: &Options,
) -> Result<Space, fjall::Error> {
    let mut spaces = shared.spaces.write().expect(UNPOISONED);
    if let Some(space) = spaces.iter().find(|space| space.name() == name) {
        return Ok(space.clone());
    }
    let keyspace = shared.engine.db.keyspace(name, || engine::space_options(options))?;
    let index = u32::try_from(spaces.len()).expect("there are fewer spaces than names in the program");
    let space = Space::new(Id { store: number, index }, name, keyspace, shared.engine.clone());
    spaces.push(space.clone());
    Ok(space)
}
