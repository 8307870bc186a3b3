//! Signing up, in and out, new tokens for old, passwords and recovery.

use axum::extract::State;
use axum::response::NoContent;
use axum::{Extension, Json};
use domain::Code;
use protocol::http::{
    ChangePassword, ConfirmPassword, Credentials, Recovery, RecoveryCodes, Refresh, Tokens,
};

use super::input::{Body, Caller};
use super::operation::{About, Created, Operations};
use super::{Answer, Peer, Shared};

pub(super) fn operations() -> Operations {
    Operations::of("accounts", "Signing up, in and out, new tokens for old, passwords and recovery.")
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
        .delete(
            "/v1/sessions",
            sign_out_everywhere,
            About {
                id: "signOutEverywhere",
                summary: "Sign out everywhere",
                details: "Ends every device of the person, the one that asks among them: all tokens are void, and all \
                          connections are closed with `signed_out`.",
                refuses: &[],
            },
        )
        .post(
            "/v1/accounts/password",
            change_password,
            About {
                id: "changePassword",
                summary: "Change one's password",
                details: "Needs the current password. Every other device is signed out, unless `keep_devices` says no; the \
                          one that asks stays in, with the tokens it has. Tries are counted as for signing in.",
                refuses: &[&[Code::InvalidCredentials]],
            },
        )
        .post(
            "/v1/accounts/recovery-codes",
            make_recovery_codes,
            About {
                id: "makeRecoveryCodes",
                summary: "Make recovery codes",
                details: "Needs the password. The codes are shown this once, and those from before are void. Tries are \
                          counted as for signing in.",
                refuses: &[&[Code::InvalidCredentials]],
            },
        )
        .post(
            "/v1/accounts/recovery",
            recover,
            About {
                id: "recoverAccount",
                summary: "Set a new password by a recovery code",
                details: "For who has forgotten the password. The code is used up, and every device of the person is \
                          signed out; sign in with the new password then. Should the answer be lost, try that first. A \
                          wrong name, a wrong code and a used one look the same. Tries are counted as for signing in.",
                refuses: &[&[Code::InvalidCredentials]],
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

async fn sign_out_everywhere(State(hub): Shared, Caller(caller): Caller) -> Answer<NoContent> {
    let ended = hub.services.accounts.sign_out_everywhere(caller.user).await?;
    hub.ended(&ended);
    Ok(NoContent)
}

async fn change_password(
    State(hub): Shared,
    Extension(Peer(from)): Extension<Peer>,
    Caller(caller): Caller,
    Body(change): Body<ChangePassword>,
) -> Answer<NoContent> {
    let ended = hub.services.accounts.change_password(&caller, change, &from.to_string()).await?;
    hub.ended(&ended);
    Ok(NoContent)
}

async fn make_recovery_codes(
    State(hub): Shared,
    Extension(Peer(from)): Extension<Peer>,
    Caller(caller): Caller,
    Body(confirm): Body<ConfirmPassword>,
) -> Answer<Created<RecoveryCodes>> {
    let accounts = &hub.services.accounts;
    Ok(Created(accounts.make_recovery_codes(caller.user, confirm, &from.to_string()).await?))
}

async fn recover(
    State(hub): Shared,
    Extension(Peer(from)): Extension<Peer>,
    Body(recovery): Body<Recovery>,
) -> Answer<NoContent> {
    let ended = hub.services.accounts.recover(recovery, &from.to_string()).await?;
    hub.ended(&ended);
    Ok(NoContent)
}
