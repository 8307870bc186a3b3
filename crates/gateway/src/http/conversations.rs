//! Conversations: the list, one, a new one, a change of a group.

use axum::Json;
use axum::extract::State;
use contracts::services::Principal;
use domain::content::{Created, History, Renamed};
use domain::{ClientId, Code, Content, ConversationId, Rejection, UserId};
use protocol::http::{Appended, ChangeConversation, Conversations, NewConversation};
use protocol::view::Conversation;
use schemars::JsonSchema;
use serde::Deserialize;

use super::input::{Body, Caller, InConversation, Key, Query};
use super::operation::{About, MadeOrFound, Operations};
use super::{Answer, Refusal, Shared};
use crate::hub::Hub;
use crate::submission::{may_touch, submission};

pub(super) fn operations() -> Operations {
    Operations::of("conversations", "Direct conversations and groups.")
        .get(
            "/v1/conversations",
            list,
            About {
                id: "listConversations",
                summary: "List one's conversations",
                details: "Newest first, a page at a time; each with its newest entries. A direct conversation is listed \
                          from its first message on.",
                refuses: &[],
            },
        )
        .post(
            "/v1/conversations",
            begin,
            About {
                id: "beginConversation",
                summary: "Make or find a conversation",
                details: "With `user`: the direct conversation with that person, which is the same for both and always \
                          there. With `name`: a new group, which needs an `Idempotency-Key`; the same key makes one group.",
                refuses: &[&[Code::NotFound, Code::GroupFull, Code::Conflict, Code::Expired]],
            },
        )
        .get(
            "/v1/conversations/{conversation}",
            one,
            About {
                id: "getConversation",
                summary: "Get a conversation",
                details: "As it is listed. Also of a group that one is no longer in, as far as one was.",
                refuses: &[],
            },
        )
        .patch(
            "/v1/conversations/{conversation}",
            change,
            About {
                id: "changeConversation",
                summary: "Change a group",
                details: "One thing at a time, by an admin.",
                refuses: &[SUBMISSION],
            },
        )
}

/// Why whatever changes a conversation may be refused, beside what its inputs and its own rules are refused for.
pub(super) const SUBMISSION: &[Code] =
    &[Code::NotAMember, Code::Forbidden, Code::Conflict, Code::Expired, Code::Unsupported];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    /// The `next` of the page before; absent for the first page.
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
    key: Option<Key>,
    Body(new): Body<NewConversation>,
) -> Answer<MadeOrFound<Conversation>> {
    let bad = |message| Refusal(Rejection::new(Code::BadRequest, message));
    match new {
        NewConversation { user: Some(user), name: None, users, history: false } if users.is_empty() => {
            direct(&hub, caller, user).await
        }
        NewConversation { user: None, name: Some(name), users, history } => {
            let Key(key) = key.ok_or_else(Key::missing)?;
            group(&hub, caller, key, Created { name, users, history }).await
        }
        _ => Err(bad("give either `user`, for a direct conversation, or `name`, for a group")),
    }
}

/// Makes or finds the conversation with `other`; it has no entry before its first message.
async fn direct(hub: &Hub, caller: Principal, other: UserId) -> Answer<MadeOrFound<Conversation>> {
    hub.existing(&[other]).await?;
    let id = ConversationId::direct(caller.user, other);
    Ok(MadeOrFound::Found(hub.services.catch_up.conversation(caller.user, id).await?))
}

async fn group(
    hub: &Hub,
    caller: Principal,
    key: ClientId,
    mut created: Created,
) -> Answer<MadeOrFound<Conversation>> {
    created.users = super::members::named(hub, created.users)?;
    created.users.retain(|user| *user != caller.user);
    hub.existing(&created.users).await?;
    let id = ConversationId::group(hub.config.region, caller.user, caller.device, key);
    append(hub, caller, id, key, &Content::Created(created)).await?;
    Ok(MadeOrFound::Made(hub.services.catch_up.conversation(caller.user, id).await?))
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
