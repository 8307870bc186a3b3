//! What one box may ask another: queries, by call. Commands go by the bus.
//!
//! Each trait is one capability, so that a caller names just what it needs. All queries can be repeated.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ConversationId, Cursor, DeviceId, Entry, Epoch, Generation, Head, Mark, Member, PortError, Position,
    Rejection, Role, Roster, Slot, Timestamp, UserId,
};
use protocol::{frame, http, view};

/// Whom an access token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Until when.
    pub expires: Timestamp,
}

/// What was signed out at once. Its tokens are void; whoever holds its live sessions ends them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whose.
    pub user: UserId,
    /// Which devices.
    pub devices: Vec<DeviceId>,
}

/// What becomes of the tokens that older signing keys have signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OlderKeys {
    /// They stay good until they expire.
    Verify,
    /// They are void at once: a key has leaked.
    Void,
}

/// Accounts: sign-in, tokens, devices, passwords, recovery.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Signs up; `from` is the address that asked, for throttling.
    async fn sign_up(&self, credentials: http::Credentials, from: &str) -> Result<http::Tokens, Rejection>;

    /// Signs in. A wrong name and a wrong password look the same and take the same time.
    async fn sign_in(&self, credentials: http::Credentials, from: &str) -> Result<http::Tokens, Rejection>;

    /// A new pair for a refresh token, which is used up. An older one used again signs the device out.
    async fn refresh(&self, refresh_token: &str) -> Result<http::Tokens, Rejection>;

    /// Signs a device out. Its access tokens are void at once.
    async fn sign_out(&self, user: UserId, device: DeviceId) -> Result<(), Rejection>;

    /// Signs every device of a user out.
    async fn sign_out_everywhere(&self, user: UserId) -> Result<Ended, Rejection>;

    /// Sets another password for who knows the current one, and signs every other device out unless asked not to.
    async fn change_password(
        &self,
        caller: &Principal,
        change: http::ChangePassword,
        from: &str,
    ) -> Result<Ended, Rejection>;

    /// Makes a new set of recovery codes for who knows the password; codes from before are void.
    async fn make_recovery_codes(
        &self,
        user: UserId,
        confirm: http::ConfirmPassword,
        from: &str,
    ) -> Result<http::RecoveryCodes, Rejection>;

    /// Sets a new password by a recovery code, which is used up, and signs every device out. A wrong name, a wrong code and
    /// a used one look the same and take the same time.
    async fn recover(&self, recovery: http::Recovery, from: &str) -> Result<Ended, Rejection>;

    /// Makes one recovery code, by handle, in place of those from before. For admins.
    async fn make_recovery_code(&self, handle: &str) -> Result<http::RecoveryCodes, Rejection>;

    /// Whom this access token names now; the device must still be signed in.
    async fn authenticate(&self, access_token: &str) -> Result<Principal, Rejection>;

    /// Mints an access token for a user by handle, on a new device that cannot refresh. For admins, tests, benchmarks;
    /// with `create` the user is made if there is none.
    async fn mint(&self, handle: &str, create: bool) -> Result<http::Tokens, Rejection>;

    /// Signs every device of a user out, by handle. For admins.
    async fn end_all_of(&self, handle: &str) -> Result<Ended, Rejection>;

    /// A user by id.
    async fn user(&self, id: UserId) -> Result<http::User, Rejection>;

    /// A user by exact handle.
    async fn by_handle(&self, handle: &str) -> Result<http::User, Rejection>;

    /// Which of these users do not exist.
    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection>;

    /// A person's devices.
    async fn devices(&self, user: UserId) -> Result<http::Devices, Rejection>;

    /// All users, by id, after `after`. For admins.
    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<http::User>, Rejection>;

    /// Makes a new signing key. For admins.
    async fn rotate_key(&self, older: OlderKeys) -> Result<String, Rejection>;
}

/// Which entries of a log a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEdge {
    /// Those after a position.
    After(Position),
    /// Those before a position.
    Before(Position),
}

/// Messaging's catch-up: what a person may read. Each answer is authorised against the log; absent and forbidden look
/// the same.
#[async_trait]
pub trait CatchUp: Send + Sync + 'static {
    /// What changed for a person since a sync token.
    async fn sync(&self, user: UserId, token: Option<&str>) -> Result<frame::Changes, Rejection>;

    /// A person's conversations, newest first, a page at a time.
    async fn conversations(&self, user: UserId, page: Option<&str>)
    -> Result<http::Conversations, Rejection>;

    /// One conversation with its newest entries. A direct one that has no entry yet is shown empty.
    async fn conversation(&self, user: UserId, id: ConversationId) -> Result<view::Conversation, Rejection>;

    /// A page of history.
    async fn entries(
        &self,
        user: UserId,
        conversation: ConversationId,
        edge: PageEdge,
        limit: usize,
    ) -> Result<http::Entries, Rejection>;

    /// The cursors that a person may see in a conversation.
    async fn cursors(&self, user: UserId, conversation: ConversationId) -> Result<http::Cursors, Rejection>;

    /// What this move makes of a person's cursor, by the judgement that the move itself will find, or why it is refused.
    /// Moves nothing.
    async fn moved(
        &self,
        user: UserId,
        conversation: ConversationId,
        delivered: Option<Position>,
        read: Option<Position>,
    ) -> Result<Cursor, Rejection>;

    /// A page of the members of a group.
    async fn members(
        &self,
        user: UserId,
        conversation: ConversationId,
        after: Option<UserId>,
    ) -> Result<http::Members, Rejection>;
}

