//! Paths that are part of the API and not served yet: they say so, rather than that they are unknown.

use std::sync::Arc;

use axum::Router;
use domain::{Code, Rejection};

use super::{Refusal, every};
use crate::hub::Hub;

/// The paths; each answers every method.
pub(crate) const PATHS: [&str; 11] = [
    "/v1/conversations/{conversation}/entries/{position}",
    "/v1/conversations/{conversation}/entries/{position}/reactions",
    "/v1/conversations/{conversation}/typing",
    "/v1/attachments",
    "/v1/attachments/{attachment}",
    "/v1/search",
    "/v1/push",
    "/v1/push/{subscription}",
    "/v1/presence",
    "/v1/devices/{device}",
    "/v1/devices/{device}/push",
];

pub(super) fn routes() -> Router<Arc<Hub>> {
    PATHS.into_iter().fold(Router::new(), |router, path| router.route(path, every(unsupported)))
}

async fn unsupported() -> Refusal {
    Refusal(Rejection::new(Code::Unsupported, "this server does not serve this yet"))
}
