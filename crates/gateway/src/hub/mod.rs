//! The sessions of this gateway, under the slot that it leases.
//!
//! `tenancy` leases the slot and loses it; `deliveries` hands out what the bus delivers to it; `large` knows which local
//! sessions a large group has; `requests` are HTTP requests that wait for an outcome; `announcer` tells Messaging of
//! sessions; `sweeper` finds what is due by time; `listing` shows operators who is there.
//!
//! Deliberately absent: anything that waits for a device.

mod announcer;
mod deliveries;
mod known;
mod large;
mod listing;
mod requests;
mod seat;
mod sweeper;
mod tenancy;

#[cfg(test)]
mod tests;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use contracts::records::{Announcement, Append, Command, Move, SessionChange, Stored};
use contracts::services::{Ended, SlotLease};
use contracts::{Ambient, FailPoints};
use domain::{
    Code, ConversationId, DeviceId, Moment, Position, Rejection, SessionId, Submission, Timestamp, UserId,
};
use protocol::frame::{Advice, Reason};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::config::Config;
use crate::faults::Injector;
use crate::gateway::{Services, Topics};
use crate::meters::{Ending, Meters};
use crate::session::{Budget, Goodbye};
use crate::throttle::Throttle;
use crate::trace;

use announcer::Announcer;
use known::Known;
use large::Large;
pub use listing::Live;
use requests::Requests;
pub(crate) use seat::{Seat, Who};
pub(crate) use sweeper::run as sweep;
pub use tenancy::GROUP;
pub(crate) use tenancy::{LeaseError, lease};

/// How long a session's task may take to go once it was told to go without a word.
const KILL: Duration = Duration::from_secs(1);

/// Sessions by number. The hasher has no chance in it, so that a simulation runs the same way each time.
type Seats = HashMap<u64, Arc<Seat>, BuildHasherDefault<DefaultHasher>>;

/// What all rooms of a gateway share.
pub(crate) struct Hub {
    pub(crate) config: Config,
    pub(crate) services: Services,
    pub(crate) topics: Topics,
    pub(crate) budget: Budget,
    pub(crate) meters: Meters,
    pub(crate) throttle: Throttle,
    /// Places for connections.
    pub(crate) places: Arc<Semaphore>,
    ambient: Ambient,
    fail: Arc<dyn FailPoints>,
    faults: Option<Injector>,
    /// Numbers sessions and requests, so that an outcome finds either.
    numbers: AtomicU64,
    lease: RwLock<Option<SlotLease>>,
    seats: RwLock<Seats>,
    users: Mutex<BTreeSet<(UserId, u64)>>,
    large: Mutex<Large>,
    requests: Requests,
    announcer: Announcer,
    known: Known,
    syncs: Semaphore,
    /// Told whenever a session has left.
    leaving: Notify,
    draining: AtomicBool,
    killed: AtomicBool,
}

impl Hub {
    pub(crate) fn new(
        config: Config,
        services: Services,
        topics: Topics,
        ambient: Ambient,
        fail: Arc<dyn FailPoints>,
    ) -> Self {
        Self {
            budget: Budget::new(&config.limits),
            meters: Meters::new(&config),
            throttle: Throttle::new(&config.limits),
            places: Arc::new(Semaphore::new(config.connections_max.min(Semaphore::MAX_PERMITS))),
            faults: config.faults.map(Injector::new),
            numbers: AtomicU64::new(1),
            lease: RwLock::default(),
            seats: RwLock::default(),
            users: Mutex::default(),
            large: Mutex::default(),
            requests: Requests::default(),
            announcer: Announcer::new(Arc::clone(&topics.sessions)),
            known: Known::new(config.known_users_max),
            syncs: Semaphore::new(config.syncs_max.max(1)),
            leaving: Notify::new(),
            draining: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            config,
            services,
            topics,
            ambient,
            fail,
        }
    }

    /// Server time, which may step.
    pub(crate) fn time(&self) -> Timestamp {
        self.ambient.now()
    }

    /// This moment, by which everything is measured that lasts.
    pub(crate) fn moment(&self) -> Moment {
        self.ambient.moment()
    }

