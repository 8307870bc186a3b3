//! Refusals as HTTP answers: one shape, the status by the code.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::Rejection;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use protocol::http::Failure;

use crate::meters;

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Rejection);

impl Refusal {
    /// The body alone, for an answer whose status says more than the code does.
    pub(crate) fn body(self) -> Json<Failure> {
        meters::Meters::refused(self.0.code);
        Json(Failure { error: self.0 })
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = self.0.retry_after_ms.map(|ms| ms.div_ceil(1_000));
        let mut response = (status, self.body()).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
