//! Answers to connections that no HTTP server is made for: written as far as that works without waiting.

use domain::Rejection;
use http::StatusCode;
use protocol::http::Failure;
use tokio::net::TcpStream;

use crate::meters::Meters;

/// Bytes of a request that are taken from the socket before it is answered and closed: what is left unread makes the
/// kernel reset the connection, and the answer is lost with it.
const UNREAD_BYTES: usize = 4 << 10;

/// Tells who connected why they are not served; the connection is to be dropped then.
pub(crate) fn turn_away(stream: &TcpStream, rejection: Rejection) {
    Meters::refused(rejection.code);
    let _nothing_to_read = stream.try_read(&mut [0; UNREAD_BYTES]);
    let Some(answer) = answer(rejection) else { return };
    if let Err(error) = stream.try_write(answer.as_bytes()) {
        tracing::debug!(%error, "a connection that was not let in could not be told so");
    }
}

fn answer(rejection: Rejection) -> Option<String> {
    let status = StatusCode::from_u16(rejection.code.http_status()).ok()?;
    let retry_after = rejection
        .retry_after_ms
        .map(|ms| format!("retry-after: {}\r\n", ms.div_ceil(1_000)))
        .unwrap_or_default();
    let body = serde_json::to_string(&Failure { error: rejection }).ok()?;
    Some(format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         {retry_after}connection: close\r\n\r\n{body}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    ))
}
