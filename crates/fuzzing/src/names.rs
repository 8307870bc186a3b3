//! Ids, positions and times: as the text that devices carry, and as the keys that rows lie under.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use domain::id::ParseError;
use domain::{ClientId, ConversationId, DeviceId, Position, Timestamp, UserId};

/// The most bytes of the message that a text is none of them.
const ERROR_BYTES_MAX: usize = 512;

/// A text as each of them. True if it is one.
pub(crate) fn text(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let read = [
        has_one_form::<UserId>(text),
        has_one_form::<DeviceId>(text),
        has_one_form::<ConversationId>(text),
        survives::<ClientId>(text).is_some(),
        survives::<Position>(text).is_some(),
        survives::<Timestamp>(text).is_some(),
    ];
    read.contains(&true)
}

/// Ids are compared as text by whoever has them: what is read as one is written just so.
fn has_one_form<T: FromStr<Err = ParseError> + Display + PartialEq + Debug>(text: &str) -> bool {
    let Some(read) = survives::<T>(text) else { return false };
    assert_eq!(read.to_string(), text, "one id has two forms");
    true
}

fn survives<T: FromStr<Err = ParseError> + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    match text.parse::<T>() {
        Ok(read) => {
            assert_eq!(read.to_string().parse().as_ref(), Ok(&read));
            Some(read)
        }
        Err(error) => {
            assert!(error.to_string().len() <= ERROR_BYTES_MAX, "a refusal grows with what is refused");
            None
        }
    }
}

/// Bytes as a key: what is read from them is written as them. True if something is.
pub(crate) fn key(data: &[u8]) -> bool {
    let conversation = ConversationId::split_key(data);
    if let Some((conversation, rest)) = conversation {
        assert_eq!([&conversation.to_key(), rest].concat(), data);
        assert_eq!(conversation.to_string().parse(), Ok(conversation));
    }
    let position = Position::from_key(data);
    if let Some(position) = position {
        assert_eq!(position.to_key(), data);
    }
    conversation.is_some() || position.is_some()
}
