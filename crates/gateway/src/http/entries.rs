//! The entries of a conversation: history, and a new message.

use axum::Json;
use axum::extract::State;
use contracts::services::PageEdge;
use domain::{Code, Content, Position, Rejection};
use protocol::http::{Appended, Entries, NewMessage};
use schemars::JsonSchema;
use serde::Deserialize;

use super::conversations::{SUBMISSION, append};
use super::input::{Body, Caller, InConversation, Key, Query, parsed};
use super::operation::{About, Operations};
use super::{Answer, Refusal, Shared};
use crate::submission::may_touch;

/// Entries in a page, unless told.
const LIMIT: usize = 50;

pub(super) fn operations() -> Operations {
    Operations::of("entries", "The log of a conversation: its history, and new messages.")
        .get(
            "/v1/conversations/{conversation}/entries",
            page,
            About {
                id: "listEntries",
                summary: "Read a page of history",
                details: "Oldest first, whichever way the page is asked for. To go on, ask with the position of the page's \
                          last entry as `after`, or of its first as `before`, while `more`. Without either the page ends \
                          with the newest entry.",
                refuses: &[],
            },
        )
        .post(
            "/v1/conversations/{conversation}/entries",
            send,
            About {
                id: "sendMessage",
                summary: "Send a message",
                details: "Answered once it is stored. The same key again is told the same position; with another text it \
                          is a `conflict`.",
                refuses: &[SUBMISSION],
            },
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    /// The entries before this position, as `epoch:seq`. Not together with `after`.
    #[schemars(regex(pattern = "^[0-9]+:[0-9]+$"), example = &"1:100")]
    before: Option<String>,
    /// The entries after this position, as `epoch:seq`; `0:0` precedes everything. Not together with `before`.
    #[schemars(regex(pattern = "^[0-9]+:[0-9]+$"), example = &"0:0")]
    after: Option<String>,
    /// How many at most; no page has more than `page_entries_max`.
    #[schemars(default = "default_limit")]
    limit: Option<usize>,
}

const fn default_limit() -> Option<usize> {
    Some(LIMIT)
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
        hub.existing(&[peer]).await?;
    }
    Ok(Json(append(&hub, caller, id, key, &Content::message(message.text)).await?))
}
