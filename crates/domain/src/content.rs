//! Bodies: what an entry says. Kept as the JSON that devices are given, so that a text is encoded once in its life;
//! read as [`Content`] where the meaning matters, which is for membership only.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::entry::Kind;
use crate::id::UserId;
use crate::json::Object;
use crate::roster::Role;

/// A body: one JSON object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Body(Box<RawValue>);

impl Body {
    /// The body that this JSON text is; an error if it is no JSON.
    pub fn from_json(json: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(json).map(Self)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Body {}

/// `message`: a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MessageBody"))]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The text: at most `text_bytes_max` bytes, and not only white space.
    pub text: String,
}

/// `created`: a group begins. Its sender is its first admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "CreatedBody"))]
#[serde(deny_unknown_fields)]
pub struct Created {
    /// What the group is called.
    pub name: String,
    /// Who is in it from the start, beside the sender.
    #[serde(default)]
    pub users: Vec<UserId>,
    /// Whether newcomers see what came before they joined.
    #[serde(default)]
    pub history: bool,
}

/// `joined` and `removed`: the people who were added or removed. Who was in (or out) already is not touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "UsersBody"))]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// The people.
    pub users: Vec<UserId>,
}

/// `left`: the sender left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "LeftBody"))]
#[serde(deny_unknown_fields)]
pub struct Left {}

/// `role`: a member's role was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RoleBody"))]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// Whose.
    pub user: UserId,
    /// To what.
    pub role: Role,
}

/// `renamed`: the group's new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RenamedBody"))]
#[serde(deny_unknown_fields)]
pub struct Renamed {
    /// The name.
    pub name: String,
}

/// `history`: whether people who join from now on see what came before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "HistoryBody"))]
#[serde(deny_unknown_fields)]
pub struct History {
    /// They do.
    pub visible: bool,
}

/// What the kinds of this version say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is the kind of its name, and its body is documented at its type"
)]
pub enum Content {
    Created(Created),
    Message(Message),
    Joined(Users),
    Left(Left),
    Removed(Users),
    Role(SetRole),
    Renamed(Renamed),
    History(History),
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// This version does not know the kind.
    #[error("entries of kind `{0}` are not served by this server")]
    UnknownKind(Box<str>),
    /// The body is not what the kind wants.
    #[error("the body is not that of a `{kind}`: {source}")]
    Malformed {
        /// The kind.
        kind: Kind,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Content {
    /// Reads a body of `kind`.
    pub fn parse(kind: &Kind, body: &str) -> Result<Self, ContentError> {
        fn read<'a, T: Deserialize<'a>>(kind: &Kind, body: &'a str) -> Result<T, ContentError> {
            serde_json::from_str(body)
                .map(|Object(content)| content)
                .map_err(|source| ContentError::Malformed { kind: kind.clone(), source })
        }
        Ok(match kind {
            Kind::Created => Self::Created(read(kind, body)?),
            Kind::Message => Self::Message(read(kind, body)?),
            Kind::Joined => Self::Joined(read(kind, body)?),
            Kind::Left => Self::Left(read(kind, body)?),
            Kind::Removed => Self::Removed(read(kind, body)?),
            Kind::Role => Self::Role(read(kind, body)?),
            Kind::Renamed => Self::Renamed(read(kind, body)?),
            Kind::History => Self::History(read(kind, body)?),
            Kind::Other(name) => return Err(ContentError::UnknownKind(name.clone())),
        })
    }

    /// What it must have and has not: a text, or a name, that is more than white space.
    pub fn lacks(&self) -> Option<&'static str> {
        let (said, lacks) = match self {
            Self::Message(message) => (&message.text, "a message has a text"),
            Self::Created(created) => (&created.name, "a group has a name"),
            Self::Renamed(renamed) => (&renamed.name, "a group has a name"),
            _ => return None,
        };
        said.trim().is_empty().then_some(lacks)
    }

    /// The kind of entry that says this.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Created(_) => Kind::Created,
            Self::Message(_) => Kind::Message,
            Self::Joined(_) => Kind::Joined,
            Self::Left(_) => Kind::Left,
            Self::Removed(_) => Kind::Removed,
            Self::Role(_) => Kind::Role,
            Self::Renamed(_) => Kind::Renamed,
            Self::History(_) => Kind::History,
        }
    }

    /// The canonical body: the same content always gives the same bytes, which is how a conflict is seen.
    pub fn to_body(&self) -> Body {
        fn write<T: Serialize>(content: &T) -> Body {
            Body(to_raw_value(content).expect("plain structs of strings and ids always serialise"))
        }
        match self {
            Self::Created(content) => write(content),
            Self::Message(content) => write(content),
            Self::Joined(content) | Self::Removed(content) => write(content),
            Self::Left(content) => write(content),
            Self::Role(content) => write(content),
            Self::Renamed(content) => write(content),
            Self::History(content) => write(content),
        }
    }

    /// A message with this text.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(Message { text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Region;

    #[test]
    fn every_content_survives_its_body_and_is_canonical() {
        let user = UserId::new(Region(1), [1; 15]);
        for content in [
            Content::message("héllo \u{1F600} \"quoted\" \u{202E}"),
            Content::Created(Created { name: "n".into(), users: vec![user], history: true }),
            Content::Joined(Users { users: vec![user] }),
            Content::Left(Left {}),
            Content::Removed(Users { users: vec![user] }),
            Content::Role(SetRole { user, role: Role::Admin }),
            Content::Renamed(Renamed { name: "x".into() }),
            Content::History(History { visible: true }),
        ] {
            let body = content.to_body();
            let read = Content::parse(&content.kind(), body.as_str()).unwrap();
            assert_eq!(read, content);
            assert_eq!(read.to_body(), body);
        }
    }

    #[test]
    fn a_body_of_another_kind_or_with_unknown_fields_is_refused() {
        for (kind, body) in [
            (Kind::Message, r#"{"text":1}"#),
            (Kind::Message, r#"{"text":"a","html":"b"}"#),
            (Kind::Left, "[]"),
            (Kind::Role, r#"{"user":"u","role":"admin"}"#),
            (Kind::Other("poll".into()), "{}"),
        ] {
            assert!(Content::parse(&kind, body).is_err(), "{kind} {body}");
        }
    }
}
