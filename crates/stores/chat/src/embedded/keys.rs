//! What rows are kept under. Every key begins with a conversation's key, which is prefix-free, or with something of one
//! length, so that a range holds one conversation and nothing of its neighbours.

use std::ops::Bound;

use domain::{ConversationId, Position, UserId};

use crate::Edge;

/// The key of an entry: the conversation and the place in it, sorted like both.
pub(super) fn entry(conversation: ConversationId, position: Position) -> Vec<u8> {
    with(conversation, &position.to_key())
}

/// The position in an entry's key, of which `conversation_bytes` name the conversation.
pub(super) fn position(key: &[u8], conversation_bytes: usize) -> Option<Position> {
    Position::from_key(key.get(conversation_bytes..)?)
}

/// The key of a member's cursor.
pub(super) fn cursor(conversation: ConversationId, user: UserId) -> Vec<u8> {
    with(conversation, user.as_bytes())
}

/// The entries of `conversation` on the far side of `edge`.
pub(super) fn beyond(conversation: ConversationId, edge: Edge) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    match edge {
        Edge::After(position) => (
            Bound::Excluded(entry(conversation, position)),
            Bound::Included(entry(conversation, Position::END)),
        ),
        Edge::Before(position) => (
            Bound::Included(entry(conversation, Position::START)),
            Bound::Excluded(entry(conversation, position)),
        ),
    }
}

fn with(conversation: ConversationId, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(conversation.key_len() + rest.len());
    conversation.write_key(&mut key);
    key.extend_from_slice(rest);
    key
}
