//! What a browser is told of every answer: not to keep it, not to guess what it is, and that nothing in it runs, loads or is
//! framed. Deliberately absent: `Strict-Transport-Security`, which binds names that are the operator's to bind.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// The plain page has a style of its own, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const TOLD: [(HeaderName, &str); 4] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Adds them; an answer that says otherwise knows better.
pub(super) async fn told(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in TOLD {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
