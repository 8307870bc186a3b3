//! The paths of the admin listener that need the server to be there.

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use contracts::services::OlderKeys;
use domain::{Code, ConversationId, PortError, Position, Rejection, UserId};
use protocol::http::Failure;
use serde::{Deserialize, Serialize};
use store_chat::Edge;

use super::Admin;
use super::scrape::metrics;

/// Rows in one answer.
const PAGE: usize = 1_000;

/// Bytes of entries in one answer.
const PAGE_BYTES: usize = 4 << 20;

pub(super) fn router(admin: Admin) -> Router {
    let guarded = Router::new()
        .route("/admin/token", post(token))
        .route("/admin/users", get(users))
        .route("/admin/conversations", get(conversations))
        .route("/admin/log/{conversation}", get(log))
        .route("/admin/verify", post(verify))
        .route("/admin/backup", get(super::backup::backup))
        .route("/admin/export/user/{user}", get(super::export::user))
        .route("/admin/export/conversation/{conversation}", get(super::export::conversation))
        .route("/admin/sessions", get(super::sessions::sessions))
        .route("/admin/drain", post(super::sessions::drain))
        .route("/admin/rotate-key", post(rotate_key))
        .route("/admin/rotate-admin-token", post(rotate_admin_token))
        .route("/admin/recovery-code", post(recovery_code))
        .route("/admin/sign-out", post(sign_out))
        .layer(middleware::from_fn_with_state(admin.clone(), authorised));
    Router::new()
        .route("/metrics", get(async |State(admin): State<Admin>| metrics(&admin)))
        .merge(guarded)
        .with_state(admin)
}

/// A refusal as HTTP carries it.
pub(super) struct Refused(pub(super) Rejection);

impl<E: Into<Rejection>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(Failure { error: self.0 })).into_response()
    }
}

async fn authorised(State(admin): State<Admin>, request: Request<Body>, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if admin.token.is(given) {
        return next.run(request).await;
    }
    let message = "the admin token is the file `secrets/admin-token` in the data folder";
    Refused(Rejection::new(Code::Unauthenticated, message)).into_response()
}

/// `POST /admin/token`: mints an access token for a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mint {
    handle: String,
    #[serde(default)]
    create: bool,
}

async fn token(State(admin): State<Admin>, Json(mint): Json<Mint>) -> Result<Response, Refused> {
    Ok(Json(admin.accounts.mint(&mint.handle, mint.create).await?).into_response())
}

#[derive(Deserialize)]
struct After<T> {
    after: Option<T>,
}

async fn users(State(admin): State<Admin>, Query(page): Query<After<UserId>>) -> Result<Response, Refused> {
    Ok(Json(admin.accounts.users(page.after, PAGE).await?).into_response())
}

/// A conversation as an operator is shown it.
#[derive(Serialize)]
struct Row {
    id: ConversationId,
    head: Option<domain::Head>,
}

async fn conversations(
    State(admin): State<Admin>,
    Query(page): Query<After<ConversationId>>,
) -> Result<Response, Refused> {
    let mut rows = vec![];
    for id in admin.stores.chat.conversations(page.after, PAGE).await? {
        rows.push(Row { id, head: admin.stores.chat.head(id).await? });
    }
    Ok(Json(rows).into_response())
}

async fn log(
    State(admin): State<Admin>,
    Path(conversation): Path<ConversationId>,
    Query(page): Query<AfterText>,
) -> Result<Response, Refused> {
    let after = match page.after.as_deref().map(str::parse::<Position>) {
        None => Position::START,
        Some(Ok(after)) => after,
        Some(Err(error)) => return Err(Refused(Rejection::new(Code::BadRequest, error.to_string()))),
    };
    let entries = admin.stores.chat.page(conversation, Edge::After(after), PAGE, PAGE_BYTES).await?;
    Ok(Json(entries).into_response())
}

#[derive(Deserialize)]
struct AfterText {
    after: Option<String>,
}

async fn verify(State(admin): State<Admin>) -> Result<Response, Refused> {
    Ok(Json(crate::audit::audit(&admin.stores).await?).into_response())
}

/// `POST /admin/rotate-key`: whether what older keys have signed is void at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateKey {
    #[serde(default)]
    leaked: bool,
}

async fn rotate_key(State(admin): State<Admin>, Json(rotate): Json<RotateKey>) -> Result<Response, Refused> {
    let older = if rotate.leaked { OlderKeys::Void } else { OlderKeys::Verify };
    let kid = admin.accounts.rotate_key(older).await?;
    tracing::warn!(kid, ?older, "an admin made a new signing key");
    Ok(Json(kid).into_response())
}

/// `POST /admin/rotate-admin-token`: the new token is where the old one was, and nowhere in the answer.
async fn rotate_admin_token(State(admin): State<Admin>) -> Result<Response, Refused> {
    let rotated = admin.token.rotate();
    rotated.map_err(|error| PortError::passing("admin token", format!("{error:#}")))?;
    tracing::warn!("an admin made a new admin token");
    Ok(Json(()).into_response())
}

/// `POST /admin/recovery-code`, for a user who has lost everything, and `POST /admin/sign-out`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForUser {
    handle: String,
}

async fn recovery_code(State(admin): State<Admin>, Json(user): Json<ForUser>) -> Result<Response, Refused> {
    Ok(Json(admin.accounts.make_recovery_code(&user.handle).await?).into_response())
}

async fn sign_out(State(admin): State<Admin>, Json(user): Json<ForUser>) -> Result<Response, Refused> {
    Ok(Json(admin.accounts.end_all_of(&user.handle).await?.devices.len()).into_response())
}
