//! The Session Registry of a simulation: it takes its time to register, or, as a planted bug, answers before it has.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{ConversationId, Generation, Moment, PortError, SessionId, Slot, UserId};
use store_registry::{Changes, Lease, LeaseError, Registry, Session, Stamp};

use super::Bug;
use super::chance::Chance;

/// A registration takes so long at most: long enough that others talk meanwhile.
const REGISTERS_MS: u64 = 100;

/// With the bug, what is appended for so long after the answer, at most, does not find the session.
const LATE_MS: u64 = 2_000;

/// The embedded registry, of one life.
pub(super) struct SlowRegistry {
    real: Arc<dyn Registry>,
    chance: Chance,
    bug: Option<Bug>,
}

impl SlowRegistry {
    pub(super) fn new(chance: Chance, bug: Option<Bug>) -> Self {
        let real = store_registry::embedded::Registry::new(chance.next(), Default::default());
        Self { real: Arc::new(real), chance, bug }
    }
}

#[async_trait]
impl Registry for SlowRegistry {
    fn incarnation(&self) -> u64 {
        self.real.incarnation()
    }

    async fn lease(&self, now: Moment, ms: u64) -> Result<Lease, LeaseError> {
        self.real.lease(now, ms).await
    }

    async fn renew(
        &self,
        slot: Slot,
        generation: Generation,
        now: Moment,
        ms: u64,
    ) -> Result<Lease, LeaseError> {
        self.real.renew(slot, generation, now, ms).await
    }

    async fn release(&self, slot: Slot, generation: Generation) -> Result<Vec<UserId>, PortError> {
        self.real.release(slot, generation).await
    }

    async fn register(&self, user: UserId, session: Session) -> Result<(), LeaseError> {
        if self.bug != Some(Bug::LiveBeforeRegistered) {
            self.chance.pause(REGISTERS_MS).await;
            return self.real.register(user, session).await;
        }
        let (real, late) = (Arc::clone(&self.real), Duration::from_millis(self.chance.below(LATE_MS)));
        tokio::spawn(async move {
            tokio::time::sleep(late).await;
            // Nobody waits for it any more.
            drop(real.register(user, session).await);
        });
        Ok(())
    }

    async fn unregister(&self, user: UserId, session: SessionId) -> Result<bool, PortError> {
        self.real.unregister(user, session).await
    }

    async fn sessions(&self, users: &[UserId]) -> Result<Vec<Vec<Session>>, PortError> {
        self.real.sessions(users).await
    }

    async fn mark(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Vec<Session>>, PortError> {
        self.real.mark(conversation, users).await
    }

    async fn newest(&self, user: UserId) -> Result<Stamp, PortError> {
        self.real.newest(user).await
    }

    async fn changes(
        &self,
        user: UserId,
        since: Stamp,
        below: Option<Stamp>,
        limit: usize,
    ) -> Result<Option<Changes>, PortError> {
        self.real.changes(user, since, below, limit).await
    }

    async fn follow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), LeaseError> {
        self.real.follow(conversation, slot, generation).await
    }

    async fn unfollow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), PortError> {
        self.real.unfollow(conversation, slot, generation).await
    }

    async fn followers(&self, conversation: ConversationId) -> Result<Vec<(Slot, Generation)>, PortError> {
        self.real.followers(conversation).await
    }
}
