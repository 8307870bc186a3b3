//! Conversations as a device is shown them: what `changes` and the conversation list carry.

use domain::{ConversationId, ConversationKind, Cursor, Entry, Mark, Position, Role, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One conversation, as far as one person may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// Of what kind.
    pub kind: ConversationKind,
    /// The newest entry that this person may see, with its ordinal.
    pub head: Mark,
    /// The oldest entry kept that this person may see.
    pub first: Position,
    /// When the newest entry was appended; absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Messages that this person has not read.
    pub unread: u64,
    /// This person's cursors.
    pub cursor: Cursor,
    /// The other's cursors, in a direct conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// What a group is called and what this person is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The newest entries, oldest first, bounded in bytes.
    pub entries: Vec<Arc<Entry>>,
}

/// The other person of a direct conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Peer {
    /// Who.
    pub user: UserId,
    /// How far they are.
    pub cursor: Cursor,
}

/// A group, as one of its members is shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// What this person is in it; `null` once they are out.
    pub role: Option<Role>,
    /// How many members it has.
    pub members: usize,
    /// Whether newcomers see what came before they joined.
    pub history: bool,
}
