//! A person has, and has read, what they said themselves, before any cursor says so.
//!
//! Sending moves the sender's cursors, but cursors are gathered for a while before they are stored: until then, and after a
//! crash within that while, the log alone knows. Whoever counts what a person has not read looks past their own messages.

use domain::{ConversationId, Head, Mark, PortError, UserId};
use store_chat::{ChatStore, Edge};

/// Entries looked at.
const LOOK_MAX: usize = 64;

/// Bytes of entries looked at.
const LOOK_BYTES_MAX: usize = 64 << 10;

/// The mark moved past messages of `user` that follow it with nothing of anybody else's between.
pub(crate) async fn past_own(
    chat: &dyn ChatStore,
    conversation: ConversationId,
    user: UserId,
    mark: Mark,
    head: Head,
) -> Result<Mark, PortError> {
    if mark.ordinal >= head.ordinal {
        return Ok(mark);
    }
    let ahead = chat.page(conversation, Edge::After(mark.position), LOOK_MAX, LOOK_BYTES_MAX).await?;
    let own = ahead.iter().take_while(|entry| entry.sender == user || !entry.kind.is_message());
    Ok(own.last().map_or(mark, |entry| entry.mark()))
}
