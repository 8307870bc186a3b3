//! The one error enum that devices see, the same over WebSocket and HTTP.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something was refused. Clients decide by the code; the message is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request or frame is malformed, or a field has a value that it cannot have.
    BadRequest,
    /// The client id is no UUIDv7, or more than 5 minutes ahead of server time. Nothing was stored.
    BadClientId,
    /// The client id is older than 30 days: nobody can know any more whether it was stored.
    Expired,
    /// The same identity was used before, with another body.
    Conflict,
    /// The submission named in `after` is not in the log yet.
    OutOfOrder,
    /// No access token, or one that is not valid.
    Unauthenticated,
    /// The access token was valid once.
    TokenExpired,
    /// Wrong name or wrong password; which of them is not said.
    InvalidCredentials,
    /// Absent, or not for this person: from outside they look the same.
    NotFound,
    /// The person was a member and no longer is.
    NotAMember,
    /// A member may not do this; an admin may.
    Forbidden,
    /// The last admin cannot leave, or stop being one, while others remain.
    LastAdmin,
    /// The group holds as many members as it may.
    GroupFull,
    /// The name is taken.
    AlreadyExists,
    /// A text, frame, body or list is larger than its limit.
    TooLarge,
    /// Part of the protocol, but not served by this server (yet).
    Unsupported,
    /// Too much in too short a time.
    RateLimited,
    /// Something that this needs cannot be reached now. It may or may not have happened: send it again as it was.
    Unavailable,
    /// No answer in time. It may or may not have happened: send it again as it was.
    Timeout,
    /// A bug. It was logged.
    Internal,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 20] = [
        Self::BadRequest,
        Self::BadClientId,
        Self::Expired,
        Self::Conflict,
        Self::OutOfOrder,
        Self::Unauthenticated,
        Self::TokenExpired,
        Self::InvalidCredentials,
        Self::NotFound,
        Self::NotAMember,
        Self::Forbidden,
        Self::LastAdmin,
        Self::GroupFull,
        Self::AlreadyExists,
        Self::TooLarge,
        Self::Unsupported,
        Self::RateLimited,
        Self::Unavailable,
        Self::Timeout,
        Self::Internal,
    ];

    /// Whether the same thing, sent again unchanged, may succeed.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::OutOfOrder | Self::RateLimited | Self::Unavailable | Self::Timeout | Self::Internal
        )
    }

    /// The HTTP status that carries it.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadRequest | Self::BadClientId => 400,
            Self::Unauthenticated | Self::TokenExpired | Self::InvalidCredentials => 401,
            Self::Forbidden | Self::NotAMember | Self::LastAdmin => 403,
            Self::NotFound => 404,
            Self::Conflict | Self::OutOfOrder | Self::AlreadyExists | Self::GroupFull => 409,
            Self::Expired => 410,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unsupported => 501,
            Self::Unavailable => 503,
            Self::Timeout => 504,
        }
    }

    /// The code as it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::BadClientId => "bad_client_id",
            Self::Expired => "expired",
            Self::Conflict => "conflict",
            Self::OutOfOrder => "out_of_order",
            Self::Unauthenticated => "unauthenticated",
            Self::TokenExpired => "token_expired",
            Self::InvalidCredentials => "invalid_credentials",
            Self::NotFound => "not_found",
            Self::NotAMember => "not_a_member",
            Self::Forbidden => "forbidden",
            Self::LastAdmin => "last_admin",
            Self::GroupFull => "group_full",
            Self::AlreadyExists => "already_exists",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal as it reaches the person or program that asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{code}: {message}")]
pub struct Rejection {
    /// What to decide by.
    pub code: Code,
    /// What to read: one sentence that says what was wrong and what to do.
    pub message: Cow<'static, str>,
    /// When it may be worth another try, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The most bytes of a message. What was refused is often named in it, and can be as long as whoever sent it likes.
const MESSAGE_BYTES_MAX: usize = 512;

/// A message, cut where it becomes longer than anybody reads.
pub fn short(message: impl Into<Cow<'static, str>>) -> Cow<'static, str> {
    let message = message.into();
    if message.len() <= MESSAGE_BYTES_MAX {
        return message;
    }
    format!("{}…", &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)]).into()
}

impl Rejection {
    /// A refusal with this code and message, which is cut where it is too long.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: short(message), retry_after_ms: None }
    }

    /// The same refusal, worth another try after `ms` milliseconds.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// What absent and forbidden things both look like.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing, or it is not for you")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_written_as_its_name_and_has_an_error_status() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
            assert!((400..=504).contains(&code.http_status()));
        }
    }

    #[test]
    fn a_refusal_grows_with_what_is_refused() {
        let rejection = Rejection::new(Code::BadRequest, "é".repeat(40_000));
        assert_eq!(rejection.message.len(), MESSAGE_BYTES_MAX + "…".len());
        let kept = Rejection::new(Code::BadRequest, "é".repeat(256));
        assert_eq!(kept.message, "é".repeat(256));
    }
}
