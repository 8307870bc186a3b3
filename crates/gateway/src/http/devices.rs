//! The devices of a person.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use protocol::http::Devices;

use super::input::Caller;
use super::{Answer, Shared};
use crate::hub::Hub;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new().route("/v1/devices", get(list))
}

async fn list(State(hub): Shared, Caller(caller): Caller) -> Answer<Json<Devices>> {
    Ok(Json(hub.services.accounts.devices(caller.user).await?))
}
