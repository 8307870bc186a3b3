//! What travels as JSON: the frames of a server, the bodies of the HTTPS API, and what entries say.

use client::wire::{Heard, parse};
use domain::{Content, Entry, Kind};
use protocol::http;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Every body, whichever way it travels.
const BODIES: [fn(&[u8]) -> bool; 22] = [
    survives::<http::Failure>,
    survives::<http::Credentials>,
    survives::<http::Refresh>,
    survives::<http::Tokens>,
    survives::<http::User>,
    survives::<http::Devices>,
    survives::<http::NewConversation>,
    survives::<protocol::view::Conversation>,
    survives::<http::Conversations>,
    survives::<http::ChangeConversation>,
    survives::<http::Users>,
    survives::<http::SetRole>,
    survives::<http::Members>,
    survives::<http::NewMessage>,
    survives::<http::Appended>,
    survives::<http::Entries>,
    survives::<http::MoveCursor>,
    survives::<http::Cursors>,
    survives::<http::MissedList>,
    survives::<domain::Limits>,
    survives::<domain::Head>,
    survives::<Entry>,
];

const KINDS: [&str; 9] =
    ["message", "created", "joined", "left", "removed", "role", "renamed", "history", "poll"];

/// A body of the kind that the first byte chooses.
pub(crate) fn http_body(data: &[u8]) -> bool {
    let [kind, json @ ..] = data else { return false };
    BODIES[usize::from(*kind) % BODIES.len()](json)
}

/// What was read is written as something that is read as the same.
fn survives<T: Serialize + DeserializeOwned>(json: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<T>(json) else { return false };
    let written = text(&read);
    let again: T = serde_json::from_str(&written).expect("what is written can be read");
    assert_eq!(text(&again), written);
    true
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("bodies always serialise")
}

/// A frame as the SDK reads it.
pub(crate) fn server_frame(data: &[u8]) -> bool {
    let Ok(read) = str::from_utf8(data) else { return false };
    let Ok(Heard::Frame(frame)) = parse(read) else { return false };
    let written = text(&frame);
    let Ok(Heard::Frame(again)) = parse(&written) else {
        panic!("what is written cannot be read: {written}")
    };
    assert_eq!(format!("{again:?}"), format!("{frame:?}"));
    true
}

/// A body of an entry, of the kind that the first byte chooses; its canonical form is one.
pub(crate) fn content(data: &[u8]) -> bool {
    let [kind, body @ ..] = data else { return false };
    let Ok(body) = str::from_utf8(body) else { return false };
    let kind = Kind::parse(KINDS[usize::from(*kind) % KINDS.len()]);
    let Ok(content) = Content::parse(&kind, body) else { return false };
    assert_eq!(content.kind(), kind);
    let canonical = content.to_body();
    let again = Content::parse(&kind, canonical.as_str()).expect("the canonical body can be read");
    assert_eq!((&again, again.to_body()), (&content, canonical));
    true
}
