//! The HTTPS API: `/v1/…`, JSON, one file per resource.
//!
//! Queries are calls; whatever changes a conversation is a submission, whose outcome is waited for. Deliberately absent:
//! rules of who may do what, which live where the log is.

mod accounts;
mod conversations;
mod cursors;
mod devices;
mod documents;
mod entries;
mod headers;
mod input;
mod later;
mod members;
mod missed;
mod operation;
mod refusal;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use domain::{Code, Rejection};
use tokio::time::Instant;

use crate::hub::Hub;

pub(crate) use later::PATHS as LATER;
pub(crate) use operation::{Content, Operation, Operations, Parameter, SchemaOf};
pub(crate) use refusal::Refusal;

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What the handlers share.
type Shared = State<Arc<Hub>>;

/// What a handler answers.
type Answer<T> = Result<T, Refusal>;

/// The API and the plain page.
pub(crate) fn router(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/", get(page))
        .merge(operations().router)
        .merge(later::routes())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(&hub), throttled))
        .layer(from_fn_with_state(Arc::clone(&hub), in_time))
        .layer(from_fn_with_state(Arc::clone(&hub), counted))
        .layer(from_fn(headers::told))
        .with_state(hub)
}

/// Every operation that is served.
pub(crate) fn operations() -> Operations {
    [
        accounts::operations(),
        users::operations(),
        conversations::operations(),
        members::operations(),
        entries::operations(),
        cursors::operations(),
        missed::operations(),
        devices::operations(),
        documents::operations(),
    ]
    .into_iter()
    .fold(Operations::default(), Operations::and)
}

async fn page(State(hub): Shared) -> Html<String> {
    Html(hub.config.page.clone())
}

async fn no_such_path() -> Refusal {
    Refusal(Rejection::new(Code::NotFound, "there is no such path; the API is under /v1"))
}

async fn no_such_method() -> Response {
    let refusal = Refusal(Rejection::new(Code::BadRequest, "this path does not take this method"));
    (http::StatusCode::METHOD_NOT_ALLOWED, refusal.body()).into_response()
}

/// Answers within the time that a request may take.
async fn in_time(State(hub): Shared, request: Request, next: Next) -> Response {
    match tokio::time::timeout(hub.config.request_timeout(), next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => {
            Refusal(Rejection::new(Code::Timeout, "no answer in time; try again")).into_response()
        }
    }
}

/// Refuses an address that asks too much. It pays for every request, and gets back what turns out to be a user's.
async fn throttled(State(hub): Shared, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<Peer>().copied();
    match from.map_or(Ok(()), |Peer(from)| hub.admit_address(from)) {
        Ok(()) => next.run(request).await,
        Err(rejection) => Refusal(rejection).into_response(),
    }
}

/// Counts requests by route, method and status, and times them.
async fn counted(State(hub): Shared, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = method(request.method());
    let response = next.run(request).await;
    hub.meters.answered(route, method, response.status().as_u16(), began.elapsed());
    response
}

/// A method as a label; those that nobody serves are one, since a client can make up any.
fn method(method: &http::Method) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("other")
}

/// A route that answers every method with this handler.
fn every<H, T>(handler: H) -> axum::routing::MethodRouter<Arc<Hub>>
where
    H: axum::handler::Handler<T, Arc<Hub>>,
    T: 'static,
{
    any(handler)
}
