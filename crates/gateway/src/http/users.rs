//! Users: oneself, by id, by exact name.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use protocol::http::User;
use serde::Deserialize;

use super::input::{Caller, OfUser, Query};
use super::{Answer, Shared};
use crate::hub::Hub;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/v1/users", get(by_handle))
        .route("/v1/users/me", get(me))
        .route("/v1/users/{user}", get(by_id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    handle: String,
}

async fn by_handle(State(hub): Shared, _: Caller, Query(wanted): Query<Wanted>) -> Answer<Json<User>> {
    Ok(Json(hub.services.accounts.by_handle(&wanted.handle).await?))
}

async fn me(State(hub): Shared, Caller(caller): Caller) -> Answer<Json<User>> {
    Ok(Json(hub.services.accounts.user(caller.user).await?))
}

async fn by_id(State(hub): Shared, _: Caller, OfUser(user): OfUser) -> Answer<Json<User>> {
    Ok(Json(hub.services.accounts.user(user).await?))
}
