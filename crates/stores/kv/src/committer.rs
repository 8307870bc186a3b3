//! The one thread that writes: it judges what is queued, commits it with one fsync, and answers.
//!
//! Nobody is answered before the commit, not even with a conflict: what the conflict was judged by may be in this very
//! group, and whoever is told of it may act on it.
//!
//! Its failure, and a panic in it, end the process through the store's [`fatal::Handler`]; `Kv` waits for its end.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Instant;

use tokio::sync::watch;

use crate::engine::{self, Engine};
use crate::fatal::{self, Failure};
use crate::group::Group;
use crate::queue::{Job, Queue, Reply};
use crate::space::Space;
use crate::stats::Counters;
use crate::write;

/// How a batch of the engine is made durable. A seam for the tests, which fail or hold it.
pub(crate) type Commit = Box<dyn FnMut(fjall::OwnedWriteBatch) -> fjall::Result<()> + Send>;

/// What the committer shares with the handles.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) engine: Arc<Engine>,
    pub(crate) queue: Queue,
    pub(crate) spaces: RwLock<Vec<Space>>,
    pub(crate) counters: Counters,
}

pub(crate) struct Committer {
    shared: Arc<Shared>,
    on_fatal: fatal::Handler,
    commit: Commit,
    batch_bytes_max: usize,
    group: Group,
    answers: Vec<(Reply, Result<(), write::Error>)>,
    bytes: usize,
    done: watch::Sender<bool>,
}

impl Committer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        offsets: Space,
        on_fatal: fatal::Handler,
        batch_bytes_max: usize,
        commit: Commit,
        done: watch::Sender<bool>,
    ) -> Self {
        let group = Group::new(offsets);
        Self { shared, on_fatal, commit, batch_bytes_max, group, answers: Vec::new(), bytes: 0, done }
    }

    /// Runs until the queue is closed and empty, or a commit fails.
    pub(crate) fn run(mut self) {
        let mut jobs = Vec::new();
        while self.shared.queue.take(&mut jobs) {
            let mut taken = jobs.drain(..);
            while let Some(job) = taken.next() {
                self.judge(job);
                if self.bytes < self.batch_bytes_max && taken.len() > 0 {
                    continue;
                }
                if let Err(error) = self.commit() {
                    let rest = taken.collect();
                    self.fail(&Failure::of_commit(self.shared.dir.clone(), &error), rest);
                    return;
                }
            }
        }
    }

    fn judge(&mut self, job: Job) {
        self.learn_spaces();
        self.bytes += job.room as usize;
        let verdict = self.group.judge(job.batch);
        if matches!(verdict, Err(write::Error::Conflict { .. })) {
            self.shared.counters.conflicted();
        }
        self.answers.push((job.reply, verdict));
    }

    fn commit(&mut self) -> fjall::Result<()> {
        let rows = self.group.rows();
        let started = Instant::now();
        if rows > 0 {
            if engine::wait_until_caught_up(&self.shared.engine.db, self.group.spaces())? {
                self.shared.counters.stalled(started.elapsed());
            }
            let started = Instant::now();
            let mut batch = engine::durable_batch(&self.shared.engine.db, rows);
            self.group.drain_into(&mut batch);
            (self.commit)(batch)?;
            let batches = self.answers.iter().filter(|(_, verdict)| verdict.is_ok()).count();
            self.shared.counters.committed(batches, rows, self.bytes, started.elapsed());
        } else {
            self.group.forget();
        }
        self.answer();
        Ok(())
    }

    fn answer(&mut self) {
        self.shared.queue.release(std::mem::take(&mut self.bytes));
        for (reply, verdict) in self.answers.drain(..) {
            // whoever has gone does not want to know; it is written all the same
            let _gone = reply.send(verdict);
        }
    }

    fn fail(&mut self, failure: &Failure, rest: Vec<Job>) {
        self.on_fatal.call(failure);
        self.shared.queue.fail();
        let unanswered = self.answers.drain(..).map(|(reply, _)| reply);
        for reply in unanswered.chain(rest.into_iter().map(|job| job.reply)) {
            let _gone = reply.send(Err(write::Error::Failed));
        }
    }

    fn learn_spaces(&mut self) {
        let spaces = self.shared.spaces.read().expect("nothing panics while it holds the list of spaces");
        if spaces.len() > self.group.known() {
            self.group.learn(&spaces);
        }
    }
}

impl Drop for Committer {
    /// The end of the thread, whatever its reason.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fail(&Failure::of_panic(self.shared.dir.clone()), Vec::new());
        }
        self.done.send_replace(true);
    }
}
