//! Cursor moves: gathered for a while, merged, stored, then told.
//!
//! A move is told only once it is stored, so that nobody sees a cursor go back after a crash. Moves are not acked one by
//! one: a device that is not sure moves again.

mod advance;

use std::collections::BTreeMap;

use contracts::records::Move;
use domain::{
    Code, ConversationId, Cursor, Entry, Head, Mark, PortError, Position, Rejection, Roster, SessionId,
    UserId,
};
use store_chat::CursorMove;

use crate::context::Context;
use crate::decide::{Decided, Verdict};
use crate::fan_out::{Post, send};
use advance::{Pending, advance};

/// Moves that wait for the next flush, by whose they are. One worker has all moves of a conversation.
#[derive(Default)]
pub(crate) struct Moves {
    pending: BTreeMap<(ConversationId, UserId), Pending>,
    /// The records that are finished once these moves are stored.
    records: Vec<(u32, u64)>,
}

impl Moves {
    /// A member asked for a move.
    pub(crate) fn ask(&mut self, asked: &Move, record: (u32, u64)) {
        self.records.push(record);
        self.pending.entry((asked.conversation, asked.user)).or_default().ask(asked);
    }

    /// Senders have read what they sent, if they had read everything before it.
    pub(crate) fn sent(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let Verdict::Append(Decided { entry, .. }) = verdict else { continue };
            if entry.kind.is_message() {
                self.pending.entry((entry.conversation, entry.sender)).or_default().sent(entry.mark());
            }
        }
    }

    /// Whether so much waits that the flush should come now: cursors, or records, of which a busy cursor brings many and
    /// which hold up the worker's other work.
    pub(crate) fn is_full(&self, cursors_max: usize, records_max: usize) -> bool {
        self.pending.len() >= cursors_max || self.records.len() >= records_max
    }

    /// Whether there is nothing to flush.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.records.is_empty()
    }
}

/// One cursor that was judged.
struct Judged {
    conversation: ConversationId,
    user: UserId,
    origins: Vec<SessionId>,
    cursor: Cursor,
}

/// Stores and tells what was gathered. Gives the records that are finished.
pub(crate) async fn flush(context: &Context, moves: Moves) -> (Vec<(u32, u64)>, Result<(), PortError>) {
    let Moves { pending, records } = moves;
    let result = context.persist("move cursors", || flush_once(context, &pending)).await;
    if let Err(error) = &result {
        tracing::error!(%error, cursors = pending.len(), "cursor moves were lost; devices move again");
    }
    (records, result)
}

async fn flush_once(
    context: &Context,
    pending: &BTreeMap<(ConversationId, UserId), Pending>,
) -> Result<(), PortError> {
    let keys: Vec<(ConversationId, UserId)> = pending.keys().copied().collect();
    let stored = context.chat.cursors(&keys).await?;
    let mut judged = vec![];
    for (((conversation, user), pending), stored) in pending.iter().zip(stored) {
        match judge(context, *conversation, *user, pending, stored).await? {
            Ok(cursor) if cursor != stored => {
                let origins = pending.origins().to_vec();
                judged.push(Judged { conversation: *conversation, user: *user, origins, cursor });
            }
            Ok(_) => {}
            Err(rejection) => tracing::debug!(%conversation, %user, %rejection, "cursor move refused"),
        }
    }
    if judged.is_empty() {
        return Ok(());
    }
    let moves =
        judged.iter().map(|j| CursorMove { conversation: j.conversation, user: j.user, cursor: j.cursor });
    context.fail.hit("before_move");
    let merged = context.chat.move_cursors(moves.collect()).await?;
    context.fail.hit("after_move");
    for (judged, cursor) in judged.iter_mut().zip(merged) {
        judged.cursor = cursor;
    }
    tell(context, &judged).await
}

/// How far a cursor goes by what was asked: never past the head, never to where the person cannot see.
async fn judge(
    context: &Context,
    conversation: ConversationId,
    user: UserId,
    pending: &Pending,
    stored: Cursor,
) -> Result<Result<Cursor, Rejection>, PortError> {
    let head = context.chat.head(conversation).await?.unwrap_or_default();
    let roster = context.groups.roster(conversation, head.roster).await?;
    let Some(member) = roster.member(user) else { return Ok(Err(Rejection::not_found())) };
    let mut marks = [None, None];
    for (mark, asked) in marks.iter_mut().zip([pending.delivered(), pending.read()]) {
        let Some(position) = asked else { continue };
        if !member.sees(position) {
            return Ok(Err(Rejection::not_found()));
        }
        match mark_at(context, conversation, position, head).await? {
            Some(found) => *mark = Some(found),
            None => return Ok(Err(Rejection::new(Code::BadRequest, "there is no entry at this position"))),
        }
    }
    let [delivered, read] = marks;
    let delivered =
        delivered.filter(|_| keeps_delivered(&roster, context.config.limits.delivered_members_max));
    Ok(Ok(advance(stored, member.joined, pending.sends(), delivered, read)))
}

fn keeps_delivered(roster: &Roster, members_max: usize) -> bool {
    roster.active <= members_max
}

async fn mark_at(
    context: &Context,
    conversation: ConversationId,
    position: Position,
    head: Head,
) -> Result<Option<Mark>, PortError> {
    if position == head.position {
        return Ok(Some(head.mark()));
    }
    Ok(context.chat.entry(conversation, position).await?.map(|entry| Entry::mark(&entry)))
}

/// Tells the person's other sessions and, in a direct conversation, the other's; and Notification.
async fn tell(context: &Context, judged: &[Judged]) -> Result<(), PortError> {
    let mut post = Post::default();
    for Judged { conversation, user, origins, cursor } in judged {
        let mut users = vec![*user];
        users.extend(conversation.peer(*user).filter(|peer| peer != user));
        let sessions = context.registry.mark(*conversation, &users).await?;
        let others = sessions.into_iter().flatten().map(|session| session.id);
        post.cursor(
            *conversation,
            *user,
            *cursor,
            others.filter(|id| origins.len() != 1 || origins[0] != *id),
        );
    }
    context.fail.hit("after_move_mark");
    send(context, post, "after_move_deliver").await?;
    let seen =
        judged.iter().map(|judged| (judged.user, judged.conversation, judged.cursor.delivered)).collect();
    if let Err(rejection) = context.notifications.seen(seen).await {
        tracing::warn!(%rejection, "notification was not told of cursors; what was missed shows too much for a while");
    }
    context.fail.hit("after_seen");
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{Generation, Region, Slot};

    use super::*;

    #[test]
    fn a_cursor_that_moves_without_end_holds_up_the_worker() {
        let user = UserId::new(Region(1), [1; 15]);
        let origin = SessionId { slot: Slot(0), generation: Generation(1), number: 1 };
        let mut moves = Moves::default();
        for seq in 1..=8 {
            let read = Some(Position::new(1, seq));
            let conversation = ConversationId::Own(user);
            moves.ask(&Move { conversation, user, delivered: None, read, origin }, (0, seq));
            assert_eq!(moves.is_full(100, 8), seq == 8);
        }
        assert!(moves.is_full(1, 100), "one cursor waits, however often it moved");
    }
}
