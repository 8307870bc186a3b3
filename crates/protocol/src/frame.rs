//! The frames of a session: one JSON object per WebSocket text frame, tagged by `type`.
//!
//! The doc comments of frames and fields are read by whoever writes a client: they become the descriptions in
//! `docs/api/asyncapi.json`.

use std::borrow::Cow;
use std::sync::Arc;

use domain::{
    ClientId, ConversationId, Cursor, DeviceId, Entry, Limits, Position, Rejection, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::view::Conversation;

pub use crate::closing::{Advice, Reason};

/// What a device says. Written as it is; read field by field, since serde buffers a tagged enum in a form from which the
/// raw JSON of a body cannot be had.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromDevice<'a> {
    /// The first frame of a session: who connects. Others may follow it unawaited.
    Hello {
        /// The access token.
        token: Cow<'a, str>,
    },
    /// A new access token for the same user and device.
    Renew {
        /// The access token.
        token: Cow<'a, str>,
    },
    /// Asks to append a message.
    Send(Send),
    /// This device has everything up to here. Answered only if it is refused.
    Delivered(Move),
    /// This person has read up to here. Answered only if it is refused.
    Read(Move),
    /// Asks what changed since a sync token, or for everything without one.
    Sync {
        /// The token of the last `changes`; absent on a new device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// Asks for a `pong`, which shows that the connection lives.
    Ping {},
}

/// `send`: asks to append a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Send {
    /// Where.
    pub conversation: ConversationId,
    /// A UUIDv7 on server time; the same for every try.
    pub client_id: ClientId,
    /// What to say.
    #[cfg_attr(feature = "schema", schemars(with = "domain::content::Message"))]
    pub body: Box<RawValue>,
    /// The client id that this device sent before this one in the conversation and that is not acked yet. Unless that one
    /// is in the log, this one is refused with `out_of_order`, so that one refusal holds back what follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ClientId>,
}

/// `delivered` and `read`: moves a cursor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Move {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Up to where.
    pub position: Position,
}

/// What a server says. Written as it is; read by its tag first, for the same reason.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromServer {
    /// The session is live: from here on it is told of every entry, or that it is behind.
    Welcome(Box<Welcome>),
    /// A submission of this device is stored, durably, at a position.
    Sent(Sent),
    /// An entry was appended.
    Entry {
        /// The entry.
        entry: Arc<Entry>,
    },
    /// Somebody's cursors moved: one's own, or the other's in a direct conversation.
    Cursor(CursorMoved),
    /// The answer to `sync`.
    Changes(Changes),
    /// The session missed something: entries between the last one it got and now were not sent. Sync, and send again
    /// what was not acked.
    Lagged {},
    /// A frame was refused. Nothing happened, unless the code is `unavailable`, `timeout` or `internal`: then nobody knows;
    /// send the same again, with the same client id.
    Error(Error),
    /// The server closes the session; `retry_after_ms` says when to come back, if at all.
    Goodbye(Goodbye),
    /// The answer to `ping`.
    Pong {},
}

/// `welcome`: who this is, and what holds here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Welcome {
    /// Whom the token names.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// This session, for support.
    pub session: String,
    /// Server time: client ids are made on it.
    pub time: Timestamp,
    /// When the access token expires; `renew` before that.
    pub token_expires: Timestamp,
    /// What is allowed here.
    pub limits: Limits,
}

/// `sent`: a submission is stored, durably.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sent {
    /// Where.
    pub conversation: ConversationId,
    /// Which submission.
    pub client_id: ClientId,
    /// Its place in the log.
    pub position: Position,
    /// Messages in the log up to it.
    pub ordinal: u64,
    /// When it was appended.
    pub time: Timestamp,
}

/// `cursor`: how far somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CursorMoved {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Whose.
    pub user: UserId,
    /// How far.
    #[serde(flatten)]
    pub cursor: Cursor,
}

/// `changes`: the conversations that changed since the token, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Changes {
    /// The token for the next `sync`.
    pub token: String,
    /// There is more: sync again at once, with the new token.
    pub more: bool,
    /// No token was given, or it is not known (any more): the whole list begins. Its later parts, asked for while `more`,
    /// say `false` and belong to it. A conversation that the device holds and the list does not name is gone; what its
    /// person may still see of it, their removal last, is had by pages.
    pub reset: bool,
    /// What changed.
    pub conversations: Vec<Conversation>,
}

/// `error`: which frame was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Error {
    /// What and why.
    pub error: Rejection,
    /// The submission that was refused, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The conversation of the refused frame, if it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The `type` of the refused frame, as far as it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
}

/// `goodbye`: the last frame of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Goodbye {
    /// Why.
    pub reason: Reason,
    /// What to know beyond the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When to come back, in milliseconds, already jittered; absent where coming back is useless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
