//! The bodies of the HTTPS API. Errors are [`Failure`] everywhere.
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
pub struct Failure {
    /// What and why.
    pub error: Rejection,
}

/// `POST /v1/accounts`: sign up. `POST /v1/sessions`: sign in. Both answer [`Tokens`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The name one signs in with: 2 to 32 of `a-z`, `0-9`, `_`, `-`, `.`; case is folded.
    pub handle: String,
    /// 8 to 256 bytes.
    pub password: String,
    /// What the device is called in the list of devices.
    #[serde(default)]
    pub device_name: Option<String>,
}

/// `POST /v1/sessions/refresh`: a new pair of tokens for a refresh token, which is used up. Answers [`Tokens`].
/// `DELETE /v1/sessions/current` signs the device out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The newest refresh token. An older one used again revokes the device.
    pub refresh_token: String,
}

/// What a sign-in gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// `GET /v1/users/me`, `GET /v1/users/{id}` and `GET /v1/users?handle=…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The name.
    pub handle: String,
}

/// `GET /v1/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// The person's devices, oldest first.
    pub devices: Vec<Device>,
}

/// One device of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// What it is called.
    pub name: String,
    /// When it signed in first.
    pub created: Timestamp,
}

/// `POST /v1/conversations`: makes or finds a direct conversation (`user`), or makes a group (`name`). A group needs
/// an `Idempotency-Key` header: the client id of its creation. Answers [`Conversation`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewConversation {
    /// The other person of a direct conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// What the group is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who is in the group from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Whether newcomers see what came before they joined.
    #[serde(default)]
    pub history: bool,
}

/// `GET /v1/conversations?page=…`: the person's conversations, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversations {
    /// One page of them.
    pub conversations: Vec<Conversation>,
    /// For the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `PATCH /v1/conversations/{id}`: changes one thing of a group. Needs an `Idempotency-Key`. Answers [`Appended`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ChangeConversation {
    /// Renames it.
    Name(String),
    /// Sets whether newcomers see what came before they joined.
    History(bool),
}

/// `POST /v1/conversations/{id}/members` adds, `DELETE` with the same body removes people; at most
/// `members_per_request_max`. Needs an `Idempotency-Key`. Answers [`Appended`]. `POST …/leave` has no body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// The people.
    pub users: Vec<UserId>,
}

/// `PUT /v1/conversations/{id}/members/{user}/role`. Needs an `Idempotency-Key`. Answers [`Appended`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// To what.
    pub role: Role,
}

/// `GET /v1/conversations/{id}/members?after=…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// One page of those who are in, by id.
    pub members: Vec<Member>,
    /// The roster that this was read from.
    pub as_of: Position,
    /// For the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<UserId>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
    /// Since which entry.
    pub joined: Mark,
}

/// `POST /v1/conversations/{id}/entries`: sends a message. The `Idempotency-Key` header is its client id. Answers
/// [`Appended`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The text.
    pub text: String,
}

/// What an append gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// `GET /v1/conversations/{id}/entries?before=E:S|after=E:S&limit=N`: a page of history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// Oldest first, whichever way the page was asked for.
    pub entries: Vec<Arc<Entry>>,
    /// The head when the page was read.
    pub as_of: Position,
    /// Whether there is more beyond the page, in the direction that was asked for.
    pub more: bool,
}

/// `PUT /v1/conversations/{id}/cursor`: moves this person's cursors. Answers the merged [`Cursor`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveCursor {
    /// Up to here this device has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Position>,
    /// Up to here this person has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Position>,
}

/// `GET /v1/conversations/{id}/cursors`: of both people of a direct conversation, or one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursors {
    /// Whose, and how far.
    pub cursors: Vec<(UserId, Cursor)>,
}

/// `GET /v1/missed`: what this person missed while no device was connected, by conversation, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedList {
    /// One row a conversation.
    pub missed: Vec<Missed>,
    /// Messages in all: the badge.
    pub badge: u64,
}

/// What was missed in one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
