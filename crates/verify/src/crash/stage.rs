//! What all who play in a story share: the phase that it is in, what each device has under way, and the history.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use domain::{ConversationId, Entry, Position};
use protocol::view::Conversation;
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

/// A change of a group under way.
#[derive(Debug, Clone, Copy)]
struct Change {
    since: Instant,
    /// It lets a small group become large.
    crosses: bool,
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
    /// The change of a group that was asked for in this life of the server and is not answered.
    change: Mutex<Option<Change>>,
    phase: watch::Sender<Phase>,
    statuses: Mutex<Vec<Arc<Status>>>,
    /// Each entry once, however many devices are given it.
    entries: Mutex<HashMap<(ConversationId, Position), Arc<Entry>>>,
}

impl Stage {
    pub(super) fn new(base: String, history: History, crossing: ConversationId) -> Self {
        let phase = watch::Sender::new(Phase::Down);
        let (crossings, departures, change, statuses, entries) = Default::default();
        let crossing = Mutex::new(crossing);
        Self { base, history, crossing, crossings, departures, change, phase, statuses, entries }
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

    /// The same for the entries of conversations as they are shown.
    pub(super) fn share(&self, shown: &mut [Conversation]) {
        for entry in shown.iter_mut().flat_map(|shown| &mut shown.entries) {
            *entry = self.shared(Arc::clone(entry));
        }
    }

    /// The group that is about to cross, or just did.
    pub(super) fn crossing(&self) -> ConversationId {
        *self.crossing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A change of a group is asked for; asked again, it stays what it is.
    pub(super) fn change_asked(&self, crosses: bool) {
        self.change().get_or_insert(Change { since: Instant::now(), crosses });
    }

    /// It is answered, or another life begins that knows nothing of it.
    pub(super) fn change_answered(&self) {
        *self.change() = None;
    }

    /// Whether a change was under way before an instant and is still, and if so, whether it lets a group become large.
    pub(super) fn change_since_before(&self, instant: Instant) -> Option<bool> {
        self.change().filter(|change| change.since < instant).map(|change| change.crosses)
    }

    /// Whether a change is under way that lets a group become large.
    pub(super) fn is_crossing(&self) -> bool {
        self.change().is_some_and(|change| change.crosses)
    }

    fn change(&self) -> MutexGuard<'_, Option<Change>> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
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
