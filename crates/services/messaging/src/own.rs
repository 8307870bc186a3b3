//! A person has, and has read, what they said themselves, before any cursor says so.
//!
//! Sending moves the sender's cursors, but cursors are gathered for a while before they are stored: until then, and after a
//! crash within that while, the log alone knows. Whoever counts what a person has not read looks past their own messages.

use domain::{ConversationId, Head, Mark, PortError, UserId};
use store_chat::{ChatStore, Edge};

/// Entries looked at, at first: the next one is nearly always somebody else's.
const LOOK_FIRST: usize = 1;

/// Entries looked at in each look after that.
const LOOK_MAX: usize = 64;

/// Bytes of entries looked at in each.
const LOOK_BYTES_MAX: usize = 64 << 10;

/// Looks: more than that of one's own in a row, within the time that cursors are gathered, and the rest counts as unread for
/// as long.
const LOOKS_MAX: usize = 64;

/// The mark moved past messages of `user` that follow it with nothing of anybody else's between.
pub(crate) async fn past_own(
    chat: &dyn ChatStore,
    conversation: ConversationId,
    user: UserId,
    mark: Mark,
    head: Head,
) -> Result<Mark, PortError> {
    let (mut past, mut count) = (mark, LOOK_FIRST);
    for _ in 0..LOOKS_MAX {
        if past.ordinal >= head.ordinal {
            break;
        }
        let ahead = chat.page(conversation, Edge::After(past.position), count, LOOK_BYTES_MAX).await?;
        let own = ahead.iter().take_while(|entry| entry.sender == user || !entry.kind.is_message());
        let (passed, last) = own.fold((0, past), |(passed, _), entry| (passed + 1, entry.mark()));
        past = last;
        if ahead.is_empty() || passed < ahead.len() {
            break;
        }
        count = LOOK_MAX;
    }
    Ok(past)
}
