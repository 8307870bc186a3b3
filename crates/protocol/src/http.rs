//! The bodies of the HTTPS API. Errors are [`Failure`] everywhere. Their doc comments are read by whoever uses the API:
//! they become the descriptions in `docs/api/openapi.json`. Paths are where the gateway serves them.
//!
//! A field of a request's body, or a key of its query, that is not known is refused with `bad_request`, which names it: who
//! asks is there to read the answer, and what is misspelt would otherwise be as if it had not been said. It is different
//! where nobody can ask again: fields of a frame ([`crate::frame`]) and of an answer that are not known are passed over, so
//! that an old version goes on beside a new one.

use std::sync::Arc;

use domain::{
    ClientId, ConversationId, Cursor, DeviceId, Entry, Mark, Position, Rejection, Role, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use crate::view::Conversation;

/// The body of every answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// What and why.
    pub error: Rejection,
}

/// The fewest characters of a password.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;

/// The most bytes of UTF-8 of a password.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// Whether somebody may choose this password.
pub fn may_be_password(password: &str) -> bool {
    password.len() <= PASSWORD_BYTES_MAX && password.chars().count() >= PASSWORD_CHARACTERS_MIN
}

/// Who one is: for signing up and for signing in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The name one signs in with: 2 to 32 of `a-z`, `0-9`, `_`, `-`, `.`; case is folded.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[A-Za-z0-9_.-]{2,32}$")))]
    pub handle: String,
    /// At least 8 characters, at most 256 bytes of UTF-8.
    #[cfg_attr(feature = "schema", schemars(length(min = 8, max = 256)))]
    pub password: String,
    /// What the device is called in the list of devices; at most `name_bytes_max` bytes.
    #[serde(default)]
    pub device_name: Option<String>,
}

/// What a new pair of tokens is given for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The newest refresh token, which is used up. An older one used again revokes the device.
    pub refresh_token: String,
}

/// Another password for who knows the current one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is.
    pub current_password: String,
    /// The password as it shall be: at least 8 characters, at most 256 bytes of UTF-8.
    #[cfg_attr(feature = "schema", schemars(length(min = 8, max = 256)))]
    pub new_password: String,
    /// Whether one's other devices stay signed in.
    #[serde(default)]
    pub keep_devices: bool,
}

/// The password once more, for what a stolen device must not do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmPassword {
    /// The password as it is.
    pub current_password: String,
}

/// A set of recovery codes. They are shown this once, and only hashes of them are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryCodes {
    /// Each sets a new password once. Case, and what lies between the groups, does not matter.
    pub codes: Vec<String>,
}

/// A new password by a recovery code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The name one signs in with.
    pub handle: String,
    /// A code of the newest set that was not used yet.
    pub code: String,
    /// The password as it shall be: at least 8 characters, at most 256 bytes of UTF-8.
    #[cfg_attr(feature = "schema", schemars(length(min = 8, max = 256)))]
    pub new_password: String,
}

/// What a sign-in gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tokens {
    /// Who signed in.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// The name.
    pub handle: String,
    /// For `hello` and `Authorization: Bearer …`.
    pub access_token: String,
    /// When it expires.
    pub access_token_expires: Timestamp,
    /// For the next pair. Absent from tokens minted by an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Server time, for client ids.
    pub time: Timestamp,
}

/// A person, as others are shown them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The name.
    pub handle: String,
}

/// The devices that a person is signed in on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Devices {
    /// The person's devices, oldest first.
    pub devices: Vec<Device>,
}

/// One device of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// What it is called.
    pub name: String,
    /// When it signed in first.
    pub created: Timestamp,
}

/// Either `user`, which makes or finds the direct conversation with that person, or `name`, which makes a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewConversation {
    /// The other person of a direct conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// What the group is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who is in the group from the start, beside oneself; at most `members_per_request_max`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Whether newcomers to the group see what came before they joined.
    #[serde(default)]
    pub history: bool,
}

/// A page of a person's conversations, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conversations {
    /// One page of them.
    pub conversations: Vec<Conversation>,
    /// Asks for the next page, as `page`; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One thing of a group that changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ChangeConversation {
    /// Renames it.
    Name(String),
    /// Sets whether newcomers see what came before they joined.
    History(bool),
}

/// People who are added or removed: at least one, at most `members_per_request_max`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// The people; who is named twice counts once.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub users: Vec<UserId>,
}

/// The role that a member is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// To what.
    pub role: Role,
}

/// A page of the members of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Members {
    /// One page of those who are in, by id.
    pub members: Vec<Member>,
    /// The roster that this was read from.
    pub as_of: Position,
    /// Asks for the next page, as `after`; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<UserId>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
    /// Since which entry.
    pub joined: Mark,
}

/// A message to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The text: at most `text_bytes_max` bytes of UTF-8, and not only white space.
    pub text: String,
}

/// An entry that was appended, and is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Appended {
    /// Where.
    pub conversation: ConversationId,
    /// The entry's place in the log.
    pub position: Position,
    /// Messages in the log up to it.
    pub ordinal: u64,
    /// When.
    pub time: Timestamp,
    /// Under which client id.
    pub client_id: ClientId,
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entries {
    /// Oldest first, whichever way the page was asked for.
    pub entries: Vec<Arc<Entry>>,
    /// The head when the page was read.
    pub as_of: Position,
    /// Whether there is more beyond the page, in the direction that was asked for.
    pub more: bool,
}

/// Where a person's cursors move to. They only grow: a position behind moves nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveCursor {
    /// Up to here this device has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Position>,
    /// Up to here this person has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Position>,
}

/// How far people are: both of a direct conversation, oneself in any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cursors {
    /// Whose, and how far.
    pub cursors: Vec<MemberCursor>,
}

/// How far one person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberCursor {
    /// Who.
    pub user: UserId,
    /// How far.
    #[serde(flatten)]
    pub cursor: Cursor,
}

/// What a person missed while no device of theirs was connected, by conversation, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MissedList {
    /// One row a conversation.
    pub missed: Vec<Missed>,
    /// Messages in all: the badge.
    pub badge: u64,
}

/// What was missed in one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Missed {
    /// Where.
    pub conversation: ConversationId,
    /// Messages since the person's `delivered` cursor.
    pub messages: u64,
    /// Good up to here.
    pub as_of: Position,
    /// When the newest of them was appended.
    pub time: Timestamp,
}