    /// The slot that this gateway holds now.
    pub(crate) fn lease(&self) -> Option<SlotLease> {
        *self.lease.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name for something under this lease.
    fn name(lease: SlotLease, number: u64) -> SessionId {
        SessionId { slot: lease.slot, generation: lease.generation, number }
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes a session in, unless the gateway stops or has no slot.
    pub(crate) fn enter(&self) -> Result<Arc<Seat>, Rejection> {
        let lease = self.lease.read().unwrap_or_else(PoisonError::into_inner);
        let held = lease.filter(|_| !self.draining.load(Ordering::SeqCst));
        let held = held.ok_or_else(|| self.come_back("this server takes no sessions now"))?;
        let seat = Arc::new(Seat::new(Self::name(held, self.next_number()), self.time()));
        self.seats_mut().insert(seat.id.number, Arc::clone(&seat));
        self.meters.sessions.increment(1);
        Ok(seat)
    }

    /// The refusal of what may work on another try, jittered.
    pub(crate) fn come_back(&self, why: &'static str) -> Rejection {
        Rejection::new(Code::Unavailable, why)
            .retry_after_ms(500 + self.ambient.below(self.config.reconnect_spread_ms))
    }

    /// Lets a connection or a request of nobody in, unless its address asks too much. Many devices may be behind one
    /// address: they are told to come back spread over some time.
    pub(crate) fn admit_address(&self, from: IpAddr) -> Result<(), Rejection> {
        self.throttle.address(from, self.moment()).map_err(|wait_ms| {
            let wait_ms = wait_ms + self.ambient.below(self.config.reconnect_spread_ms);
            Rejection::new(Code::RateLimited, "too much comes from this address; come back later")
                .retry_after_ms(wait_ms)
        })
    }

    /// Lets a user's request in that came from this address, unless the user asks too much.
    pub(crate) fn admit_user(&self, user: UserId, from: Option<IpAddr>) -> Result<(), Rejection> {
        if let Some(from) = from {
            self.throttle.user_pays(from);
        }
        self.throttle.user(user, self.moment()).map_err(|wait_ms| {
            Rejection::new(Code::RateLimited, "too many requests; slow down").retry_after_ms(wait_ms)
        })
    }

    /// A session is to be registered.
    pub(crate) fn began(&self, seat: &Seat, user: UserId, device: DeviceId) {
        seat.name(Who { user, device });
        self.users().insert((user, seat.id.number));
        self.announce(seat, SessionChange::Began);
    }

    /// A session has to be registered again: it is told that it missed something once it is. Large groups hold sessions for
    /// a while after they left; such a one would be registered for as long as the slot is leased.
    fn announce_anew(&self, seat: &Seat) {
        seat.set_anew();
        let Some(began) = Self::announcement(seat, SessionChange::Began) else { return };
        if let Some(count) = self.announcer.announce_unless(|| seat.is_gone(), began) {
            seat.set_announced(count);
        }
    }

    fn announce(&self, seat: &Seat, change: SessionChange) {
        let Some(announcement) = Self::announcement(seat, change) else { return };
        seat.set_announced(self.announcer.announce(announcement));
    }

    fn announcement(seat: &Seat, change: SessionChange) -> Option<Announcement> {
        let Who { user, device } = seat.who()?;
        Some(Announcement { user, device, session: seat.id, change })
    }

    /// The device was signed out: its sessions end, wherever they are.
    pub(crate) fn signed_out(&self, user: UserId, device: DeviceId) {
        let Some(lease) = self.lease() else { return };
        let change = SessionChange::SignedOut;
        self.announcer.announce(Announcement { user, device, session: Self::name(lease, 0), change });
    }

    /// These devices were signed out.
    pub(crate) fn ended(&self, ended: &Ended) {
        ended.devices.iter().for_each(|device| self.signed_out(ended.user, *device));
    }

    /// A session has left, its socket closed already.
    pub(crate) fn left(&self, seat: &Arc<Seat>, ending: Ending) {
        // Before its end is announced: see `announce_anew`.
        seat.set_gone();
        self.seats_mut().remove(&seat.id.number);
        self.meters.sessions.decrement(1);
        self.meters.closed(ending);
        if let Some(who) = seat.who() {
            self.users().remove(&(who.user, seat.id.number));
            if !self.killed.load(Ordering::SeqCst) {
                self.announce(seat, SessionChange::Ended);
            }
        }
        self.leaving.notify_waiters();
    }

    /// How many sessions there are.
    pub(crate) fn sessions(&self) -> usize {
        self.seats().len()
    }

    /// When a device that was told goodbye comes back, if at all.
    pub(crate) fn retry_after_ms(&self, reason: Reason, told: Option<u64>) -> Option<u64> {
        let spread = self.config.reconnect_spread_ms;
        match Advice::of(reason.close_code())? {
            Advice::Reconnect => Some(told.unwrap_or(0) + self.ambient.below(spread)),
            Advice::BackOff => Some(told.unwrap_or(spread) + self.ambient.below(spread)),
            Advice::Stop => None,
        }
    }

    /// Waits for a turn to sync.
    pub(crate) async fn sync_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.syncs.acquire().await.ok()
    }

    /// Whether this user is known to exist.
    pub(crate) fn is_known(&self, user: UserId) -> bool {
        self.known.contains(user)
    }

    /// Refuses people who do not exist.
    pub(crate) async fn existing(&self, users: &[UserId]) -> Result<(), Rejection> {
        let asked: Vec<UserId> = users.iter().filter(|user| !self.is_known(**user)).copied().collect();
        if asked.is_empty() {
            return Ok(());
        }
        let unknown = self.services.accounts.unknown(&asked).await?;
        self.known.remember(asked.into_iter().filter(|user| !unknown.contains(user)));
        match unknown.first() {
            Some(user) => Err(Rejection::new(Code::NotFound, format!("there is no user {user}"))),
            None => Ok(()),
        }
    }

    /// Submits for an HTTP request, and waits for the outcome.
    pub(crate) async fn submit(&self, submission: Submission) -> Result<Stored, Rejection> {
        let lease = self.lease().ok_or_else(|| self.come_back("this server takes no messages now"))?;
        let number = self.next_number();
        let mut waiting = self.requests.wait(number);
        let mut append = Append { submission, origin: Self::name(lease, number), trace: None };
        let work = async {
            let received = trace::received(&mut append);
            self.publish(Command::Append(append)).await?;
            drop(received);
            waiting
                .outcome()
                .await
                .unwrap_or_else(|| Err(self.come_back("the server lost its place; send it again")))
        };
        tokio::time::timeout(self.config.outcome_timeout(), work).await.unwrap_or_else(|_elapsed| {
            Err(Rejection::new(
                Code::Timeout,
                "no answer in time; it may have happened: send it again as it was",
            ))
        })
    }

    /// Moves a cursor for an HTTP request; moves have no outcome.
    pub(crate) async fn move_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        delivered: Option<Position>,
        read: Option<Position>,
    ) -> Result<(), Rejection> {
        let lease = self.lease().ok_or_else(|| self.come_back("this server takes no cursors now"))?;
        let origin = Self::name(lease, self.next_number());
        self.publish(Command::Move(Move { conversation, user, delivered, read, origin })).await
    }

