//! Pages of history: what a person sees of a log from an edge on.

use std::sync::Arc;

use domain::{ConversationId, Entry, Member, PortError, Position};
use store_chat::Edge;

use super::visible::{Stretch, stretches};
use crate::context::Context;

/// Entries in the direction of the edge, and whether there may be more beyond them.
pub(crate) struct Page {
    pub entries: Vec<Arc<Entry>>,
    pub more: bool,
}

/// Reads what `member` sees from `edge` on.
pub(crate) async fn read(
    context: &Context,
    conversation: ConversationId,
    member: &Member,
    edge: Edge,
    count_max: usize,
    bytes_max: usize,
) -> Result<Page, PortError> {
    let mut page = Page { entries: vec![], more: false };
    let mut bytes = 0;
    for stretch in stretches(&member.spans, edge) {
        let left = count_max - page.entries.len();
        // One more than fits tells whether there is more.
        let read = context.chat.page(conversation, stretch.edge, left + 1, bytes_max).await?;
        let last = read.last().map(|entry| entry.position);
        for entry in read.into_iter().take_while(|entry| stretch.holds(entry.position)) {
            bytes += entry.size_bytes();
            if page.entries.len() == count_max || (bytes > bytes_max && !page.entries.is_empty()) {
                page.more = true;
                return Ok(page);
            }
            page.entries.push(entry);
        }
        if let Some(last) = last
            && goes_on(context, conversation, stretch, last).await?
        {
            page.more = true;
            return Ok(page);
        }
    }
    Ok(page)
}

/// Whether there is more of a stretch behind the last entry that the store gave: it gives less than it was asked for where
/// bytes run out, too, and does not say which it was.
async fn goes_on(
    context: &Context,
    conversation: ConversationId,
    stretch: Stretch,
    last: Position,
) -> Result<bool, PortError> {
    if !stretch.holds(last) || last == stretch.bound {
        return Ok(false);
    }
    let behind = match stretch.edge {
        Edge::After(_) => Edge::After(last),
        Edge::Before(_) if last.seq == 1 => return Ok(false),
        Edge::Before(_) => Edge::Before(last),
    };
    let next = context.chat.page(conversation, behind, 1, 1).await?;
    Ok(next.first().is_some_and(|entry| stretch.holds(entry.position)))
}
