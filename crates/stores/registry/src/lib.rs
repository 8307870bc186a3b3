//! The Session Registry: who is connected where, what changed for whom, and which slots follow a large group.
//!
//! Everything here can be lost: sessions register again, and a device whose stamp is not known resumes with a `reset`.
//! The incarnation says so: it changes whenever stamps may have been lost.
//!
//! The laws, which every engine passes in one suite ([`suite`]):
//!
//! 1. **One step.** Marking a user changed gives the user's next stamp and their sessions in one atomic step: a session
//!    is either told of the change, or its registration came later and it reads heads that hold the change.
//! 2. **Stamps grow** per user and are dense enough to page: a conversation is listed once, under its newest stamp.
//! 3. **Generations fence.** What a session says under a lease that has ended is void; leasing a slot again ends its
//!    earlier sessions and subscriptions.
//! 4. **Bounded.** A user's index holds at most [`CHANGES_MAX`] conversations; a stamp older than what it holds is unknown.

pub mod embedded;
pub mod suite;

use async_trait::async_trait;
use domain::{ConversationId, DeviceId, Generation, Moment, PortError, SessionId, Slot, UserId};

/// Conversations kept in one user's change index.
pub const CHANGES_MAX: usize = 1_000;

/// A count of one user's changes.
pub type Stamp = u64;

/// A slot, leased until `expires` unless renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Which slot.
    pub slot: Slot,
    /// Its how-manieth lease.
    pub generation: Generation,
    /// When it ends.
    pub expires: Moment,
}

/// A registered session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Where it is.
    pub id: SessionId,
    /// Of which device.
    pub device: DeviceId,
}

/// Why a lease was not renewed, or a session not registered.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The lease has ended, or somebody else holds the slot.
    #[error("the lease of the slot has ended")]
    Lost,
    /// Every slot is leased.
    #[error("every slot is leased")]
    NoSlot,
    /// The user has as many sessions as one may have.
    #[error("the user has too many sessions")]
    TooManySessions,
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] PortError),
}

/// A page of a user's change index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The user's newest stamp now.
    pub newest: Stamp,
    /// Conversations that changed, newest first, each under its newest stamp.
    pub rows: Vec<(Stamp, ConversationId)>,
}

/// The Session Registry. See the laws at the top of this crate.
#[async_trait]
pub trait Registry: Send + Sync + 'static {
    /// Which life of the index this is: stamps of another are unknown.
    fn incarnation(&self) -> u64;

    /// Leases a free slot at `now`, for `ms` milliseconds.
    async fn lease(&self, now: Moment, ms: u64) -> Result<Lease, LeaseError>;

    /// Renews a lease at `now`, for `ms` milliseconds more.
    async fn renew(
        &self,
        slot: Slot,
        generation: Generation,
        now: Moment,
        ms: u64,
    ) -> Result<Lease, LeaseError>;

    /// Ends a lease; its sessions and subscriptions go with it. Gives the users that it held.
    async fn release(&self, slot: Slot, generation: Generation) -> Result<Vec<UserId>, PortError>;

    /// Registers a session of a user.
    async fn register(&self, user: UserId, session: Session) -> Result<(), LeaseError>;

    /// A session ended. Gives whether it was the user's last.
    async fn unregister(&self, user: UserId, session: SessionId) -> Result<bool, PortError>;

    /// The sessions of these users, in the order asked.
    async fn sessions(&self, users: &[UserId]) -> Result<Vec<Vec<Session>>, PortError>;

    /// Marks the conversation changed for each of these users, and gives their sessions, in the order asked.
    async fn mark(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Vec<Session>>, PortError>;

    /// A user's newest stamp now; 0 while nothing has changed for them.
    async fn newest(&self, user: UserId) -> Result<Stamp, PortError>;

    /// What changed for a user after `since` and, if given, before `below`, newest first, at most `limit`. `None` if
    /// the index does not reach back that far.
    async fn changes(
        &self,
        user: UserId,
        since: Stamp,
        below: Option<Stamp>,
        limit: usize,
    ) -> Result<Option<Changes>, PortError>;

    /// A slot follows a large group from now on.
    async fn follow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), LeaseError>;

    /// A slot follows it no more.
    async fn unfollow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), PortError>;

    /// The slots that follow a large group, with their leases.
    async fn followers(&self, conversation: ConversationId) -> Result<Vec<(Slot, Generation)>, PortError>;
}
