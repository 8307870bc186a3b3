//! The one judgement of cursor moves: of those that are gathered, and for whoever asks before what will come of one.
//!
//! A cursor goes never past the head, and never to where the person cannot see.

use std::collections::BTreeMap;

use contracts::records::Moved;
use contracts::services::Standing;
use domain::{
    Code, ConversationId, Cursor, Entry, Head, Mark, Member, PortError, Position, Rejection, UserId,
};

use crate::context::Context;

/// Up to where somebody asks to move their cursors.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    delivered: Option<Position>,
    read: Option<Position>,
}

/// What comes of it.
#[derive(Debug, Default)]
pub(super) struct Granted {
    /// The cursor that it asks for, as far as it is good.
    pub cursor: Cursor,
    /// What is refused of it, and why.
    pub refused: Vec<(Moved, Rejection)>,
}

impl Asked {
    /// Whoever asks for `(0,0)`, which precedes everything, asks for nothing.
    pub(crate) fn new(delivered: Option<Position>, read: Option<Position>) -> Self {
        let past_start = |position: &Position| *position != Position::START;
        Self { delivered: delivered.filter(past_start), read: read.filter(past_start) }
    }

    /// The further of each.
    pub(super) fn merge(self, other: Self) -> Self {
        Self { delivered: self.delivered.max(other.delivered), read: self.read.max(other.read) }
    }

    /// What is asked for, each by itself.
    pub(super) fn moves(self) -> impl Iterator<Item = (Moved, Position)> {
        let moves = [(Moved::Delivered, self.delivered), (Moved::Read, self.read)];
        moves.into_iter().filter_map(|(moved, position)| Some((moved, position?)))
    }
}

/// What one person's moves in one conversation are judged by.
pub(super) struct Judge<'a> {
    context: &'a Context,
    conversation: ConversationId,
    head: Head,
    member: Member,
    keeps_delivered: bool,
    /// The marks of the positions that were asked for already.
    found: BTreeMap<Position, Option<Mark>>,
}

impl<'a> Judge<'a> {
    /// By the log's end and the roster as they are now; `None` of somebody who never was a member.
    pub(super) async fn of(
        context: &'a Context,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Self>, PortError> {
        let head = context.chat.head(conversation).await?.unwrap_or_default();
        let standing = context.groups.standing(conversation, user, head.roster).await?;
        Ok(standing.map(|Standing { member, group, .. }| {
            let keeps_delivered = group.active <= context.config.limits.delivered_members_max;
            Self { context, conversation, head, member, keeps_delivered, found: BTreeMap::new() }
        }))
    }

    /// Where the person joined: what came before they do not count as unread.
    pub(super) const fn joined(&self) -> Mark {
        self.member.joined
    }

    /// What comes of what was asked for.
    pub(super) async fn judge(&mut self, asked: Asked) -> Result<Granted, PortError> {
        let mut granted = Granted::default();
        for (moved, position) in asked.moves() {
            match self.mark(position).await? {
                Ok(mark) => granted.cursor = granted.cursor.merge(self.cursor(moved, mark)),
                Err(rejection) => granted.refused.push((moved, rejection)),
            }
        }
        Ok(granted)
    }

    fn cursor(&self, moved: Moved, mark: Mark) -> Cursor {
        match moved {
            Moved::Read => Cursor::read_up_to(mark),
            Moved::Delivered if self.keeps_delivered => Cursor { delivered: mark, read: Mark::START },
            Moved::Delivered => Cursor::default(),
        }
    }

    async fn mark(&mut self, position: Position) -> Result<Result<Mark, Rejection>, PortError> {
        if !self.member.sees(position) {
            return Ok(Err(Rejection::not_found()));
        }
        let found = match self.found.get(&position) {
            Some(found) => *found,
            None => {
                let found = self.find(position).await?;
                self.found.insert(position, found);
                found
            }
        };
        Ok(found.ok_or_else(|| Rejection::new(Code::BadRequest, "there is no entry at this position")))
    }

    async fn find(&self, position: Position) -> Result<Option<Mark>, PortError> {
        if position == self.head.position {
            return Ok(Some(self.head.mark()));
        }
        let entry = self.context.chat.entry(self.conversation, position).await?;
        Ok(entry.map(|entry| Entry::mark(&entry)))
    }
}

/// What a move will make of a person's cursor, or why it will be refused.
pub(crate) async fn foresee(
    context: &Context,
    conversation: ConversationId,
    user: UserId,
    asked: Asked,
) -> Result<Cursor, Rejection> {
    let judge = Judge::of(context, conversation, user).await?;
    let granted = judge.ok_or_else(Rejection::not_found)?.judge(asked).await?;
    if let Some((_, rejection)) = granted.refused.into_iter().next() {
        return Err(rejection);
    }
    let stored = context.chat.cursors(&[(conversation, user)]).await?;
    Ok(stored.first().copied().unwrap_or_default().merge(granted.cursor))
}
