//! Users: their sessions and their change index, each user's in one lock, so that a mark is one step.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::{Mutex, MutexGuard};

use domain::{ConversationId, SessionId, UserId};

use super::index::Index;
use super::lock;
use crate::{CHANGES_MAX, Changes, Session, Stamp};

/// Locks that users are spread over. A power of two, a few times the processors of a large machine.
const SHARDS: usize = 64;

/// What is known of one user.
#[derive(Debug, Default)]
struct User {
    sessions: Vec<Session>,
    index: Index,
}

/// Hashed without a random seed: user ids are made by the server, and a simulation must repeat.
type Shard = HashMap<UserId, User, BuildHasherDefault<DefaultHasher>>;

/// All users.
#[derive(Debug)]
pub(super) struct Users {
    sessions_max: usize,
    shards: [Mutex<Shard>; SHARDS],
}

impl Users {
    pub(super) fn new(sessions_max: usize) -> Self {
        Self { sessions_max, shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// The shard of `user`, by a random byte of the id.
    fn shard(&self, user: UserId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(user.as_bytes()[15]) % SHARDS])
    }

    /// Adds a session, or replaces the one of the same id; `false` if the user has too many.
    pub(super) fn add(&self, user: UserId, session: Session) -> bool {
        let mut shard = self.shard(user);
        let sessions = &mut shard.entry(user).or_default().sessions;
        if let Some(known) = sessions.iter_mut().find(|known| known.id == session.id) {
            *known = session;
            return true;
        }
        let room = sessions.len() < self.sessions_max;
        if room {
            sessions.push(session);
        }
        room
    }

    /// Removes a session, if it is there; whether the user has none now.
    pub(super) fn remove(&self, user: UserId, session: SessionId) -> bool {
        let mut shard = self.shard(user);
        let Some(known) = shard.get_mut(&user) else { return true };
        known.sessions.retain(|held| held.id != session);
        known.sessions.is_empty()
    }

    /// Users of whom something is known.
    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// The sessions of a user.
    pub(super) fn sessions(&self, user: UserId) -> Vec<Session> {
        self.shard(user).get(&user).map(|known| known.sessions.clone()).unwrap_or_default()
    }

    /// Gives the user's next stamp to `conversation`, and the sessions to tell of it.
    pub(super) fn mark(&self, user: UserId, conversation: ConversationId) -> Vec<Session> {
        let mut shard = self.shard(user);
        let known = shard.entry(user).or_default();
        known.index.mark(conversation);
        known.sessions.clone()
    }

    /// The newest stamp given for a user.
    pub(super) fn newest(&self, user: UserId) -> Stamp {
        self.shard(user).get(&user).map_or(0, |known| known.index.newest())
    }

    /// A page of the user's change index.
    pub(super) fn changes(
        &self,
        user: UserId,
        since: Stamp,
        below: Option<Stamp>,
        limit: usize,
    ) -> Option<Changes> {
        match self.shard(user).get(&user) {
            Some(known) => known.index.changes(since, below, limit),
            None => Index::<CHANGES_MAX>::default().changes(since, below, limit),
        }
    }
}
