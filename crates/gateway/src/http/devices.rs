//! The devices of a person.

use axum::Json;
use axum::extract::State;
use protocol::http::Devices;

use super::input::Caller;
use super::operation::{About, Operations};
use super::{Answer, Shared};

pub(super) fn operations() -> Operations {
    Operations::of("devices", "Where a person is signed in.").get(
        "/v1/devices",
        list,
        About { id: "listDevices", summary: "List one's devices", details: "Oldest first.", refuses: &[] },
    )
}

async fn list(State(hub): Shared, Caller(caller): Caller) -> Answer<Json<Devices>> {
    Ok(Json(hub.services.accounts.devices(caller.user).await?))
}
