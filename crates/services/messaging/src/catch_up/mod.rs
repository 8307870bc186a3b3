//! Catch-up: what a person may read, by pull. Nothing is ever pushed that could not also be pulled.
//!
//! Every answer is authorised by a roster at least as new as the newest entry in it. Absent and forbidden look the same.

mod list;
mod page;
mod sync;
mod token;
mod view;
mod visible;

use async_trait::async_trait;
use contracts::services::{self, PageEdge, Standing};
use domain::{Code, ConversationId, Cursor, Head, Member, PortError, Position, Rejection, Timestamp, UserId};
use protocol::{frame, http, view as shown};
use store_chat::Edge;

use crate::context::Context;
use crate::cursors::{Asked, foresee};
use token::{More, Next};

pub(crate) use list::all as all_conversations;
pub(crate) use token::Token;

/// Members in one page.
const MEMBERS_PAGE: usize = 1_000;

/// The catch-up room.
pub(crate) struct CatchUp(pub(crate) Context);

impl CatchUp {
    /// The person's membership as of the head, whatever span they see.
    async fn member(&self, user: UserId, conversation: ConversationId) -> Result<Member, Rejection> {
        let (_, standing) = standing(&self.0, user, conversation).await?.ok_or_else(Rejection::not_found)?;
        Ok(standing.member)
    }

    async fn page(
        &self,
        user: UserId,
        conversation: ConversationId,
        edge: Edge,
        limit: usize,
    ) -> Result<http::Entries, Rejection> {
        let (head, standing) =
            standing(&self.0, user, conversation).await?.ok_or_else(Rejection::not_found)?;
        let member = standing.member;
        let limits = &self.0.config.limits;
        let count_max = limit.clamp(1, limits.page_entries_max);
        let mut page =
            page::read(&self.0, conversation, &member, edge, count_max, limits.page_bytes_max).await?;
        if matches!(edge, Edge::Before(_)) {
            page.entries.reverse();
        }
        Ok(http::Entries { entries: page.entries, as_of: head.position, more: page.more })
    }
}

/// The head of a conversation, and what a person is to it and sees of it up to there; `None` if they never were in.
/// What is appended after the head was read may need a newer roster than this one: it is not shown yet.
async fn standing(
    context: &Context,
    user: UserId,
    conversation: ConversationId,
) -> Result<Option<(Head, Standing)>, PortError> {
    let head = context.chat.head(conversation).await?.unwrap_or_default();
    let Some(mut standing) = context.groups.standing(conversation, user, head.roster).await? else {
        return Ok(None);
    };
    close_at(&mut standing.member, head.position);
    Ok(Some((head, standing)))
}

/// Ends an open span at the head.
fn close_at(member: &mut Member, head: Position) {
    if let Some(open) = member.spans.last_mut().filter(|span| span.to.is_none()) {
        open.to = Some(head);
    }
}

#[async_trait]
impl services::CatchUp for CatchUp {
    async fn sync(&self, user: UserId, token: Option<&str>) -> Result<frame::Changes, Rejection> {
        Ok(sync::sync(&self.0, user, token).await?)
    }

    async fn conversations(
        &self,
        user: UserId,
        page: Option<&str>,
    ) -> Result<http::Conversations, Rejection> {
        let after = match page.map(list_edge) {
            Some(None) => {
                return Err(Rejection::new(Code::BadRequest, "`page` is not one that this server gave"));
            }
            Some(Some(after)) => Some(after),
            None => None,
        };
        let limit = self.0.config.page_conversations_max;
        let listed = list::newest_first(&self.0, user, after, limit + 1).await?;
        let next = listed.get(limit).and(listed.get(limit - 1)).map(|last| list_token(&self.0, *last));
        let mut conversations = vec![];
        for (_, conversation) in listed.into_iter().take(limit) {
            conversations.extend(view::view(&self.0, user, conversation).await?);
        }
        Ok(http::Conversations { conversations, next })
    }

    async fn conversation(&self, user: UserId, id: ConversationId) -> Result<shown::Conversation, Rejection> {
        view::view(&self.0, user, id).await?.ok_or_else(Rejection::not_found)
    }

    async fn entries(
        &self,
        user: UserId,
        conversation: ConversationId,
        edge: PageEdge,
        limit: usize,
    ) -> Result<http::Entries, Rejection> {
        let edge = match edge {
            PageEdge::After(position) => Edge::After(position),
            PageEdge::Before(position) => Edge::Before(position),
        };
        self.page(user, conversation, edge, limit).await
    }

    async fn cursors(&self, user: UserId, conversation: ConversationId) -> Result<http::Cursors, Rejection> {
        self.member(user, conversation).await?;
        let (own, peer) = view::cursors(&self.0, user, conversation).await?;
        let mut cursors = vec![http::MemberCursor { user, cursor: own }];
        cursors.extend(peer.map(|peer| http::MemberCursor { user: peer.user, cursor: peer.cursor }));
        Ok(http::Cursors { cursors })
    }

    async fn moved(
        &self,
        user: UserId,
        conversation: ConversationId,
        delivered: Option<Position>,
        read: Option<Position>,
    ) -> Result<Cursor, Rejection> {
        foresee(&self.0, conversation, user, Asked::new(delivered, read)).await
    }

    async fn members(
        &self,
        user: UserId,
        conversation: ConversationId,
        after: Option<UserId>,
    ) -> Result<http::Members, Rejection> {
        if !self.member(user, conversation).await?.is_active() {
            return Err(Rejection::not_found());
        }
        let (page, as_of) = self.0.groups.members(conversation, after, MEMBERS_PAGE).await?;
        let next = page.last().filter(|_| page.len() == MEMBERS_PAGE).map(|(user, ..)| *user);
        let members =
            page.into_iter().map(|(user, role, joined)| http::Member { user, role, joined }).collect();
        Ok(http::Members { members, as_of, next })
    }
}

/// A page of the list is told like a resume under way.
fn list_token(context: &Context, (time, conversation): (Timestamp, ConversationId)) -> String {
    let more = More { upto: 0, time, next: Next::ListAfter(time, conversation) };
    Token { region: context.config.region, incarnation: 0, stamp: 0, time, more: Some(more) }.encode()
}

fn list_edge(page: &str) -> Option<(Timestamp, ConversationId)> {
    match Token::decode(page)?.more?.next {
        Next::ListAfter(time, conversation) => Some((time, conversation)),
        Next::Below(_) | Next::LargeAfter(_) => None,
    }
}
