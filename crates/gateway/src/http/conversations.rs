//! Conversations: the list, one, a new one, a change of a group.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use contracts::services::Principal;
use domain::content::{Created, History, Renamed};
use domain::{ClientId, Code, Content, ConversationId, Rejection, UserId};
use http::{HeaderMap, StatusCode};
use protocol::http::{Appended, ChangeConversation, Conversations, NewConversation};
use protocol::view::Conversation;
use serde::Deserialize;

use super::input::{Body, Caller, InConversation, Key, Query};
use super::members::existing;
use super::{Answer, Refusal, Shared};
use crate::hub::Hub;
use crate::submission::{may_touch, submission};

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/v1/conversations", get(list).post(begin))
        .route("/v1/conversations/{conversation}", get(one).patch(change))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    page: Option<String>,
}

async fn list(
    State(hub): Shared,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Answer<Json<Conversations>> {
    Ok(Json(hub.services.catch_up.conversations(caller.user, page.page.as_deref()).await?))
}

async fn one(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
) -> Answer<Json<Conversation>> {
    may_touch(id, caller.user)?;
    Ok(Json(hub.services.catch_up.conversation(caller.user, id).await?))
}

async fn begin(
    State(hub): Shared,
    Caller(caller): Caller,
    headers: HeaderMap,
    Body(new): Body<NewConversation>,
) -> Answer<(StatusCode, Json<Conversation>)> {
    let bad = |message| Refusal(Rejection::new(Code::BadRequest, message));
    match new {
        NewConversation { user: Some(user), name: None, users, history: false } if users.is_empty() => {
            direct(&hub, caller, user).await
        }
        NewConversation { user: None, name: Some(name), users, history } => {
            let Key(key) = Key::of(&headers)?;
            group(&hub, caller, key, Created { name, users, history }).await
        }
        _ => Err(bad("give either `user`, for a direct conversation, or `name`, for a group")),
    }
}

/// Makes or finds the conversation with `other`; it has no entry before its first message.
async fn direct(hub: &Hub, caller: Principal, other: UserId) -> Answer<(StatusCode, Json<Conversation>)> {
    existing(hub, &[other]).await?;
    let id = ConversationId::direct(caller.user, other);
    Ok((StatusCode::OK, Json(hub.services.catch_up.conversation(caller.user, id).await?)))
}

async fn group(
    hub: &Hub,
    caller: Principal,
    key: ClientId,
    mut created: Created,
) -> Answer<(StatusCode, Json<Conversation>)> {
    created.users = super::members::named(hub, created.users)?;
    created.users.retain(|user| *user != caller.user);
    existing(hub, &created.users).await?;
    let id = ConversationId::group(hub.config.region, caller.user, caller.device, key);
    append(hub, caller, id, key, &Content::Created(created)).await?;
    Ok((StatusCode::CREATED, Json(hub.services.catch_up.conversation(caller.user, id).await?)))
}

async fn change(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Key(key): Key,
    Body(change): Body<ChangeConversation>,
) -> Answer<Json<Appended>> {
    let content = match change {
        ChangeConversation::Name(name) => Content::Renamed(Renamed { name }),
        ChangeConversation::History(visible) => Content::History(History { visible }),
    };
    Ok(Json(append(&hub, caller, id, key, &content).await?))
}

/// Submits, and waits for the outcome.
pub(super) async fn append(
    hub: &Hub,
    caller: Principal,
    conversation: ConversationId,
    client_id: ClientId,
    content: &Content,
) -> Answer<Appended> {
    let submission = submission(caller, conversation, client_id, content, &hub.config.limits)?;
    let stored = hub.submit(submission).await?;
    let contracts::records::Stored { position, ordinal, time } = stored;
    Ok(Appended { conversation, position, ordinal, time, client_id })
}
