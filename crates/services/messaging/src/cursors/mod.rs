//! Cursor moves: gathered for a while, merged, stored, then told.
//!
//! A move is told only once it is stored, so that nobody sees a cursor go back after a crash. Moves are not acked one by
//! one, only refused: a device that is not sure moves again.

mod judge;
mod pending;

use std::collections::BTreeMap;

use contracts::records::{Event, Move};
use domain::{ConversationId, Cursor, PortError, Rejection, UserId};
use store_chat::CursorMove;

use crate::context::Context;
use crate::decide::{Decided, Verdict};
use crate::fan_out::{Post, send};
use judge::{Granted, Judge};
use pending::{Judged, Pending, Refused};

pub(crate) use judge::{Asked, foresee};

/// Whose cursor, and where.
type Key = (ConversationId, UserId);

/// Moves that wait for the next flush, by whose they are. One worker has all moves of a conversation.
#[derive(Default)]
pub(crate) struct Moves {
    pending: BTreeMap<Key, Pending>,
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

/// What a flush has to do.
#[derive(Default)]
struct Due {
    moves: Vec<Judged>,
    refused: Vec<Refused>,
}

/// Stores and tells what was gathered, each step by itself: what is stored is told, however often telling fails. Gives the
/// records that are finished.
pub(crate) async fn flush(context: &Context, moves: Moves) -> Vec<(u32, u64)> {
    let Moves { pending, records } = moves;
    let mut due = judge_all(context, &pending).await;
    if let Err(error) = store(context, &mut due.moves).await {
        tracing::error!(%error, cursors = due.moves.len(), "cursor moves were lost; devices move again");
        let lost = due.moves.drain(..).map(|lost| (lost.conversation, lost.user));
        let rejection = Rejection::from(error);
        due.refused.extend(lost.flat_map(|key| pending[&key].refused(key.0, &rejection)));
    }
    if let Err(error) = context.persist("tell of cursors", || tell(context, &due)).await {
        tracing::error!(%error, cursors = due.moves.len(), "cursor moves were not told; a sync finds them");
    }
    records
}

/// Judges everything that was gathered. What fails for good concerns one cursor: its moves are refused, the others go on.
async fn judge_all(context: &Context, pending: &BTreeMap<Key, Pending>) -> Due {
    let keys: Vec<Key> = pending.keys().copied().collect();
    let mut due = Due::default();
    for ((key, pending), stored) in pending.iter().zip(read(context, &keys).await) {
        let judged = match stored {
            Ok(stored) => {
                context.persist("judge a cursor move", || judge(context, *key, pending, stored)).await
            }
            Err(error) => Err(error),
        };
        match judged {
            Ok(judged) => {
                due.moves.extend(judged.moves);
                due.refused.extend(judged.refused);
            }
            Err(error) => {
                tracing::error!(conversation = %key.0, user = %key.1, %error, "a cursor cannot be moved");
                due.refused.extend(pending.refused(key.0, &error.into()));
            }
        }
    }
    due
}

/// The stored cursors; each by itself if they cannot be had together, so that a bad one costs the others nothing.
async fn read(context: &Context, keys: &[Key]) -> Vec<Result<Cursor, PortError>> {
    let read = |keys| context.persist("read cursors", move || context.chat.cursors(keys));
    if let Ok(cursors) = read(keys).await {
        return cursors.into_iter().map(Ok).collect();
    }
    let mut cursors = vec![];
    for key in keys.chunks(1) {
        cursors.push(read(key).await.map(|cursor| cursor.first().copied().unwrap_or_default()));
    }
    cursors
}

/// How far one cursor goes by what was asked for and sent.
async fn judge(
    context: &Context,
    (conversation, user): Key,
    pending: &Pending,
    stored: Cursor,
) -> Result<Due, PortError> {
    let mut due = Due::default();
    let Some(mut judge) = Judge::of(context, conversation, user).await? else {
        due.refused.extend(pending.refused(conversation, &Rejection::not_found()));
        return Ok(due);
    };
    let mut granted = vec![];
    for (session, asked) in pending.asked() {
        let Granted { cursor, refused } = judge.judge(asked).await?;
        granted.push((session, cursor));
        let refused = refused.into_iter();
        due.refused.extend(refused.map(|(moved, rejection)| Refused {
            conversation,
            session,
            moved,
            rejection,
        }));
    }
    let cursor = pending.advance(stored, judge.joined(), &granted);
    if cursor != stored {
        let alone = granted.into_iter().map(|(session, granted)| (session, stored.merge(granted))).collect();
        due.moves.push(Judged { conversation, user, cursor, alone });
    }
    Ok(due)
}

async fn store(context: &Context, judged: &mut [Judged]) -> Result<(), PortError> {
    if judged.is_empty() {
        return Ok(());
    }
    let moves: Vec<CursorMove> = judged
        .iter()
        .map(|j| CursorMove { conversation: j.conversation, user: j.user, cursor: j.cursor })
        .collect();
    context.fail.hit("before_move");
    let merged = context.persist("move cursors", || context.chat.move_cursors(moves.clone())).await?;
    context.fail.hit("after_move");
    for (judged, cursor) in judged.iter_mut().zip(merged) {
        judged.cursor = cursor;
    }
    Ok(())
}

/// Tells the person's sessions and, in a direct conversation, the other's; whoever was refused; and Notification.
async fn tell(context: &Context, due: &Due) -> Result<(), PortError> {
    let mut post = Post::default();
    for judged in &due.moves {
        let Judged { conversation, user, cursor, .. } = judged;
        let mut users = vec![*user];
        users.extend(conversation.peer(*user).filter(|peer| peer != user));
        let sessions = context.registry.mark(*conversation, &users).await?;
        let sessions = sessions.into_iter().flatten().map(|session| session.id);
        post.cursor(*conversation, *user, *cursor, sessions.filter(|session| judged.is_news_to(*session)));
    }
    for Refused { conversation, session, moved, rejection } in &due.refused {
        tracing::debug!(%conversation, %session, %rejection, "cursor move refused");
        let (to, conversation, moved) = (session.number, *conversation, *moved);
        let refused = Event::MoveRefused { to, conversation, moved, rejection: rejection.clone() };
        post.event(*session, refused);
    }
    if due.moves.is_empty() {
        return send(context, post, "after_move_deliver").await;
    }
    context.fail.hit("after_move_mark");
    send(context, post, "after_move_deliver").await?;
    let seen = due.moves.iter().map(|judged| (judged.user, judged.conversation, judged.cursor.delivered));
    if let Err(rejection) = context.notifications.seen(seen.collect()).await {
        tracing::warn!(%rejection, "notification was not told of cursors; what was missed shows too much for a while");
    }
    context.fail.hit("after_seen");
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{Generation, Position, Region, SessionId, Slot};

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
