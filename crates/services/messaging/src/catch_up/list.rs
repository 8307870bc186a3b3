//! The list of a person's conversations.

use contracts::services::Groups;
use domain::{ConversationId, PortError, Timestamp, UserId};

use crate::context::Context;

/// Conversations read at a time.
const PAGE: usize = 500;

/// Every conversation of a user, by id, after `after`: each with whether it is large.
pub(crate) async fn all(
    groups: &dyn Groups,
    user: UserId,
    mut after: Option<ConversationId>,
) -> Result<Vec<(ConversationId, bool)>, PortError> {
    let mut conversations = vec![];
    loop {
        let page = groups.conversations(user, after, PAGE).await?;
        conversations.extend_from_slice(&page);
        match page.last() {
            Some((last, _)) if page.len() == PAGE => after = Some(*last),
            _ => return Ok(conversations),
        }
    }
}

/// The conversations of a user with the time of their heads, newest first, after `after`, at most `limit`.
///
/// One that gets an entry meanwhile moves to the front and is not listed further on; it is marked changed, though, under
/// a stamp later than the list's token, and the next sync gives it.
pub(crate) async fn newest_first(
    context: &Context,
    user: UserId,
    after: Option<(Timestamp, ConversationId)>,
    limit: usize,
) -> Result<Vec<(Timestamp, ConversationId)>, PortError> {
    let mut listed = vec![];
    for (conversation, _) in all(&*context.groups, user, None).await? {
        let head = context.chat.head(conversation).await?;
        listed.extend(head.map(|head| (head.time, conversation)));
    }
    listed.sort_unstable_by(|one, other| other.cmp(one));
    if let Some(after) = after {
        listed.retain(|row| *row < after);
    }
    listed.truncate(limit);
    Ok(listed)
}
