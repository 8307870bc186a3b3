//! Ids of people, devices, sessions and submissions.
//!
//! An id is opaque outside: one kind letter and, in base32, the home region's byte followed by 15 random bytes. The
//! alphabet is base32hex in lower case, because it sorts like the bytes do. Random bytes are handed in.

use std::{fmt, str::FromStr};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::sync::LazyLock;

/// Base32hex without padding, lower case: keeps the order of the bytes.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("0123456789abcdefghijklmnopqrstuv");
    spec.encoding().expect("the alphabet has 32 distinct ASCII symbols")
});

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {expected} id")]
pub struct ParseError {
    /// What kind of id was expected.
    pub expected: &'static str,
    /// The text that was given, cut to 80 characters.
    pub text: String,
}

impl ParseError {
    pub(crate) fn new(expected: &'static str, text: &str) -> Self {
        Self { expected, text: text.chars().take(80).collect() }
    }
}

pub(crate) fn encode(letter: char, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(1 + BASE32.encode_len(bytes.len()));
    text.push(letter);
    BASE32.encode_append(bytes, &mut text);
    text
}

pub(crate) fn decode<const N: usize>(letter: char, text: &str) -> Option<[u8; N]> {
    let rest = text.strip_prefix(letter)?;
    if rest.len() != BASE32.encode_len(N) {
        return None;
    }
    BASE32.decode(rest.as_bytes()).ok()?.try_into().ok()
}

/// A region's number. One region alone is number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(pub u8);

impl Region {
    /// The number of a deployment that has one region.
    pub const ONLY: Self = Self(1);
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// An id homed in `home`, from 15 random bytes.
            pub fn new(home: Region, random: [u8; 15]) -> Self {
                let mut bytes = [home.0; 16];
                bytes[1..].copy_from_slice(&random);
                Self(bytes)
            }

            /// The id that these bytes are.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The region's byte and the 15 random bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The region that this id was made in.
            pub const fn home(&self) -> Region {
                Region(self.0[0])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode($letter, &self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                decode($letter, text).map(Self).ok_or_else(|| ParseError::new($what, text))
            }
        }

        text_serde!($name);
    };
}

/// Serde as the text of `Display` and `FromStr`.
macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

id!(
    /// A person with an account.
    UserId, 'u', "user"
);
id!(
    /// One phone, browser or program of a user.
    DeviceId, 'v', "device"
);

/// The id that a device chose for a submission: a UUIDv7 on server time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(uuid::Uuid);

impl ClientId {
    /// A client id made at `unix_ms` from 10 random bytes (RFC 9562, version 7).
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// The id that these bytes are; `None` unless they are a UUIDv7.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let uuid = uuid::Uuid::from_bytes(bytes);
        (uuid.get_version_num() == 7 && uuid.get_variant() == uuid::Variant::RFC4122).then_some(Self(uuid))
    }

    /// The 16 bytes, which sort by time.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// When it was made, in milliseconds since 1970, by the device's word.
    pub fn unix_ms(&self) -> u64 {
        let bytes = self.0.as_bytes();
        bytes[..6].iter().fold(0, |ms, byte| ms << 8 | u64::from(*byte))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl FromStr for ClientId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let uuid = uuid::Uuid::try_parse(text).map_err(|_| ParseError::new("client (UUIDv7)", text))?;
        Self::from_bytes(*uuid.as_bytes()).ok_or_else(|| ParseError::new("client (UUIDv7)", text))
    }
}

text_serde!(ClientId);

/// A gateway's partition of `deliver`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u16);

/// The count of a slot's leases. What an older generation says is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(pub u32);

/// One live connection: the slot that holds it, the lease it was made under, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// The slot of the gateway that holds the connection.
    pub slot: Slot,
    /// The lease that the connection was registered under.
    pub generation: Generation,
    /// Unique within the lease, never used again.
    pub number: u64,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}-{}-{}", self.slot.0, self.generation.0, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_keeps_its_order() {
        let low = UserId::new(Region(1), [3; 15]);
        let high = UserId::new(Region(1), [200; 15]);
        assert_eq!(low.to_string().parse::<UserId>(), Ok(low));
        assert_eq!(low.to_string().len(), 27);
        assert!(low.to_string() < high.to_string());
        assert_eq!(low.home(), Region(1));
    }

    #[test]
    fn a_text_of_another_kind_or_length_is_no_id() {
        let device = DeviceId::new(Region(1), [3; 15]).to_string();
        for text in ["", "u", "u0", device.as_str(), "u!0000000000000000000000000", &"u0".repeat(500)] {
            let error = text.parse::<UserId>().unwrap_err();
            assert!(error.text.len() <= 80);
        }
    }

    #[test]
    fn a_client_id_carries_its_time_and_only_version_7_is_one() {
        let id = ClientId::new(1_700_000_000_123, [7; 10]);
        assert_eq!(id.unix_ms(), 1_700_000_000_123);
        assert_eq!(id.to_string().parse::<ClientId>(), Ok(id));
        assert!("7d444840-9dc0-11d1-b245-5ffdce74fad2".parse::<ClientId>().is_err());
    }
}
