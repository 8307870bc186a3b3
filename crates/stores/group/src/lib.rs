//! The Group DB: members, roles and names, as a projection of the logs, and which conversations a user is in.
//!
//! Everything here can be made again from the logs. A group's rows name the roster (a position) that they are good for.
//!
//! The laws, which every engine passes in one suite ([`suite`]):
//!
//! 1. **Durable.** What returned `Ok` survives a crash.
//! 2. **Whole.** A projection (the group's row and the members it changes) is seen whole or not at all.
//! 3. **Forward.** A projection is taken only if the stored roster is the one it was made from; else nothing is written.
//! 4. **Retry.** Links and unlinks can be repeated.

pub mod embedded;
pub mod memory;
pub mod suite;

use async_trait::async_trait;
use domain::{ConversationId, Member, PortError, Position, UserId};

/// What is kept of a group beside its members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The newest entry (membership or name) that went into this row and the members' rows.
    pub as_of: Position,
    /// The newest membership entry of those.
    pub roster: Position,
    /// What it is called.
    pub name: String,
    /// How many are in.
    pub active: usize,
    /// How many of those are admins.
    pub admins: usize,
    /// Whether people who join see what came before.
    pub history: bool,
    /// Whether it ever was large.
    pub large: bool,
}

/// One conversation of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Which.
    pub conversation: ConversationId,
    /// Whether it is fanned out by slot.
    pub large: bool,
}

/// Why a projection was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The stored row is as of another position. Nothing was written.
    #[error("the group's row is as of {as_of} already")]
    Conflict {
        /// What the stored row is as of.
        as_of: Position,
    },
    /// The engine failed. Whether it happened is not known.
    #[error(transparent)]
    Store(#[from] PortError),
}

/// The Group DB. See the laws at the top of this crate.
#[async_trait]
pub trait GroupStore: Send + Sync + 'static {
    /// A group's row.
    async fn group(&self, conversation: ConversationId) -> Result<Option<Group>, PortError>;

    /// What is kept of one member.
    async fn member(&self, conversation: ConversationId, user: UserId) -> Result<Option<Member>, PortError>;

    /// Everyone who is or was in, by id, after `after`, at most `limit`.
    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Member)>, PortError>;

    /// Replaces the row of a group that is as of `from`, and the rows of these members.
    async fn project(
        &self,
        conversation: ConversationId,
        from: Position,
        group: Group,
        members: Vec<(UserId, Member)>,
    ) -> Result<(), ProjectError>;

    /// Lists the conversation for these users; `large` is kept once set.
    async fn link(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        large: bool,
    ) -> Result<(), PortError>;

    /// Lists it for them no more.
    async fn unlink(&self, conversation: ConversationId, users: &[UserId]) -> Result<(), PortError>;

    /// Forgets a group's row and its members' rows: what is derived is made again. Not for a group in use.
    async fn forget(&self, conversation: ConversationId) -> Result<(), PortError>;

    /// Whether the conversation is listed for each of these users, and as large, in the order asked.
    async fn linked(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<bool>>, PortError>;

    /// The conversations of a user, by key, after `after`, at most `limit`.
    async fn links(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Link>, PortError>;
}
