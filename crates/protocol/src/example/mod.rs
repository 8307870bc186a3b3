//! Examples for the generated documents: one small story, told in the types that are served, so that it cannot be wrong.
//!
//! Ada and Bob write to each other, and Ada makes a group. Only for whoever generates documents.

mod device;
mod http;
mod server;

use std::sync::Arc;

use domain::{
    ClientId, Content, ConversationId, ConversationKind, Cursor, DeviceId, Entry, Mark, Position, Region,
    Timestamp, UserId,
};
use serde::Serialize;

use crate::view::{Conversation, Peer};

/// A type with an example.
pub trait Example: Serialize {
    /// The example.
    fn example() -> Self;
}

impl<T: Example> Example for Arc<T> {
    fn example() -> Self {
        Self::new(T::example())
    }
}

pub use device::from_device;
pub use server::from_server;

/// When the story happens: the 24th of November 2025, in the afternoon.
const NOW: Timestamp = Timestamp::from_unix_ms(1_764_000_000_123);

/// Bytes that look like what a server draws.
fn drawn<const N: usize>(seed: u8) -> [u8; N] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(101).wrapping_add(73);
        state
    })
}

pub(crate) fn ada() -> UserId {
    UserId::new(Region::ONLY, drawn(1))
}

pub(crate) fn bob() -> UserId {
    UserId::new(Region::ONLY, drawn(2))
}

fn phone() -> DeviceId {
    DeviceId::new(Region::ONLY, drawn(3))
}

/// The client id of the first message.
pub fn client_id() -> ClientId {
    ClientId::new(NOW.unix_ms(), drawn(4))
}

/// The conversation of Ada and Bob.
pub fn conversation() -> ConversationId {
    ConversationId::direct(ada(), bob())
}

/// The second entry of the conversation, which is its second message.
pub const POSITION: Position = Position::new(1, 2);
const ORDINAL: u64 = 2;
const MARK: Mark = Mark::new(POSITION, ORDINAL);

/// A person.
pub fn user() -> UserId {
    bob()
}

impl Example for Entry {
    fn example() -> Self {
        let content = Content::message("hello");
        Self {
            conversation: conversation(),
            position: POSITION,
            kind: content.kind(),
            sender: ada(),
            device: phone(),
            client_id: client_id(),
            time: NOW,
            ordinal: ORDINAL,
            roster: Position::START,
            was: None,
            body: Some(content.to_body()),
        }
    }
}

impl Example for Cursor {
    fn example() -> Self {
        Self { delivered: MARK, read: Mark::new(Position::new(1, 1), 1) }
    }
}

impl Example for Conversation {
    fn example() -> Self {
        Self {
            id: conversation(),
            kind: ConversationKind::Direct,
            head: MARK,
            first: Position::new(1, 1),
            time: Some(NOW),
            unread: 0,
            cursor: Cursor::read_up_to(MARK),
            peer: Some(Peer { user: bob(), cursor: Cursor::example() }),
            group: None,
            entries: vec![Arc::example()],
        }
    }
}
