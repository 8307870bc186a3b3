//! What a person missed while no device was connected.

use axum::Json;
use axum::extract::State;
use protocol::http::MissedList;

use super::input::Caller;
use super::operation::{About, Operations};
use super::{Answer, Shared};

pub(super) fn operations() -> Operations {
    Operations::of("missed", "What a person missed while no device of theirs was connected.").get(
        "/v1/missed",
        list,
        About {
            id: "listMissed",
            summary: "What did I miss?",
            details: "By conversation, newest first, with the badge: how many messages in all. It is derived a moment \
                      after a message was stored.",
            refuses: &[],
        },
    )
}

async fn list(State(hub): Shared, Caller(caller): Caller) -> Answer<Json<MissedList>> {
    Ok(Json(hub.services.notifications.missed(caller.user).await?))
}
