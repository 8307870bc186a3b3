//! Resume: what changed for a person since a token, newest first, bounded in conversations and bytes.
//!
//! Changes come from the change index; of large groups, which mark nobody, those are listed whose head is younger than the
//! token's time less a minute. A token that the index does not know (any more) resets: the whole list is given.

use domain::{ConversationId, PortError, Timestamp, UserId};
use protocol::frame::Changes;
use protocol::view::Conversation;

use super::list;
use super::token::{More, Next, Token};
use super::view::view;
use crate::context::Context;

/// Heads this much older than the token's time are listed again: clocks of workers differ, appends take time.
const LARGE_MARGIN_MS: u64 = 60_000;

/// What is listed next, and the token that stands for it.
struct Candidate {
    conversation: ConversationId,
    /// What comes after it, should this be the last that fits.
    next: Next,
}

/// Answers one `sync`.
pub(crate) async fn sync(context: &Context, user: UserId, token: Option<&str>) -> Result<Changes, PortError> {
    let known = token.and_then(Token::decode).filter(|token| {
        token.region == context.config.region && token.incarnation == context.registry.incarnation()
    });
    match known {
        Some(token) => match since(context, user, token).await? {
            Some(changes) => Ok(changes),
            None => reset(context, user).await,
        },
        None => reset(context, user).await,
    }
}

/// A resume that goes on from a known token; `None` if the index does not reach back that far.
async fn since(context: &Context, user: UserId, token: Token) -> Result<Option<Changes>, PortError> {
    let limit = context.config.page_conversations_max;
    let below = match token.more.map(|more| more.next) {
        Some(Next::Below(stamp)) => Some(stamp),
        Some(Next::ListAfter(..)) => return list_on(context, user, token).await.map(Some),
        Some(Next::LargeAfter(_)) | None => None,
    };
    let started = context.ambient.now();
    let Some(index) = context.registry.changes(user, token.stamp, below, limit).await? else {
        return Ok(None);
    };
    let more =
        token.more.unwrap_or(More { upto: index.newest, time: started, next: Next::Below(index.newest + 1) });
    let mut candidates: Vec<Candidate> = vec![];
    let mut index_left = false;
    if !matches!(more.next, Next::LargeAfter(_)) {
        index_left = index.rows.len() == limit;
        candidates.extend(
            index
                .rows
                .into_iter()
                .filter(|(stamp, _)| *stamp <= more.upto)
                .map(|(stamp, conversation)| Candidate { conversation, next: Next::Below(stamp) }),
        );
    }
    if !index_left {
        candidates.extend(large(context, user, more.next, token.time).await?);
    }
    let base = Token { more: None, ..token };
    answer(context, user, base, more, candidates, index_left, false).await.map(Some)
}

/// The whole list, from its start.
async fn reset(context: &Context, user: UserId) -> Result<Changes, PortError> {
    let time = context.ambient.now();
    let newest = context.registry.newest(user).await?;
    let base = Token {
        region: context.config.region,
        incarnation: context.registry.incarnation(),
        stamp: newest,
        time,
        more: None,
    };
    let more = More { upto: newest, time, next: Next::Below(0) };
    list_page(context, user, base, more, None, true).await
}

/// The whole list, further on.
async fn list_on(context: &Context, user: UserId, token: Token) -> Result<Changes, PortError> {
    let Some(more @ More { next: Next::ListAfter(time, conversation), .. }) = token.more else {
        return reset(context, user).await;
    };
    list_page(context, user, Token { more: None, ..token }, more, Some((time, conversation)), false).await
}

async fn list_page(
    context: &Context,
    user: UserId,
    base: Token,
    more: More,
    after: Option<(Timestamp, ConversationId)>,
    reset: bool,
) -> Result<Changes, PortError> {
    let limit = context.config.page_conversations_max;
    let listed = list::newest_first(context, user, after, limit + 1).await?;
    let left = listed.len() > limit;
    let candidates = listed
        .into_iter()
        .take(limit)
        .map(|(time, conversation)| Candidate { conversation, next: Next::ListAfter(time, conversation) });
    answer(context, user, base, more, candidates.collect(), left, reset).await
}

/// The large groups of a user whose heads are young enough to have changed since `time`.
async fn large(
    context: &Context,
    user: UserId,
    next: Next,
    time: Timestamp,
) -> Result<Vec<Candidate>, PortError> {
    let after = if let Next::LargeAfter(conversation) = next { Some(conversation) } else { None };
    let mut candidates = vec![];
    for (conversation, large) in list::all(&*context.groups, user, after).await? {
        if !large {
            continue;
        }
        let head = context.chat.head(conversation).await?.unwrap_or_default();
        if head.time >= time.minus_ms(LARGE_MARGIN_MS) {
            candidates.push(Candidate { conversation, next: Next::LargeAfter(conversation) });
        }
    }
    Ok(candidates)
}

/// Shows candidates as far as they fit, and the token for what is left.
async fn answer(
    context: &Context,
    user: UserId,
    base: Token,
    more: More,
    candidates: Vec<Candidate>,
    left_beyond: bool,
    reset: bool,
) -> Result<Changes, PortError> {
    let mut conversations: Vec<Conversation> = vec![];
    let (mut bytes, mut last, mut left) = (0, None, left_beyond);
    for candidate in candidates {
        if conversations.len() == context.config.page_conversations_max
            || bytes >= context.config.limits.page_bytes_max
        {
            left = true;
            break;
        }
        last = Some(candidate.next);
        if let Some(shown) = view(context, user, candidate.conversation).await? {
            bytes += 512 + shown.entries.iter().map(|entry| entry.size_bytes()).sum::<usize>();
            conversations.push(shown);
        }
    }
    let token = match last.filter(|_| left) {
        Some(next) => Token { more: Some(More { next, ..more }), ..base },
        None => Token { stamp: more.upto, time: more.time, ..base },
    };
    Ok(Changes { token: token.encode(), more: token.more.is_some(), reset, conversations })
}
