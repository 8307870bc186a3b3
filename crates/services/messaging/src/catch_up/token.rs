//! Sync tokens and list pages: where a resume stands. Opaque outside; what cannot be read is an unknown token.

use data_encoding::BASE64URL_NOPAD;
use domain::{ConversationId, Region, Timestamp};
use store_registry::Stamp;

/// The first byte of every token of this form.
const VERSION: u8 = 1;

/// Where a device's resume stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// The region that gave it.
    pub region: Region,
    /// Which life of the change index it is of.
    pub incarnation: u64,
    /// The device has every change up to this stamp.
    pub stamp: Stamp,
    /// Large groups whose head is older than this need not be listed.
    pub time: Timestamp,
    /// What is still to come of a resume that did not fit one answer.
    pub more: Option<More>,
}

/// The bounds of a resume under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct More {
    /// What the stamp will be once all is given.
    pub upto: Stamp,
    /// What the time will be.
    pub time: Timestamp,
    /// What comes next.
    pub next: Next,
}

/// What comes next in a resume under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Changes before this stamp.
    Below(Stamp),
    /// Large groups after this one, by id.
    LargeAfter(ConversationId),
    /// The whole list, after this conversation and the time it was listed under.
    ListAfter(Timestamp, ConversationId),
}

impl Token {
    /// The token as devices carry it.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = vec![VERSION, self.region.0];
        for number in [self.incarnation, self.stamp, self.time.unix_ms()] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        if let Some(More { upto, time, next }) = self.more {
            bytes.extend_from_slice(&upto.to_be_bytes());
            bytes.extend_from_slice(&time.unix_ms().to_be_bytes());
            next.write(&mut bytes);
        }
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// The token that this text is; `None` if it is none of this form.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (&[version, region], rest) = bytes.split_first_chunk::<2>()?;
        let (incarnation, rest) = number(rest)?;
        let (stamp, rest) = number(rest)?;
        let (time, rest) = number(rest)?;
        let more = if rest.is_empty() { None } else { Some(More::read(rest)?) };
        let time = Timestamp::from_unix_ms(time);
        (version == VERSION).then_some(Self { region: Region(region), incarnation, stamp, time, more })
    }
}

impl More {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (upto, rest) = number(bytes)?;
        let (time, rest) = number(rest)?;
        Some(Self { upto, time: Timestamp::from_unix_ms(time), next: Next::read(rest)? })
    }
}

impl Next {
    fn write(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Below(stamp) => {
                bytes.push(b'b');
                bytes.extend_from_slice(&stamp.to_be_bytes());
            }
            Self::LargeAfter(conversation) => {
                bytes.push(b'l');
                conversation.write_key(bytes);
            }
            Self::ListAfter(time, conversation) => {
                bytes.push(b'r');
                bytes.extend_from_slice(&time.unix_ms().to_be_bytes());
                conversation.write_key(bytes);
            }
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let conversation =
            |bytes| ConversationId::split_key(bytes).filter(|(_, rest)| rest.is_empty()).map(|(id, _)| id);
        let (letter, rest) = bytes.split_first()?;
        match letter {
            b'b' => number(rest).filter(|(_, rest)| rest.is_empty()).map(|(stamp, _)| Self::Below(stamp)),
            b'l' => conversation(rest).map(Self::LargeAfter),
            b'r' => {
                let (time, rest) = number(rest)?;
                Some(Self::ListAfter(Timestamp::from_unix_ms(time), conversation(rest)?))
            }
            _ => None,
        }
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    bytes.split_first_chunk::<8>().map(|(number, rest)| (u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use domain::UserId;
    use proptest::prelude::*;

    use super::*;

    fn own() -> ConversationId {
        ConversationId::Own(UserId::new(Region(1), [3; 15]))
    }

    fn nexts() -> impl Strategy<Value = Next> {
        prop_oneof![
            any::<u64>().prop_map(Next::Below),
            Just(Next::LargeAfter(own())),
            (0u64..1 << 40).prop_map(|ms| Next::ListAfter(Timestamp::from_unix_ms(ms), own())),
        ]
    }

    proptest! {
        #[test]
        fn a_token_survives_its_text(
            incarnation: u64,
            stamp: u64,
            ms in 0u64..1 << 40,
            next in proptest::option::of(nexts()),
        ) {
            let time = Timestamp::from_unix_ms(ms);
            let more = next.map(|next| More { upto: stamp, time, next });
            let token = Token { region: Region(1), incarnation, stamp, time, more };
            prop_assert_eq!(Token::decode(&token.encode()), Some(token));
        }

        #[test]
        fn any_text_is_read_or_unknown_and_never_a_panic(text in ".{0,200}") {
            let _ = Token::decode(&text);
        }
    }
}
