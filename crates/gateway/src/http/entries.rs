//! The entries of a conversation: history, and a new message.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use contracts::services::PageEdge;
use domain::{Code, Content, Position, Rejection};
use protocol::http::{Appended, Entries, NewMessage};
use serde::Deserialize;

use super::conversations::append;
use super::input::{Body, Caller, InConversation, Key, Query, parsed};
use super::members::existing;
use super::{Answer, Refusal, Shared};
use crate::hub::Hub;
use crate::submission::may_touch;

/// Entries in a page, unless told.
const LIMIT: usize = 50;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new().route("/v1/conversations/{conversation}/entries", get(page).post(send))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    before: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

impl Page {
    /// Where the page begins; without a word, at the newest entry.
    fn edge(&self) -> Result<PageEdge, Refusal> {
        match (&self.before, &self.after) {
            (None, None) => Ok(PageEdge::Before(Position::END)),
            (Some(before), None) => parsed("`before`", before).map(PageEdge::Before),
            (None, Some(after)) => parsed("`after`", after).map(PageEdge::After),
            (Some(_), Some(_)) => {
                Err(Refusal(Rejection::new(Code::BadRequest, "give `before` or `after`, not both")))
            }
        }
    }
}

async fn page(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Query(page): Query<Page>,
) -> Answer<Json<Entries>> {
    may_touch(id, caller.user)?;
    let limit = page.limit.unwrap_or(LIMIT).clamp(1, hub.config.limits.page_entries_max.max(1));
    Ok(Json(hub.services.catch_up.entries(caller.user, id, page.edge()?, limit).await?))
}

async fn send(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Key(key): Key,
    Body(message): Body<NewMessage>,
) -> Answer<Json<Appended>> {
    may_touch(id, caller.user)?;
    if let Some(peer) = id.peer(caller.user).filter(|peer| *peer != caller.user) {
        existing(&hub, &[peer]).await?;
    }
    Ok(Json(append(&hub, caller, id, key, &Content::message(message.text)).await?))
}
