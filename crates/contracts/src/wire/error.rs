//! Why bytes are no record.

use super::VERSION;
use super::bounds::RECORD_BYTES_MAX;

/// Why bytes could not be read as a record. None of these passes by another try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The record is larger than any may be.
    #[error("{bytes} bytes are more than the {RECORD_BYTES_MAX} that a record may have")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// The record holds more of something than any may.
    #[error("there are more than {max} {what} in one record")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// The bytes are not protobuf of the expected form.
    #[error("not the wire form: {0}")]
    Malformed(String),
    /// The record is in a format version that this program does not read.
    #[error("format version {found}; this program reads version {VERSION}")]
    Version {
        /// Which.
        found: u32,
    },
    /// Something that every such record has is not there, or is of a kind that this program does not know.
    #[error("`{0}` is absent, or of an unknown kind")]
    Missing(&'static str),
    /// A field has a value that it cannot have.
    #[error("`{field}` cannot be {what}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What it holds, for whoever reads the log; never a body.
        what: String,
    },
    /// A record of another topic.
    #[error("not a record of topic `{topic}`")]
    Topic {
        /// The topic that was expected.
        topic: &'static str,
    },
}

impl Error {
    /// Whether a newer program may read what this one cannot: the record is to be kept, not thrown away.
    pub const fn is_newer(&self) -> bool {
        matches!(self, Self::Version { found } if *found > VERSION)
    }
}

impl From<prost::DecodeError> for Error {
    fn from(error: prost::DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}
