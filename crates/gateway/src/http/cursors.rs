//! Cursors: how far people are, and moving one's own.

use axum::Json;
use axum::extract::State;
use contracts::records::Move;
use contracts::services::{PageEdge, Principal};
use domain::{Code, ConversationId, Cursor, Generation, Mark, Position, Rejection, SessionId, Slot};
use protocol::http::{Cursors, MoveCursor};

use super::input::{Body, Caller, InConversation};
use super::operation::{About, Operations};
use super::{Answer, Shared};
use crate::hub::Hub;
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
    let cursors = hub.services.catch_up.cursors(caller.user, id).await?.cursors;
    let own = cursors.into_iter().find(|of| of.user == caller.user);
    let own = own.map_or_else(Cursor::default, |own| own.cursor);
    let asked = Cursor {
        delivered: mark(&hub, caller, id, delivered).await?,
        read: mark(&hub, caller, id, read).await?,
    };
    let origin = SessionId { slot: Slot(0), generation: Generation(0), number: 0 };
    hub.move_cursor(Move { conversation: id, user: caller.user, delivered, read, origin }).await?;
    Ok(Json(own.merge(asked)))
}

/// The mark of the entry at `position`, which the caller must be able to see.
async fn mark(
    hub: &Hub,
    caller: Principal,
    id: ConversationId,
    position: Option<Position>,
) -> Result<Mark, Rejection> {
    let Some(position) = position.filter(|position| *position != Position::START) else {
        return Ok(Mark::START);
    };
    let before = Position { seq: position.seq.saturating_sub(1), ..position };
    let page = hub.services.catch_up.entries(caller.user, id, PageEdge::After(before), 1).await?;
    let entry = page.entries.first().filter(|entry| entry.position == position);
    entry.map(|entry| entry.mark()).ok_or_else(|| {
        Rejection::new(Code::BadRequest, "there is no entry at this position, or it is not for you")
    })
}
