//! Conversation ids: which log is meant, of which kind, homed where.
//!
//! A direct conversation's id holds both user ids, so both sides make the same one; a group's is derived from its
//! creation's identity, so a retry makes one group.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{ClientId, DeviceId, ParseError, Region, UserId, decode, encode, text_serde};

/// What sort of conversation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ConversationKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Two people for ever.
    Direct,
    /// Members who come and go.
    Group,
    /// One person's own log.
    Own,
}

/// The name of a log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConversationId {
    /// Two people for ever, or one with oneself. The lower id comes first; make it with [`ConversationId::direct`].
    Direct(UserId, UserId),
    /// A group: the home region's byte and 15 bytes derived from its creation.
    Group([u8; 16]),
    /// A person's own log.
    Own(UserId),
}

const GROUP_CONTEXT: &str = "connect-chat group id v1";

impl ConversationId {
    /// The conversation of `one` and `other`, the same whoever asks.
    pub fn direct(one: UserId, other: UserId) -> Self {
        Self::Direct(one.min(other), one.max(other))
    }

    /// The group that this creation makes, in `home`. The same creation makes the same group.
    pub fn group(home: Region, creator: UserId, device: DeviceId, creation: ClientId) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(GROUP_CONTEXT);
        for part in [creator.as_bytes(), device.as_bytes(), creation.as_bytes()] {
            hasher.update(part);
        }
        let mut bytes = [home.0; 16];
        bytes[1..].copy_from_slice(&hasher.finalize().as_bytes()[..15]);
        Self::Group(bytes)
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Direct(..) => Kind::Direct,
            Self::Group(_) => Kind::Group,
            Self::Own(_) => Kind::Own,
        }
    }

    /// The region that leads its first epoch.
    pub const fn home(&self) -> Region {
        match self {
            Self::Direct(lower, _) => lower.home(),
            Self::Group(bytes) => Region(bytes[0]),
            Self::Own(user) => user.home(),
        }
    }

    /// The other person of a direct conversation (oneself, if it is with oneself).
    pub fn peer(&self, user: UserId) -> Option<UserId> {
        match *self {
            Self::Direct(lower, higher) if lower == user => Some(higher),
            Self::Direct(lower, higher) if higher == user => Some(lower),
            _ => None,
        }
    }

    /// The kind letter and the id's bytes: a prefix-free key that sorts by kind, then id.
    pub fn to_key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.key_len());
        self.write_key(&mut key);
        key
    }

    /// Appends [`Self::to_key`] to `key`.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        match self {
            Self::Direct(lower, higher) => {
                key.push(b'd');
                key.extend_from_slice(lower.as_bytes());
                key.extend_from_slice(higher.as_bytes());
            }
            Self::Group(bytes) => {
                key.push(b'g');
                key.extend_from_slice(bytes);
            }
            Self::Own(user) => {
                key.push(b'o');
                key.extend_from_slice(user.as_bytes());
            }
        }
    }

    /// How many bytes [`Self::to_key`] has.
    pub const fn key_len(&self) -> usize {
        match self {
            Self::Direct(..) => 33,
            Self::Group(_) | Self::Own(_) => 17,
        }
    }

    /// Reads a key from the front of `bytes`; the rest comes back beside it.
    pub fn split_key(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (letter, rest) = bytes.split_first()?;
        let (first, rest) = rest.split_first_chunk::<16>()?;
        match letter {
            b'd' => {
                let (second, rest) = rest.split_first_chunk::<16>()?;
                let (lower, higher) = (UserId::from_bytes(*first), UserId::from_bytes(*second));
                (lower <= higher).then_some((Self::Direct(lower, higher), rest))
            }
            b'g' => Some((Self::Group(*first), rest)),
            b'o' => Some((Self::Own(UserId::from_bytes(*first)), rest)),
            _ => None,
        }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.to_key();
        f.write_str(&encode(char::from(key[0]), &key[1..]))
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ConversationId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let parsed = match text.as_bytes().first() {
            Some(b'd') => decode::<32>('d', text).and_then(|bytes| {
                let key = [&b"d"[..], &bytes[..]].concat();
                Self::split_key(&key).map(|(id, _)| id)
            }),
            Some(b'g') => decode('g', text).map(Self::Group),
            Some(b'o') => decode('o', text).map(|bytes| Self::Own(UserId::from_bytes(bytes))),
            _ => None,
        };
        parsed.ok_or_else(|| ParseError::new("conversation", text))
    }
}

text_serde!(ConversationId);

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u8) -> UserId {
        UserId::new(Region(1), [n; 15])
    }

    #[test]
    fn both_sides_make_the_same_direct_conversation() {
        let id = ConversationId::direct(user(9), user(2));
        assert_eq!(id, ConversationId::direct(user(2), user(9)));
        assert_eq!(id.peer(user(9)), Some(user(2)));
        assert_eq!(id.peer(user(3)), None);
        assert_eq!(ConversationId::direct(user(2), user(2)).peer(user(2)), Some(user(2)));
    }

    #[test]
    fn a_retried_creation_makes_one_group_and_another_makes_another() {
        let device = DeviceId::new(Region(1), [4; 15]);
        let creation = ClientId::new(1, [1; 10]);
        let id = ConversationId::group(Region(2), user(1), device, creation);
        assert_eq!(id, ConversationId::group(Region(2), user(1), device, creation));
        assert_ne!(id, ConversationId::group(Region(2), user(2), device, creation));
        assert_eq!(id.home(), Region(2));
    }

    #[test]
    fn every_id_survives_its_text_and_its_key() {
        let group = ConversationId::group(
            Region(1),
            user(1),
            DeviceId::new(Region(1), [4; 15]),
            ClientId::new(1, [1; 10]),
        );
        for id in [ConversationId::direct(user(1), user(2)), group, ConversationId::Own(user(3))] {
            assert_eq!(id.to_string().parse(), Ok(id));
            let key = [id.to_key(), vec![7]].concat();
            assert_eq!(ConversationId::split_key(&key), Some((id, &[7][..])));
            assert_eq!(id.to_key().len(), id.key_len());
        }
    }

    #[test]
    fn a_direct_id_with_its_users_swapped_is_refused() {
        let swapped = encode('d', &[&user(9).as_bytes()[..], &user(2).as_bytes()[..]].concat());
        assert!(swapped.parse::<ConversationId>().is_err());
    }
}
