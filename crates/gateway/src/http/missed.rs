//! What a person missed while no device was connected.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use protocol::http::MissedList;

use super::input::Caller;
use super::{Answer, Shared};
use crate::hub::Hub;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new().route("/v1/missed", get(list))
}

async fn list(State(hub): Shared, Caller(caller): Caller) -> Answer<Json<MissedList>> {
    Ok(Json(hub.services.notifications.missed(caller.user).await?))
}
