//! What all who play in a story share: the phase that it is in, what each device has under way, and the history.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use domain::{ConversationId, Entry, Position};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::history::History;
use crate::process::PATIENCE;

const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What everybody does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// There is no server: nobody connects.
    Down,
    /// Devices connect and catch up, and send nothing.
    Gather,
    /// Devices send what is not acked, and keep their windows full.
    Talk,
    /// Devices send what is not acked, and nothing new.
    Calm,
}

/// How one device is doing.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Submissions sent on its connection and not answered; after the connection broke, as it was then.
    pub(super) in_flight: AtomicUsize,
    /// Submissions that are not settled.
    pub(super) unsettled: AtomicUsize,
    /// Submissions that were acked.
    pub(super) acked: AtomicUsize,
    /// It has a connection.
    pub(super) connected: AtomicBool,
    /// It is connected and has caught up.
    pub(super) live: AtomicBool,
}

/// What all who play share.
pub(super) struct Stage {
    /// Where the server listens, in all its lives.
    pub(super) base: String,
    pub(super) history: History,
    /// The group that is about to cross from small to large, or just did.
    crossing: Mutex<ConversationId>,
    crossings: AtomicUsize,
    departures: AtomicUsize,
    /// Somebody is being added or removed, or a group made.
    changing: AtomicBool,
    /// A group is about to be told that it is large.
    is_crossing: AtomicBool,
    phase: watch::Sender<Phase>,
    statuses: Mutex<Vec<Arc<Status>>>,
    /// Each entry once, however many devices are given it.
    entries: Mutex<HashMap<(ConversationId, Position), Arc<Entry>>>,
}

impl Stage {
    pub(super) fn new(base: String, history: History, crossing: ConversationId) -> Self {
        let phase = watch::Sender::new(Phase::Down);
        let (crossings, departures, changing, is_crossing, statuses, entries) = Default::default();
        let crossing = Mutex::new(crossing);
        Self {
            base,
            history,
            crossing,
            crossings,
            departures,
            changing,
            is_crossing,
            phase,
            statuses,
            entries,
        }
    }

    /// The phase, for those who wait for another.
    pub(super) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// A place for one more device.
    pub(super) fn status(&self) -> Arc<Status> {
        let status = Arc::new(Status::default());
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&status));
        status
    }

    /// Submissions that some device has sent and has no answer to.
    pub(super) fn in_flight(&self) -> usize {
        self.sum(|status| status.in_flight.load(Ordering::Relaxed))
    }

    /// Submissions that are not settled.
    pub(super) fn unsettled(&self) -> usize {
        self.sum(|status| status.unsettled.load(Ordering::Relaxed))
    }

    /// Submissions that were acked.
    pub(super) fn acked(&self) -> usize {
        self.sum(|status| status.acked.load(Ordering::Relaxed))
    }

    fn sum(&self, of: impl Fn(&Status) -> usize) -> usize {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|status| of(status)).sum()
    }

    fn all(&self, are: impl Fn(&Status) -> bool) -> bool {
        self.sum(|status| usize::from(!are(status))) == 0
    }

    /// Waits until every device is connected and has caught up.
    pub(super) async fn all_live(&self) -> Result<()> {
        self.until("devices do not come back", || self.all(|status| status.live.load(Ordering::Relaxed)))
            .await
    }

    /// Waits until no device has a connection.
    pub(super) async fn all_gone(&self) -> Result<()> {
        let gone = || self.all(|status| !status.connected.load(Ordering::Relaxed));
        self.until("devices do not see that the server is gone", gone).await
    }

    /// Waits until it is so.
    pub(super) async fn until(&self, else_what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            ensure!(Instant::now() < deadline, "{else_what}");
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// The same entry, shared with everybody who was given one equal to it. The first that comes is the one that is kept,
    /// so that another at its position stays another.
    pub(super) fn shared(&self, entry: Arc<Entry>) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.entry((entry.conversation, entry.position)).or_insert_with(|| Arc::clone(&entry));
        if **known == *entry { Arc::clone(known) } else { entry }
    }

    /// The group that is about to cross, or just did.
    pub(super) fn crossing(&self) -> ConversationId {
        *self.crossing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A change of a group begins, or is settled.
    pub(super) fn is_changing(&self, is: bool) {
        self.changing.store(is, Ordering::Relaxed);
    }

    /// The change that lets a group cross begins, or is settled.
    pub(super) fn is_crossing(&self, is: bool) {
        self.is_crossing.store(is, Ordering::Relaxed);
    }

    /// Whether a change is under way, and whether it lets a group cross.
    pub(super) fn change_under_way(&self) -> (bool, bool) {
        (self.changing.load(Ordering::Relaxed), self.is_crossing.load(Ordering::Relaxed))
    }

    /// A group crossed from small to large.
    pub(super) fn crossed(&self) {
        self.crossings.fetch_add(1, Ordering::Relaxed);
    }

    /// How many did.
    pub(super) fn crossings(&self) -> usize {
        self.crossings.load(Ordering::Relaxed)
    }

    /// A device that comes and goes went.
    pub(super) fn left(&self) {
        self.departures.fetch_add(1, Ordering::Relaxed);
    }

    /// How often one did.
    pub(super) fn departures(&self) -> usize {
        self.departures.load(Ordering::Relaxed)
    }

    /// Another group takes its place.
    pub(super) fn set_crossing(&self, group: ConversationId) {
        *self.crossing.lock().unwrap_or_else(PoisonError::into_inner) = group;
    }
}
