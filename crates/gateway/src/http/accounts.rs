//! Signing up, in and out, and new tokens for old.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{delete, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use protocol::http::{Credentials, Refresh, Tokens};

use super::input::{Body, Caller};
use super::{Answer, Peer, Shared};
use crate::hub::Hub;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/v1/accounts", post(sign_up))
        .route("/v1/sessions", post(sign_in))
        .route("/v1/sessions/refresh", post(refresh))
        .route("/v1/sessions/current", delete(sign_out))
}

async fn sign_up(
    State(hub): Shared,
    Extension(Peer(from)): Extension<Peer>,
    Body(credentials): Body<Credentials>,
) -> Answer<(StatusCode, Json<Tokens>)> {
    let tokens = hub.services.accounts.sign_up(credentials, &from.to_string()).await?;
    Ok((StatusCode::CREATED, Json(tokens)))
}

async fn sign_in(
    State(hub): Shared,
    Extension(Peer(from)): Extension<Peer>,
    Body(credentials): Body<Credentials>,
) -> Answer<Json<Tokens>> {
    Ok(Json(hub.services.accounts.sign_in(credentials, &from.to_string()).await?))
}

async fn refresh(State(hub): Shared, Body(refresh): Body<Refresh>) -> Answer<Json<Tokens>> {
    Ok(Json(hub.services.accounts.refresh(&refresh.refresh_token).await?))
}

async fn sign_out(State(hub): Shared, Caller(caller): Caller) -> Answer<StatusCode> {
    hub.services.accounts.sign_out(caller.user, caller.device).await?;
    hub.signed_out(caller.user, caller.device);
    Ok(StatusCode::NO_CONTENT)
}
