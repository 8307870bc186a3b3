//! The members of a group: who is in, adding, removing, leaving, roles.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use domain::content::{self, Left};
use domain::{Code, Content, Rejection, UserId};
use http::Method;
use protocol::http::{Appended, Members, SetRole, Users};
use serde::Deserialize;

use super::conversations::append;
use super::input::{Body, Caller, InConversation, Key, OfUser, Query};
use super::{Answer, Shared};
use crate::hub::Hub;
use crate::submission::may_touch;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/v1/conversations/{conversation}/members", get(list).post(change).delete(change))
        .route("/v1/conversations/{conversation}/members/{user}/role", put(set_role))
        .route("/v1/conversations/{conversation}/leave", post(leave))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    after: Option<UserId>,
}

async fn list(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Query(page): Query<Page>,
) -> Answer<Json<Members>> {
    may_touch(id, caller.user)?;
    Ok(Json(hub.services.catch_up.members(caller.user, id, page.after).await?))
}

/// Adds people, or removes them: `POST` or `DELETE`.
async fn change(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    method: Method,
    Key(key): Key,
    Body(Users { users }): Body<Users>,
) -> Answer<Json<Appended>> {
    let users = someone(named(&hub, users)?)?;
    existing(&hub, &users).await?;
    let users = content::Users { users };
    let change = if method == Method::DELETE { Content::Removed(users) } else { Content::Joined(users) };
    Ok(Json(append(&hub, caller, id, key, &change).await?))
}

async fn leave(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    Key(key): Key,
) -> Answer<Json<Appended>> {
    Ok(Json(append(&hub, caller, id, key, &Content::Left(Left {})).await?))
}

async fn set_role(
    State(hub): Shared,
    Caller(caller): Caller,
    InConversation(id): InConversation,
    OfUser(user): OfUser,
    Key(key): Key,
    Body(SetRole { role }): Body<SetRole>,
) -> Answer<Json<Appended>> {
    Ok(Json(append(&hub, caller, id, key, &Content::Role(content::SetRole { user, role })).await?))
}

/// The people whom a request names: each once, in order, so that the same request always says the same.
pub(super) fn named(hub: &Hub, mut users: Vec<UserId>) -> Result<Vec<UserId>, Rejection> {
    users.sort_unstable();
    users.dedup();
    let users_max = hub.config.limits.members_per_request_max;
    if users.len() > users_max {
        return Err(Rejection::new(Code::TooLarge, format!("a request names at most {users_max} people")));
    }
    Ok(users)
}

fn someone(users: Vec<UserId>) -> Result<Vec<UserId>, Rejection> {
    if users.is_empty() {
        return Err(Rejection::new(Code::BadRequest, "the request names nobody"));
    }
    Ok(users)
}

/// Refuses people who do not exist.
pub(super) async fn existing(hub: &Hub, users: &[UserId]) -> Result<(), Rejection> {
    match hub.unknown(users).await?.first() {
        Some(unknown) => Err(Rejection::new(Code::NotFound, format!("there is no user {unknown}"))),
        None => Ok(()),
    }
}
