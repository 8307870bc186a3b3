//! What waits to be written to one device, bounded in bytes: per session, and for all sessions of a gateway.
//!
//! What does not fit makes the session lag: what waits is dropped, one `lagged` frame stands for it, and nothing more is
//! queued until the device syncs. Nobody who pushes ever waits. A queue is also how a session's task is told things:
//! that it is registered, that it has to end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use domain::{Limits, Moment, Rejection};

use super::state::Goodbye;
use super::writing::Writing;
use crate::frames::LAGGED;

/// One session may hold at most this part of what is left for all: whoever is slow leaves room for the others (Choudhury
/// and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998).
const SHARE: usize = 1_024;

/// Bytes taken for writing at once; what is not taken yet can still be dropped.
const TAKE_BYTES: usize = 64 << 10;

/// The bytes that wait for all sessions of a gateway.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    total_max: usize,
    session_max: usize,
}

impl Budget {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self {
            used: AtomicUsize::new(0),
            total_max: limits.gateway_queue_bytes_max,
            session_max: limits.session_queue_bytes_max,
        }
    }

    /// Bytes that wait.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether so much waits that no more answers to syncs should be made, which may be large.
    pub(crate) fn is_strained(&self) -> bool {
        self.used() > self.total_max / 2
    }

    /// What one session may hold now.
    fn share(&self) -> usize {
        (self.total_max.saturating_sub(self.used()) / SHARE).min(self.session_max)
    }

    fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What became of a frame that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits to be written.
    Queued,
    /// It did not fit; the session was told that it lags.
    Lagged,
    /// The session lags, or is not live: it fetches this by itself.
    Suppressed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// Not live yet: what happens now is found by the sync that follows.
    #[default]
    Shut,
    Open,
    Lagging,
    /// Nothing more is taken.
    Closed,
}

/// What a session's task is told.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// The registration was echoed, or refused.
    pub(super) registered: Option<Result<(), Box<Rejection>>>,
    /// End.
    pub(super) goodbye: Option<Box<Goodbye>>,
    /// Look at the time.
    pub(super) tick: bool,
    /// Go without a word: the process is thought to be dead.
    pub(super) killed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// Bytes of `frames`.
    queued: usize,
    /// Bytes that were taken and are not written yet.
    taken: usize,
    /// Bytes of an answer to a sync among all these: they do not count against the session.
    answer: usize,
    /// Bytes to be written until that answer is gone.
    answer_ends: usize,
    mode: Mode,
    /// Since when it waits for the device to read.
    stuck_since: Option<Moment>,
    signals: Signals,
    waker: Option<Waker>,
}

impl Queue {
    fn push(&mut self, frame: Bytes, budget: &Budget) {
        budget.take(frame.len());
        self.queued += frame.len();
        self.frames.push_back(frame);
    }

    fn fits(&self, bytes: usize, budget: &Budget) -> bool {
        self.queued + self.taken + bytes <= budget.share() + self.answer
    }

    fn drop_frames(&mut self, budget: &Budget) {
        budget.give_back(self.queued);
        (self.frames, self.queued) = (VecDeque::new(), 0);
        self.answer_ends = self.answer_ends.min(self.taken);
    }

    fn lag(&mut self, budget: &Budget) {
        self.mode = Mode::Lagging;
        self.push(LAGGED.clone(), budget);
    }

    fn event(&mut self, frame: &Bytes, budget: &Budget, now: Moment) -> Pushed {
        if self.mode != Mode::Open {
            return Pushed::Suppressed;
        }
        if self.fits(frame.len(), budget) {
            self.push(frame.clone(), budget);
            return Pushed::Queued;
        }
        self.drop_frames(budget);
        self.lag(budget);
        self.stuck_since = Some(now);
        Pushed::Lagged
    }
}

