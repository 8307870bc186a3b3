//! What a fuzz target calls: a frame of a device out of arbitrary bytes, held to its promises.

use std::borrow::Cow;

use domain::Position;
use protocol::frame::{self, FromDevice};
use serde_json::value::RawValue;

use super::wire::{self, Asked, Unread};

/// The most bytes of an answer to a frame that cannot be read, as JSON: it must not grow with the frame.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// Reads a frame, and demands that the protocol writes what was understood so that it is understood as the same, and
/// that a refusal is small. True if it was understood.
///
/// # Panics
/// If it does not, or is not.
pub fn frame(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    match wire::read(text) {
        Ok(asked) => {
            let written = serde_json::to_string(&said(&asked)).expect("frames of strings always serialise");
            let again = wire::read(&written);
            let again = again.expect("what was understood is written so that it is understood");
            assert_eq!(format!("{again:?}"), format!("{asked:?}"), "{written}");
            true
        }
        Err(unread) => {
            is_small(&match unread {
                Unread::Refused(refusal) => serde_json::to_string(&*refusal),
                Unread::Broken(why) => serde_json::to_string(&why),
            });
            false
        }
    }
}

fn is_small(answer: &serde_json::Result<String>) {
    let answer = answer.as_ref().expect("an answer always serialises");
    assert!(answer.len() <= ANSWER_BYTES_MAX, "an answer of {} bytes: {answer:.200}", answer.len());
}

/// What was asked, as a device says it.
fn said<'a>(asked: &'a Asked<'_>) -> FromDevice<'a> {
    match asked {
        Asked::Hello(token) => FromDevice::Hello { token: Cow::Borrowed(token) },
        Asked::Renew(token) => FromDevice::Renew { token: Cow::Borrowed(token) },
        Asked::Send(send) => FromDevice::Send(frame::Send {
            conversation: send.conversation,
            client_id: send.client_id,
            body: RawValue::from_string(send.body.to_owned()).expect("a body is JSON"),
            after: send.after,
        }),
        Asked::Move(wire::Move { conversation, delivered, read }) => {
            let moved = |position: Position| frame::Move { conversation: *conversation, position };
            match (delivered, read) {
                (Some(position), _) => FromDevice::Delivered(moved(*position)),
                (None, position) => FromDevice::Read(moved(position.unwrap_or_default())),
            }
        }
        Asked::Sync(token) => FromDevice::Sync { token: token.as_deref().map(str::to_owned) },
        Asked::Ping => FromDevice::Ping {},
    }
}
