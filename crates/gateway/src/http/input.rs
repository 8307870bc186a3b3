//! What requests bring: who asks, bodies, ids in paths, queries, idempotency keys. Whatever is wrong with them is a
//! refusal with a name.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use contracts::services::Principal;
use domain::json::Object;
use domain::{ClientId, Code, ConversationId, Rejection, UserId};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONNECTION};
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{Peer, Refusal};
use crate::hub::Hub;

/// Whoever asks, by their access token, unless they ask too much.
pub(super) struct Caller(pub(super) Principal);

impl FromRequestParts<Arc<Hub>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, hub: &Arc<Hub>) -> Result<Self, Refusal> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.split_once(' '));
        let token =
            token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let missing = || Rejection::new(Code::Unauthenticated, "an `Authorization: Bearer` header is needed");
        let principal = hub.services.accounts.authenticate(token.ok_or_else(missing)?).await?;
        hub.admit_user(principal.user, parts.extensions.get::<Peer>().map(|Peer(from)| *from))?;
        Ok(Self(principal))
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Hub>> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, hub: &Arc<Hub>) -> Result<Self, Response> {
        let bytes_max = hub.config.body_bytes_max;
        let body = Limited::new(request.into_body(), bytes_max).collect().await;
        let body =
            body.map_err(|error| unread(error.downcast_ref::<LengthLimitError>().map(|_| bytes_max)))?;
        match serde_json::from_slice(&body.to_bytes()) {
            Ok(Object(body)) => Ok(Self(body)),
            Err(error) => Err(bad("the body", error).into_response()),
        }
    }
}

/// The refusal of a body that was not read to its end, because it is larger than this or because it broke: what is left of
/// it is still to come, and so no other request can.
fn unread(bytes_max: Option<usize>) -> Response {
    let rejection = match bytes_max {
        Some(bytes_max) => Rejection::new(Code::TooLarge, format!("a body has at most {bytes_max} bytes")),
        None => Rejection::new(Code::BadRequest, "the body could not be read"),
    };
    ([(CONNECTION, "close")], Refusal(rejection)).into_response()
}

/// The `Idempotency-Key`: the client id under which something happens once.
pub(super) struct Key(pub(super) ClientId);

impl Key {
    /// The key in these headers.
    fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(header) = headers.get("idempotency-key") else { return Ok(None) };
        let text = header.to_str().map_err(|_| Self::refused("it is no text"))?.trim().trim_matches('"');
        let key: Result<ClientId, _> = text.parse();
        key.map(|key| Some(Self(key))).map_err(|error| Self::refused(&error.to_string()))
    }

    /// The refusal of a request without one.
    pub(super) fn missing() -> Refusal {
        Self::refused("it is missing")
    }

    fn refused(why: &str) -> Refusal {
        let message =
            format!("an `Idempotency-Key` header with a UUIDv7 made on server time is needed: {why}");
        Refusal(Rejection::new(Code::BadClientId, message))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Self::of(&parts.headers)?.ok_or_else(Self::missing)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Refusal> {
        Self::of(&parts.headers)
    }
}

/// The conversation that a path names.
pub(super) struct InConversation(pub(super) ConversationId);

impl<S: Send + Sync> FromRequestParts<S> for InConversation {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        named(parts, state, "conversation").await.map(Self)
    }
}

/// The user that a path names.
pub(super) struct OfUser(pub(super) UserId);

impl<S: Send + Sync> FromRequestParts<S> for OfUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        named(parts, state, "user").await.map(Self)
    }
}

async fn named<S: Send + Sync, T: FromStr<Err: Display>>(
    parts: &mut Parts,
    state: &S,
    name: &str,
) -> Result<T, Refusal> {
    let params = RawPathParams::from_request_parts(parts, state).await;
    let params = params.map_err(|error| bad("the path", error))?;
    let text = params.iter().find(|(param, _)| *param == name).map(|(_, text)| text);
    parsed("the path", text.unwrap_or_default())
}

/// A query string.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        // Below what the library says of it is what is wrong with it.
        let why =
            |error: QueryRejection| error.source().map_or_else(|| error.to_string(), ToString::to_string);
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|error| bad("the query", why(error)))
    }
}

/// Something in a text, or a refusal that says where it was.
pub(super) fn parsed<T: FromStr<Err: Display>>(place: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error| bad(place, error))
}

/// A refusal of what cannot be read.
pub(super) fn bad(place: &str, why: impl Display) -> Refusal {
    Refusal(Rejection::new(Code::BadRequest, format!("{place} cannot be read: {why}")))
}