    async fn publish(&self, command: Command) -> Result<(), Rejection> {
        self.topics.submit.publish(command).await.map_err(|error| match error {
            bus::Error::Closed => self.come_back("the server is stopping"),
            bus::Error::Engine(error) => error.into(),
        })
    }

    /// Ends every session like this.
    fn end_all(&self, reason: Reason) {
        let seats: Vec<Arc<Seat>> = self.seats().values().map(Arc::clone).collect();
        seats.iter().for_each(|seat| seat.outbox.end(Goodbye::from(reason)));
    }

    /// Waits until every session has left, and lets those go without a word that do not leave in time.
    async fn emptied(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.all_left()).await.is_ok() {
            return;
        }
        tracing::warn!(sessions = self.sessions(), "sessions did not leave in time");
        self.seats().values().for_each(|seat| seat.outbox.kill());
        if tokio::time::timeout(KILL, self.all_left()).await.is_err() {
            tracing::error!(sessions = self.sessions(), "sessions did not leave at all");
        }
    }

    async fn all_left(&self) {
        loop {
            let leaving = self.leaving.notified();
            if self.sessions() == 0 {
                return;
            }
            leaving.await;
        }
    }

    /// Takes no more sessions, and lets those that are there go, their queues written.
    pub(crate) async fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        drop(self.lease.write());
        self.end_all(Reason::Restart);
        self.emptied(self.config.drain()).await;
        let flushed = tokio::time::timeout(self.config.drain(), self.announcer.flushed()).await;
        if flushed.is_err() {
            tracing::warn!("not every end of a session could be announced; the slot's release ends them");
        }
    }

    /// Everything ends without a word, as if the process died.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        self.draining.store(true, Ordering::SeqCst);
        self.seats().values().for_each(|seat| seat.outbox.kill());
    }

    /// Publishes the announcements that found no room. Never ends.
    pub(crate) async fn run_announcer(&self) {
        self.announcer.run().await;
    }

    fn seats(&self) -> std::sync::RwLockReadGuard<'_, Seats> {
        self.seats.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn seats_mut(&self) -> std::sync::RwLockWriteGuard<'_, Seats> {
        self.seats.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn users(&self) -> MutexGuard<'_, BTreeSet<(UserId, u64)>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn large(&self) -> MutexGuard<'_, Large> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
