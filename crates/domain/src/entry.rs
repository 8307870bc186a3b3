//! Entries: the records of a log. Nothing in an entry is per receiver.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::content::Body;
use crate::conversation::ConversationId;
use crate::cursor::Mark;
use crate::id::{ClientId, DeviceId, UserId};
use crate::position::Position;
use crate::submission::Identity;
use crate::time::Timestamp;

/// What an entry records. Unknown kinds are kept and passed on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A group was made. Membership.
    Created,
    /// A text.
    Message,
    /// People were added. Membership.
    Joined,
    /// The sender left. Membership.
    Left,
    /// People were removed. Membership.
    Removed,
    /// A member's role was set. Membership.
    Role,
    /// The group was renamed. Moves the roster like membership does, so that one chain leads through all that a group is.
    Renamed,
    /// Whether newcomers see what came before them was set. Membership, since it decides what later members see.
    History,
    /// A kind of another version of this program.
    Other(Box<str>),
}

impl Kind {
    /// The kinds of this version.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Message,
        Self::Joined,
        Self::Left,
        Self::Removed,
        Self::Role,
        Self::Renamed,
        Self::History,
    ];

    /// The kind as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Message => "message",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Removed => "removed",
            Self::Role => "role",
            Self::Renamed => "renamed",
            Self::History => "history",
            Self::Other(name) => name,
        }
    }

    /// The kind that is written so.
    pub fn parse(name: &str) -> Self {
        match name {
            "created" => Self::Created,
            "message" => Self::Message,
            "joined" => Self::Joined,
            "left" => Self::Left,
            "removed" => Self::Removed,
            "role" => Self::Role,
            "renamed" => Self::Renamed,
            "history" => Self::History,
            other => Self::Other(other.into()),
        }
    }

    /// Whether entries of this kind move the roster.
    pub const fn is_membership(&self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::Joined
                | Self::Left
                | Self::Removed
                | Self::Role
                | Self::Renamed
                | Self::History
        )
    }

    /// Whether entries of this kind count as messages: in ordinals and unread counts.
    pub const fn is_message(&self) -> bool {
        matches!(self, Self::Message)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer).map(|name| Self::parse(&name))
    }
}

/// One record of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// The log.
    pub conversation: ConversationId,
    /// The place in it.
    pub position: Position,
    /// What it records.
    pub kind: Kind,
    /// Who did it.
    pub sender: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Under which client id.
    pub client_id: ClientId,
    /// Server time, never before the previous entry's.
    pub time: Timestamp,
    /// How many messages the log holds up to this entry.
    pub ordinal: u64,
    /// The position of the newest membership entry at or before this one.
    pub roster: Position,
    /// Its position before a re-submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Position>,
    /// What it says; `null` once it was erased.
    pub body: Option<Body>,
}

impl Entry {
    /// What makes a second try of its submission the same.
    pub fn identity(&self) -> Identity {
        Identity {
            conversation: self.conversation,
            sender: self.sender,
            device: self.device,
            client_id: self.client_id,
        }
    }

    /// Its position with its ordinal.
    pub const fn mark(&self) -> Mark {
        Mark::new(self.position, self.ordinal)
    }

    /// What the log is like once it ends here.
    pub const fn head(&self) -> Head {
        Head { position: self.position, ordinal: self.ordinal, roster: self.roster, time: self.time }
    }

    /// Roughly the bytes it takes in memory and on the wire.
    pub fn size_bytes(&self) -> usize {
        320 + self.body.as_ref().map_or(0, |body| body.as_str().len())
    }
}

/// The end of a log: what the next entry builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// The newest entry's position.
    pub position: Position,
    /// How many messages the log holds.
    pub ordinal: u64,
    /// The newest membership entry's position.
    pub roster: Position,
    /// The newest entry's time.
    pub time: Timestamp,
}

impl Head {
    /// Its position with its ordinal.
    pub const fn mark(&self) -> Mark {
        Mark::new(self.position, self.ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_kind_is_read_as_what_it_is_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), kind);
        }
    }

    #[test]
    fn an_unknown_kind_is_kept_and_passed_on() {
        let kind: Kind = serde_json::from_str("\"poll\"").unwrap();
        assert_eq!(kind, Kind::Other("poll".into()));
        assert_eq!(serde_json::to_string(&kind).unwrap(), "\"poll\"");
        assert!(!kind.is_membership() && !kind.is_message());
    }
}
