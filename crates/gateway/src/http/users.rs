//! Users: oneself, by id, by exact name.

use axum::Json;
use axum::extract::State;
use domain::Code;
use protocol::http::User;
use schemars::JsonSchema;
use serde::Deserialize;

use super::input::{Caller, OfUser, Query};
use super::operation::{About, Operations};
use super::{Answer, Shared};

pub(super) fn operations() -> Operations {
    Operations::of("users", "People, as others are shown them.")
        .get(
            "/v1/users",
            by_handle,
            About {
                id: "findUser",
                summary: "Find a person by their handle",
                details: "The handle is matched as a whole; case is folded.",
                refuses: &[&[Code::NotFound]],
            },
        )
        .get(
            "/v1/users/me",
            me,
            About {
                id: "getMe",
                summary: "Who am I?",
                details: "Whom the access token names.",
                refuses: &[],
            },
        )
        .get(
            "/v1/users/{user}",
            by_id,
            About {
                id: "getUser",
                summary: "Get a person",
                details: "What is shown of a person whose id one has met.",
                refuses: &[&[Code::NotFound]],
            },
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The name that the person signs in with.
    #[schemars(example = &"bob")]
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
