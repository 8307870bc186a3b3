//! One conversation as one person is shown it.

use contracts::services::{GroupInfo, Standing};
use domain::{
    ConversationId, Cursor, Epoch, Head, Mark, Member, PortError, Position, Role, Timestamp, UserId,
};
use protocol::view::{Conversation, Group, Peer};
use store_chat::Edge;

use super::{page, standing};
use crate::context::Context;
use crate::own::past_own;

/// What a person may know of a conversation now; `None` if it is not theirs to see.
pub(crate) async fn view(
    context: &Context,
    user: UserId,
    conversation: ConversationId,
) -> Result<Option<Conversation>, PortError> {
    let Some((head, Standing { member, group, .. })) = standing(context, user, conversation).await? else {
        return Ok(None);
    };
    let config = &context.config;
    let newest = page::read(
        context,
        conversation,
        &member,
        Edge::Before(Position::END),
        config.newest_entries_max,
        config.limits.page_bytes_max / config.page_conversations_max,
    );
    let mut entries = newest.await?.entries;
    entries.reverse();
    let (cursor, peer) = cursors(context, user, conversation).await?;
    let read = past_own(&*context.chat, conversation, user, cursor.read.max(member.joined), head).await?;
    let end = seen_end(head, &member, entries.last().map(|entry| (entry.mark(), entry.time)));
    Ok(Some(Conversation {
        id: conversation,
        kind: conversation.kind(),
        head: end.0,
        first: first(conversation, &member),
        time: (end.0.position > Position::START).then_some(end.1),
        unread: end.0.ordinal.saturating_sub(read.ordinal),
        cursor,
        peer,
        group: shown_group(conversation, group, member.role),
        entries,
    }))
}

/// The newest entry that the member sees: the head, or where their last span ended.
fn seen_end(head: Head, member: &Member, newest: Option<(Mark, Timestamp)>) -> (Mark, Timestamp) {
    if member.is_active() { (head.mark(), head.time) } else { newest.unwrap_or((Mark::START, head.time)) }
}

/// The oldest entry that the member sees. All history is kept, so the log's first entry is the home's first.
fn first(conversation: ConversationId, member: &Member) -> Position {
    let start = Position { epoch: Epoch::first(conversation.home()), seq: 1 };
    member.spans.first().map_or(start, |span| span.from.max(start))
}

pub(crate) async fn cursors(
    context: &Context,
    user: UserId,
    conversation: ConversationId,
) -> Result<(Cursor, Option<Peer>), PortError> {
    let peer = conversation.peer(user);
    let mut of = vec![(conversation, user)];
    of.extend(peer.map(|peer| (conversation, peer)));
    let cursors = context.chat.cursors(&of).await?;
    let cursor = cursors.first().copied().unwrap_or_default();
    let peer = peer.zip(cursors.get(1)).map(|(user, cursor)| Peer { user, cursor: *cursor });
    Ok((cursor, peer))
}

/// What is shown of a group.
fn shown_group(conversation: ConversationId, group: GroupInfo, role: Option<Role>) -> Option<Group> {
    let GroupInfo { name, active: members, history } = group;
    matches!(conversation, ConversationId::Group(_)).then_some(Group { name, role, members, history })
}
