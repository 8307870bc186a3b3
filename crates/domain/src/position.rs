//! Positions: the place of an entry in its log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{ParseError, Region};
use crate::json::only_from_object;

/// The place in the log, dense from 1. Below 2^53, so that every JSON reader keeps it exact.
pub type Seq = u64;

/// The largest seq: the last integer that JSON readers keep exact.
pub const SEQ_MAX: Seq = (1 << 53) - 1;

/// The reign of a leader region over a conversation. Its low byte is the region's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The first epoch of a conversation homed in `region`.
    pub const fn first(region: Region) -> Self {
        Self(region.0 as u32)
    }

    /// The epoch in which `region` goes on once its store was restored from a backup so many times: later than every epoch
    /// of before. The first one, if that never happened.
    pub const fn after_restores(restores: u32, region: Region) -> Self {
        Self(restores.saturating_mul(256) | region.0 as u32)
    }

    /// The region that leads this epoch.
    pub const fn region(self) -> Region {
        Region((self.0 & 0xff) as u8)
    }
}

/// `(epoch, seq)`, ordered in that way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// The reign it was appended in.
    pub epoch: Epoch,
    /// The place in the log.
    #[cfg_attr(feature = "schema", schemars(range(max = SEQ_MAX)))]
    pub seq: Seq,
}

only_from_object!(Position { epoch: Epoch, seq: Seq });

impl Position {
    /// `(0,0)`: precedes everything.
    pub const START: Self = Self { epoch: Epoch(0), seq: 0 };
    /// Follows everything.
    pub const END: Self = Self { epoch: Epoch(u32::MAX), seq: u64::MAX };

    /// The position `(epoch, seq)`.
    pub const fn new(epoch: u32, seq: Seq) -> Self {
        Self { epoch: Epoch(epoch), seq }
    }

    /// The position after this one in `epoch`.
    pub const fn next(self, epoch: Epoch) -> Self {
        Self { epoch, seq: self.seq + 1 }
    }

    /// Epoch and seq, big-endian: 12 bytes that sort like the position.
    pub fn to_key(self) -> [u8; 12] {
        let mut key = [0; 12];
        key[..4].copy_from_slice(&self.epoch.0.to_be_bytes());
        key[4..].copy_from_slice(&self.seq.to_be_bytes());
        key
    }

    /// The position that [`Self::to_key`] made this key from; `None` if it is not 12 bytes.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (epoch, seq) = key.split_first_chunk::<4>()?;
        Some(Self { epoch: Epoch(u32::from_be_bytes(*epoch)), seq: u64::from_be_bytes(seq.try_into().ok()?) })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch.0, self.seq)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Position {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new("position (epoch:seq)", text);
        let (epoch, seq) = text.split_once(':').ok_or_else(error)?;
        let position = Self {
            epoch: Epoch(epoch.parse().map_err(|_| error())?),
            seq: seq.parse().map_err(|_| error())?,
        };
        if position.seq > SEQ_MAX { Err(error()) } else { Ok(position) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_epoch_follows_every_seq_of_an_earlier_one() {
        assert!(Position::new(1, 900) < Position::new(2, 3));
        assert!(Position::new(1, 900).to_key() < Position::new(2, 3).to_key());
        assert!(Position::START < Position::new(1, 1));
    }

    #[test]
    fn a_position_survives_its_text_its_key_and_its_json() {
        let position = Position::new(257, 42);
        assert_eq!(position.to_string().parse(), Ok(position));
        assert_eq!(Position::from_key(&position.to_key()), Some(position));
        assert_eq!(serde_json::to_string(&position).unwrap(), r#"{"epoch":257,"seq":42}"#);
    }

    #[test]
    fn a_bare_seq_is_no_position() {
        for text in ["", "42", "1:", ":1", "1:-1", "1:2:3", "1:9007199254740992"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_low_byte_of_an_epoch_is_its_region() {
        assert_eq!(Epoch::first(Region(1)), Epoch(1));
        assert_eq!(Epoch(0x0302).region(), Region(2));
    }
}
