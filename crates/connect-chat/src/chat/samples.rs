//! People, conversations and entries for the tests of the chat.

use std::sync::Arc;

use domain::{
    Body, ClientId, Content, ConversationId, DeviceId, Entry, Kind, Position, Region, Timestamp, UserId,
};

/// 2026-03-01, 12:00 UTC, in milliseconds: a Sunday.
pub(super) const NOON_MS: u64 = 1_772_366_400_000;

pub(super) fn user(n: u8) -> UserId {
    UserId::new(Region::ONLY, [n; 15])
}

pub(super) fn at(seq: u64) -> Position {
    Position::new(1, seq)
}

/// The conversation of users 1 and 2.
pub(super) fn direct() -> ConversationId {
    ConversationId::direct(user(1), user(2))
}

/// The `seq`-th entry of [`direct`], a second after the one before.
pub(super) fn message(seq: u64, sender: u8, text: &str) -> Arc<Entry> {
    Arc::new(entry(seq, sender, Kind::Message, Content::message(text).to_body()))
}

/// An entry of another kind.
pub(super) fn entry(seq: u64, sender: u8, kind: Kind, body: Body) -> Entry {
    Entry {
        conversation: direct(),
        position: at(seq),
        kind,
        sender: user(sender),
        device: DeviceId::new(Region::ONLY, [1; 15]),
        client_id: ClientId::new(NOON_MS + seq, [1; 10]),
        time: Timestamp::from_unix_ms(NOON_MS + seq * 1_000),
        ordinal: seq,
        roster: Position::START,
        was: None,
        body: Some(body),
    }
}