/// Messaging's slots: a gateway leases one before it takes sessions.
#[async_trait]
pub trait Slots: Send + Sync + 'static {
    /// Leases a slot.
    async fn lease(&self) -> Result<SlotLease, Rejection>;

    /// Renews the lease; an error means that it is lost and every session must go.
    async fn renew(&self, slot: Slot, generation: Generation) -> Result<SlotLease, Rejection>;

    /// Gives the slot back; its sessions are gone.
    async fn release(&self, slot: Slot, generation: Generation) -> Result<(), Rejection>;

    /// The last local member of a large group is gone from this slot.
    async fn unfollow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), Rejection>;
}

/// A leased slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotLease {
    /// Which.
    pub slot: Slot,
    /// Under which lease.
    pub generation: Generation,
    /// How long it lasts unless renewed, in milliseconds from when it was asked for: two processes share no clock.
    pub lasts_ms: u64,
}

/// Messaging's word on who is absent: what Notification asks.
#[async_trait]
pub trait Absence: Send + Sync + 'static {
    /// Which of the members that see this entry have no session and do not have it, with how far they are. A large
    /// group's members are not asked one by one: the answer is empty, and [`Absence::behind`] tells.
    async fn absent(&self, entry: &Entry) -> Result<Vec<(UserId, Mark)>, Rejection>;

    /// In which conversations a person is behind the head, newest first, at most `limit`: where, how far they are, and
    /// the head.
    async fn behind(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Mark, Head)>, Rejection>;

    /// Whether a person has a session.
    async fn present(&self, user: UserId) -> Result<bool, Rejection>;
}

/// The log, as the boxes that project it read it.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// The end of a log; the default head while it is empty.
    async fn head(&self, conversation: ConversationId) -> Result<Head, PortError>;

    /// The entries that move a group's projection (membership and names) after `after`, oldest first.
    async fn projected(
        &self,
        conversation: ConversationId,
        after: Position,
    ) -> Result<Vec<Arc<Entry>>, PortError>;
}

/// A group as its projection knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// What it is called.
    pub name: String,
    /// How many are in.
    pub active: usize,
    /// Whether people who join see what came before.
    pub history: bool,
}

/// What a person is to a conversation. Made to be read by itself: a person who resumes is in many groups, and would
/// otherwise bring everybody else in them into memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The newest membership entry that it knows. What it says of the person may be newer still.
    pub roster: Position,
    /// What the log says of them.
    pub member: Member,
    /// The group that they are in.
    pub group: GroupInfo,
}

/// Group: members, roles, names, and which conversations a user is in.
#[async_trait]
pub trait Groups: Send + Sync + 'static {
    /// The roster of a conversation, at least as new as `at_least`.
    async fn roster(
        &self,
        conversation: ConversationId,
        at_least: Position,
    ) -> Result<Arc<Roster>, PortError>;

    /// What a person is to a conversation, at least as new as `at_least`; `None` if they never were in.
    async fn standing(
        &self,
        conversation: ConversationId,
        user: UserId,
        at_least: Position,
    ) -> Result<Option<Standing>, PortError>;

    /// What a group is called and how large it is, at least as new as the head of its log.
    async fn info(&self, conversation: ConversationId) -> Result<GroupInfo, PortError>;

    /// A page of those who are in, by id, and the roster it was read from.
    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<(UserId, Role, Mark)>, Position), PortError>;

    /// Lists the conversation for these users. Done before the append that makes it true.
    async fn link(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        large: bool,
    ) -> Result<(), PortError>;

    /// Takes in entries of one group that were appended, in order, and what they made of the roster; lists the
    /// conversation no more for those who are out. Can be repeated.
    async fn applied(&self, entries: &[Arc<Entry>], roster: Arc<Roster>) -> Result<(), PortError>;

    /// The conversations of a user, by id, after `after`: each with whether it is large.
    async fn conversations(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, bool)>, PortError>;
}

/// The right to number a conversation from its head on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// In this epoch.
    pub epoch: Epoch,
    /// Which began after this position.
    pub since: Position,
}

/// The Sequence Generator. It grants epochs; the seq itself is counted by whoever holds the log's end, and the store's
/// conditional append is the fence.
#[async_trait]
pub trait Sequences: Send + Sync + 'static {
    /// Grants this region the numbering of a conversation, or says that another region leads it.
    async fn grant(&self, conversation: ConversationId) -> Result<Grant, SequenceError>;
}

/// Why no right was granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// Another region leads the conversation.
    #[error("region {} leads the conversation", .0.region().0)]
    NotLeader(Epoch),
    /// Who leads could not be found out.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Notification: what people missed.
#[async_trait]
pub trait Notifications: Send + Sync + 'static {
    /// What a person missed while no device was connected.
    async fn missed(&self, user: UserId) -> Result<http::MissedList, Rejection>;

    /// Cursors have moved: these people have these conversations up to these `delivered` marks.
    async fn seen(&self, seen: Vec<(UserId, ConversationId, Mark)>) -> Result<(), Rejection>;
}
