//! A message of one's own that is not an entry yet. Pure.

use domain::{ClientId, Timestamp};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) client_id: ClientId,
    pub(super) text: String,
    pub(super) fate: Fate,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the outbox.
    Waiting,
    /// It is stored; its entry is on its way.
    Stored,
    /// The server refused it for good, for this reason.
    Refused(String),
}

impl Outgoing {
    pub(super) fn waiting(client_id: ClientId, text: &str) -> Self {
        Self { client_id, text: text.to_owned(), fate: Fate::Waiting }
    }

    /// When it was said.
    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.client_id.unix_ms())
    }

    pub(super) const fn is_refused(&self) -> bool {
        matches!(self.fate, Fate::Refused(_))
    }
}
