//! Cursors: how far people are, and moving one's own.

use axum::Json;
use axum::extract::State;
use domain::Cursor;
use protocol::http::{Cursors, MoveCursor};

use super::input::{Body, Caller, InConversation};
use super::operation::{About, Operations};
use super::{Answer, Shared};
use crate::submission::may_touch;

pub(super) fn operations() -> Operations {
    Operations::of("cursors", "How far people were delivered and have read. Cursors only grow.")
        .get(
            "/v1/conversations/{conversation}/cursors",
            list,
            About {
                id: "listCursors",
                summary: "How far are people?",
                details: "Both people of a direct conversation; in any other, oneself.",
                refuses: &[],
            },
        )
        .put(
            "/v1/conversations/{conversation}/cursor",
            move_own,
            About {
                id: "moveCursor",
                summary: "Move one's own cursors",
                details: "The answer is what comes of it. A move is gathered with others before it is stored, at most a \
                          second or so later. What was read counts as delivered, too.",
                refuses: &[],
            },
        )
}

async fn list(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
) -> Answer<Json<Cursors>> {
    may_touch(id, caller.user)?;
    Ok(Json(hub.services.catch_up.cursors(caller.user, id).await?))
}

/// A move is not waited for: it is gathered with others before it is stored. The answer is what comes of it.
async fn move_own(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Body(MoveCursor { delivered, read }): Body<MoveCursor>,
) -> Answer<Json<Cursor>> {
    may_touch(id, caller.user)?;
    let cursor = hub.services.catch_up.moved(caller.user, id, delivered, read).await?;
    hub.move_cursor(id, caller.user, delivered, read).await?;
    Ok(Json(cursor))
}
