//! What can go wrong for a user of the SDK.

use std::io::{self, ErrorKind};

use domain::{Code, Rejection};
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use protocol::http::Failure;
use rustls::InvalidMessage;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The server could not be reached, or the connection broke. It may or may not have happened.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is not what the protocol says.
    #[error("the server's answer was not understood: {0}")]
    Protocol(String),
    /// The base URL is none, or not one that this build can speak.
    #[error("`{0}` is not the address of a server; it looks like https://host or http://host:port")]
    BadUrl(String),
    /// The root certificate is none.
    #[error("the root certificate cannot be read: {0}")]
    BadCertificate(String),
    /// The outbox or state could not be read or written.
    #[error("the device's storage failed: {0}")]
    Storage(#[from] io::Error),
    /// The outbox holds as much as it may.
    #[error("the outbox is full: {0} messages wait to be sent")]
    OutboxFull(usize),
    /// The text is larger than the server takes.
    #[error("the text has {bytes} bytes; at most {max} are taken")]
    TextTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The client was closed, or stopped because a person has to change something.
    #[error("the client is closed")]
    Closed,
}

impl Error {
    /// Whether the same call, made again unchanged, may succeed.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Rejected(rejection) => rejection.code.retryable(),
            Self::Unreachable(_) => true,
            Self::Protocol(_)
            | Self::BadUrl(_)
            | Self::BadCertificate(_)
            | Self::Storage(_)
            | Self::OutboxFull(_)
            | Self::TextTooLarge { .. }
            | Self::Closed => false,
        }
    }

    /// The server's refusal, if that is what it is.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// Whether the server refused with this code.
    pub fn is(&self, code: Code) -> bool {
        self.rejection().is_some_and(|rejection| rejection.code == code)
    }

    /// When another try may be worth it, by the server's word, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.rejection().and_then(|rejection| rejection.retry_after_ms)
    }
}

/// The refusal in an answer that is no success. One without the server's own words comes from something on the way, and is
/// taken for what its status says, if another try may help; else there is none.
pub(crate) fn rejection<B: AsRef<[u8]>>(answer: &Response<B>) -> Option<Rejection> {
    let status = answer.status();
    if let Ok(failure) = serde_json::from_slice::<Failure>(answer.body().as_ref()) {
        return Some(failure.error);
    }
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => Code::RateLimited,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Code::Timeout,
        status if status.is_server_error() => Code::Unavailable,
        _ => return None,
    };
    let seconds =
        answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut rejection = Rejection::new(code, format!("something on the way answered {status}"));
    rejection.retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
    Some(rejection)
}

/// Why a server could not be reached or a connection broke, for people to read. The cause is at the bottom of what libraries
/// wrap around it.
pub(crate) fn why(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.downcast_ref().map_or_else(|| cause.to_string(), why_io)
}

fn why_io(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        ErrorKind::TimedOut => "no answer in time".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "no network leads there".to_owned()
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => BROKE.to_owned(),
        _ => error.get_ref().map_or_else(|| error.to_string(), |inner| why_wrapped(inner)),
    }
}

/// What is in an error of IO is no source of it.
fn why_wrapped(error: &(dyn std::error::Error + 'static)) -> String {
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(error), _) => why_io(error),
        (_, Some(rustls::Error::InvalidCertificate(why))) => format!("its certificate is not trusted: {why}"),
        (_, Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType))) => {
            "what answers there does not speak TLS: is its address one of http://?".to_owned()
        }
        _ => error.to_string(),
    }
}

/// What a connection did that ended without a word.
pub(crate) const BROKE: &str = "the connection broke";

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response<&str> {
        Response::builder().status(status).header(RETRY_AFTER, "7").body(body).unwrap()
    }

    #[test]
    fn a_servers_refusal_is_less_than_its_own_words() {
        let words = r#"{"error":{"code":"unavailable","message":"full","retry_after_ms":6500}}"#;
        let told = Rejection::new(Code::Unavailable, "full").retry_after_ms(6_500);
        assert_eq!(rejection(&answer(503, words)), Some(told));
    }

    #[test]
    fn a_proxy_that_says_when_to_come_back_is_not_heard() {
        let code = |status| rejection(&answer(status, "<html>")).map(|told| (told.code, told.retry_after_ms));
        assert_eq!(code(429), Some((Code::RateLimited, Some(7_000))));
        assert_eq!(code(502), Some((Code::Unavailable, Some(7_000))));
        assert_eq!(code(504), Some((Code::Timeout, Some(7_000))));
        assert_eq!(code(404), None, "another try does not help");
    }

    #[test]
    fn a_person_reads_the_words_of_a_library() {
        let refused = io::Error::from_raw_os_error(111);
        assert!(refused.to_string().contains("os error"));
        let wrapped = tokio_tungstenite::tungstenite::Error::Io(refused);
        assert_eq!(why(&wrapped), "nothing listens there");
        let issuer = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let text = why(&io::Error::new(ErrorKind::InvalidData, issuer));
        assert!(text.starts_with("its certificate is not trusted"), "{text}");
        let plain = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        // As it comes from the bottom of HTTP.
        let text = why(&io::Error::other(io::Error::new(ErrorKind::InvalidData, plain)));
        assert!(text.contains("does not speak TLS"), "{text}");
    }
}
