//! Signing up, in and out, and new tokens for old.

use axum::extract::State;
use axum::response::NoContent;
use axum::{Extension, Json};
use domain::Code;
use protocol::http::{Credentials, Refresh, Tokens};

use super::input::{Body, Caller};
use super::operation::{About, Created, Operations};
use super::{Answer, Peer, Shared};

pub(super) fn operations() -> Operations {
    Operations::of("accounts", "Signing up, in and out, and new tokens for old.")
        .post(
            "/v1/accounts",
            sign_up,
            About {
                id: "signUp",
                summary: "Sign up",
                details: "Makes a person, and signs them in on a new device.",
                refuses: &[&[Code::AlreadyExists]],
            },
        )
        .post(
            "/v1/sessions",
            sign_in,
            About {
                id: "signIn",
                summary: "Sign in",
                details: "Each sign-in makes a new device. Tries are counted by name and by address; too many are \
                          `rate_limited`.",
                refuses: &[&[Code::InvalidCredentials]],
            },
        )
        .post(
            "/v1/sessions/refresh",
            refresh,
            About {
                id: "refreshTokens",
                summary: "Get new tokens",
                details: "Gives a new pair of tokens for the newest refresh token, which is used up. The same one sent \
                          again at once, because the answer was lost, is answered again.",
                refuses: &[&[Code::Unauthenticated]],
            },
        )
        .delete(
            "/v1/sessions/current",
            sign_out,
            About {
                id: "signOut",
                summary: "Sign out",
                details: "Ends the device of the access token: its tokens are void, and its connection is closed with \
                          `signed_out`.",
                refuses: &[],
            },
        )
}

async fn sign_up(
    State(hub): Shared,
    Extension(Peer(from)): Extension<Peer>,
    Body(credentials): Body<Credentials>,
) -> Answer<Created<Tokens>> {
    let tokens = hub.services.accounts.sign_up(credentials, &from.to_string()).await?;
    Ok(Created(tokens))
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

async fn sign_out(State(hub): Shared, Caller(caller): Caller) -> Answer<NoContent> {
    hub.services.accounts.sign_out(caller.user, caller.device).await?;
    hub.signed_out(caller.user, caller.device);
    Ok(NoContent)
}
