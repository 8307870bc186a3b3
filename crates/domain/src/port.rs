//! What a port could not do: the failure of an engine as its callers see it, whatever the engine.

use crate::error::{Code, Rejection};

/// A store, bus or service that could not do what it was asked. Whether it happened all the same is not known, so a
/// retry must be harmless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{port}: {what}")]
pub struct PortError {
    /// Which port: `chat store`, `bus submit`, …
    pub port: &'static str,
    /// What happened, for the person who reads the log.
    pub what: String,
    retryable: bool,
}

impl PortError {
    /// A failure that may pass by itself.
    pub fn passing(port: &'static str, what: impl ToString) -> Self {
        Self { port, what: what.to_string(), retryable: true }
    }

    /// A failure that another try cannot mend.
    pub fn lasting(port: &'static str, what: impl ToString) -> Self {
        Self { port, what: what.to_string(), retryable: false }
    }

    /// Whether another try may succeed.
    pub const fn retryable(&self) -> bool {
        self.retryable
    }
}

impl From<PortError> for Rejection {
    /// Devices are told that it did not work, not how the inside looks.
    fn from(error: PortError) -> Self {
        if error.retryable {
            Self::new(Code::Unavailable, "the server cannot do this now; try again").retry_after_ms(1_000)
        } else {
            Self::new(Code::Internal, "the server failed; it was logged")
        }
    }
}