/// The queue of one session.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Queue>);

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.lock();
        let result = change(&mut queue);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// Queues what happened: an entry, an outcome, a cursor.
    pub(crate) fn event(&self, frame: &Bytes, budget: &Budget, now: Moment) -> Pushed {
        self.change(|queue| queue.event(frame, budget, now))
    }

    /// The session missed something that was never queued. Says whether this is news.
    pub(crate) fn lag(&self, budget: &Budget) -> bool {
        self.change(|queue| {
            let news = queue.mode == Mode::Open;
            if news {
                queue.lag(budget);
            }
            news
        })
    }

    /// The registration was echoed: from here on, what happens is queued.
    pub(crate) fn open(&self) {
        self.change(|queue| {
            if queue.mode == Mode::Shut {
                queue.mode = Mode::Open;
                queue.signals.registered = Some(Ok(()));
            }
        });
    }

    /// The registration was refused.
    pub(crate) fn refuse(&self, rejection: Rejection) {
        self.change(|queue| queue.signals.registered = Some(Err(Box::new(rejection))));
    }

    /// Asks the session to end.
    pub(crate) fn end(&self, goodbye: Goodbye) {
        self.change(|queue| queue.signals.goodbye.get_or_insert(Box::new(goodbye)).as_ref().reason);
    }

    /// Asks the session to look at the time.
    pub(crate) fn tick(&self) {
        self.change(|queue| queue.signals.tick = true);
    }

    /// Lets the session go without a word.
    pub(crate) fn kill(&self) {
        self.change(|queue| queue.signals.killed = true);
    }

    /// Since when it waits for the device to read.
    pub(crate) fn stuck_since(&self) -> Option<Moment> {
        self.lock().stuck_since
    }

    /// Bytes that wait to be written, and whether the session lags.
    pub(crate) fn depth(&self) -> (usize, bool) {
        let queue = self.lock();
        (queue.queued + queue.taken, queue.mode == Mode::Lagging)
    }

    /// Answers one of the device's frames, in whatever state it is. One that does not fit makes the session lag.
    pub(super) fn answer(&self, frame: Bytes, budget: &Budget, now: Moment) -> Pushed {
        let mut queue = self.lock();
        match queue.mode {
            Mode::Open => queue.event(&frame, budget, now),
            Mode::Shut | Mode::Lagging if queue.fits(frame.len(), budget) => {
                queue.push(frame, budget);
                Pushed::Queued
            }
            Mode::Shut | Mode::Lagging | Mode::Closed => Pushed::Suppressed,
        }
    }

    /// Answers a sync. It is taken whatever waits, since a session has one under way at most.
    pub(super) fn changes(&self, frame: Bytes, budget: &Budget) {
        let mut queue = self.lock();
        if queue.mode != Mode::Closed {
            queue.answer += frame.len();
            queue.push(frame, budget);
            queue.answer_ends = queue.queued + queue.taken;
        }
    }

    /// Puts the first frame of a live session before all that waits.
    pub(super) fn welcome(&self, frame: Bytes, budget: &Budget) {
        let mut queue = self.lock();
        budget.take(frame.len());
        queue.queued += frame.len();
        queue.frames.push_front(frame);
    }

    /// The device is about to sync: what happens from here on is queued again.
    pub(super) fn resume(&self) {
        let mut queue = self.lock();
        if queue.mode == Mode::Lagging {
            queue.mode = Mode::Open;
        }
    }

    /// Queues the last frames; nothing is taken after them.
    pub(super) fn close(
        &self,
        last: impl IntoIterator<Item = Bytes>,
        budget: &Budget,
        now: Moment,
        drop_rest: bool,
    ) {
        let mut queue = self.lock();
        if drop_rest {
            queue.drop_frames(budget);
        }
        last.into_iter().for_each(|frame| queue.push(frame, budget));
        queue.mode = Mode::Closed;
        queue.stuck_since.get_or_insert(now);
    }

    /// What the task was told since it last asked. It is woken when there is more.
    pub(super) fn listen(&self, waker: &Waker) -> Signals {
        let mut queue = self.lock();
        if !queue.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            queue.waker = Some(waker.clone());
        }
        std::mem::take(&mut queue.signals)
    }

    /// Moves the next frames to where they are written from.
    pub(super) fn take(&self, writing: &mut Writing) {
        let mut queue = self.lock();
        if queue.signals.registered.is_some() {
            // `welcome` comes first, and the session does not know yet that it is live.
            return;
        }
        let mut bytes = 0;
        if queue.queued <= TAKE_BYTES && writing.is_empty() {
            bytes = queue.queued;
            writing.replace(std::mem::take(&mut queue.frames));
        } else {
            while bytes < TAKE_BYTES
                && let Some(frame) = queue.frames.pop_front()
            {
                bytes += frame.len();
                writing.push(frame);
            }
        }
        queue.queued -= bytes;
        queue.taken += bytes;
    }

    /// The socket took this many bytes; or, by `None`, takes none now.
    pub(super) fn wrote(&self, bytes: Option<usize>, budget: &Budget, now: Moment) {
        let mut queue = self.lock();
        let Some(bytes) = bytes else {
            queue.stuck_since.get_or_insert(now);
            return;
        };
        queue.taken -= bytes;
        budget.give_back(bytes);
        queue.answer_ends = queue.answer_ends.saturating_sub(bytes);
        if queue.answer_ends == 0 {
            queue.answer = 0;
        }
        if queue.taken + queue.queued == 0 {
            queue.stuck_since = None;
        } else if queue.mode == Mode::Open && queue.stuck_since.is_some() {
            queue.stuck_since = Some(now);
        }
    }

    /// Whether an answer to a sync still waits.
    pub(super) fn has_answer(&self) -> bool {
        self.lock().answer > 0
    }

    /// Gives back what waits: nobody will read it.
    pub(crate) fn discard(&self, budget: &Budget) {
        let mut queue = self.lock();
        queue.drop_frames(budget);
        budget.give_back(std::mem::take(&mut queue.taken));
        (queue.mode, queue.waker) = (Mode::Closed, None);
    }
}
