//! The embedded engine: in memory, for one process.
//!
//! Two kinds of locks, taken in this order and never across an await: the leases, then one shard of users. Marking, the
//! hot path, takes shards only. Nothing here depends on the order of a hash map, so a simulation may run it.
//!
//! Deliberately absent: durability (a restart is another incarnation), a clock, and a bound on the number of users.

mod index;
mod leases;
mod users;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::{ConversationId, Generation, Moment, PortError, SessionId, Slot, UserId};

use self::leases::{Ended, Leases};
use self::users::Users;
use crate::{Changes, Lease, LeaseError, Session, Stamp};

/// How much the registry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Slots there are, numbered from 0.
    pub slots_max: u16,
    /// Sessions of one user at once.
    pub sessions_per_user_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { slots_max: 1_024, sessions_per_user_max: 100 }
    }
}

/// How much a registry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Slots leased.
    pub slots: usize,
    /// Sessions registered.
    pub sessions: usize,
    /// Users of whom something is known: a session, or a conversation that changed.
    pub users: usize,
}

/// The registry of one process.
#[derive(Debug)]
pub struct Registry {
    incarnation: u64,
    leases: Mutex<Leases>,
    users: Users,
}

impl Registry {
    /// An empty registry. `incarnation` is a random number: stamps of an earlier life are not to be known in this one.
    pub fn new(incarnation: u64, config: Config) -> Self {
        Self {
            incarnation,
            leases: Mutex::new(Leases::new(config.slots_max)),
            users: Users::new(config.sessions_per_user_max),
        }
    }

    /// How much it holds.
    pub fn held(&self) -> Counts {
        let (slots, sessions) = self.leases().counts();
        Counts { slots, sessions, users: self.users.count() }
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        lock(&self.leases)
    }

    /// Ends the leases that `now` is past. Their sessions end while the leases are locked, so none is made anew between.
    fn sweep(&self, leases: &mut Leases, now: Moment) {
        for ended in leases.end_expired(now) {
            self.end_sessions(ended);
        }
    }

    /// Ends the sessions of an ended lease. Gives their users, each once.
    fn end_sessions(&self, ended: Ended) -> Vec<UserId> {
        let mut users: Vec<UserId> = vec![];
        for (user, session) in ended.sessions() {
            self.users.remove(user, session);
            if users.last() != Some(&user) {
                users.push(user);
            }
        }
        users
    }
}

/// Locks what no panic can leave half done: every critical section here either cannot panic or writes one map.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl crate::Registry for Registry {
    fn incarnation(&self) -> u64 {
        self.incarnation
    }

    async fn lease(&self, now: Moment, ms: u64) -> Result<Lease, LeaseError> {
        let mut leases = self.leases();
        self.sweep(&mut leases, now);
        leases.lease(now.plus_ms(ms)).ok_or(LeaseError::NoSlot)
    }

    async fn renew(
        &self,
        slot: Slot,
        generation: Generation,
        now: Moment,
        ms: u64,
    ) -> Result<Lease, LeaseError> {
        let mut leases = self.leases();
        self.sweep(&mut leases, now);
        leases.renew(slot, generation, now.plus_ms(ms)).ok_or(LeaseError::Lost)
    }

    async fn release(&self, slot: Slot, generation: Generation) -> Result<Vec<UserId>, PortError> {
        let mut leases = self.leases();
        Ok(leases.end(slot, generation).map(|ended| self.end_sessions(ended)).unwrap_or_default())
    }

    async fn register(&self, user: UserId, session: Session) -> Result<(), LeaseError> {
        let mut leases = self.leases();
        let held = leases.current(session.id.slot, session.id.generation).ok_or(LeaseError::Lost)?;
        if !self.users.add(user, session) {
            return Err(LeaseError::TooManySessions);
        }
        held.sessions.insert((user, session.id.number));
        Ok(())
    }

    async fn unregister(&self, user: UserId, session: SessionId) -> Result<bool, PortError> {
        let mut leases = self.leases();
        if let Some(held) = leases.current(session.slot, session.generation) {
            held.sessions.remove(&(user, session.number));
        }
        Ok(self.users.remove(user, session))
    }

    async fn sessions(&self, users: &[UserId]) -> Result<Vec<Vec<Session>>, PortError> {
        Ok(users.iter().map(|user| self.users.sessions(*user)).collect())
    }

    async fn mark(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Vec<Session>>, PortError> {
        Ok(users.iter().map(|user| self.users.mark(*user, conversation)).collect())
    }

    async fn newest(&self, user: UserId) -> Result<Stamp, PortError> {
        Ok(self.users.newest(user))
    }

    async fn changes(
        &self,
        user: UserId,
        since: Stamp,
        below: Option<Stamp>,
        limit: usize,
    ) -> Result<Option<Changes>, PortError> {
        Ok(self.users.changes(user, since, below, limit))
    }

    async fn follow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), LeaseError> {
        if self.leases().follow(conversation, slot, generation) { Ok(()) } else { Err(LeaseError::Lost) }
    }

    async fn unfollow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), PortError> {
        self.leases().unfollow(conversation, slot, generation);
        Ok(())
    }

    async fn followers(&self, conversation: ConversationId) -> Result<Vec<(Slot, Generation)>, PortError> {
        Ok(self.leases().followers(conversation))
    }
}
