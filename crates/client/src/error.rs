//! What can go wrong for a user of the SDK.

use domain::{Code, Rejection};

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
    Storage(#[from] std::io::Error),
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

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
