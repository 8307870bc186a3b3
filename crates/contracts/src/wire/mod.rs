//! The wire form of the bus records: how a record lies in a topic that other processes read.
//!
//! A record is a protobuf `Envelope` with a format version ([`VERSION`]); `proto/` says what is in it and how it may
//! change. The laws:
//!
//! 1. What [`encode`] writes within [`RECORD_BYTES_MAX`] and the counts of [`bounds`], [`decode`] reads as the same
//!    record, in this program and in every later one.
//! 2. [`decode`] never panics, whatever the bytes, and allocates no more than [`bounds`] says.
//! 3. Nothing is dropped in silence: what cannot be understood whole is an [`Error`]. A newer version says so
//!    ([`Error::is_newer`]), so that its reader can wait to be replaced instead of throwing the record away.
//! 4. What is kept although it is not known: kinds of entries, as they are; codes of rejections, as `internal` with the
//!    name in the message.
//!
//! The parts are converted by `From` and `TryFrom` between the types of [`crate::proto`] and the typed ones, which the
//! calls between processes use as well. Deliberately absent: topics, keys and compression, which are the bus's.

mod announcement;
pub mod bounds;
mod command;
mod delivery;
mod error;
mod event;
mod fields;
mod log;
mod rejection;

pub use bounds::RECORD_BYTES_MAX;
pub use error::Error;

use prost::Message;

use crate::proto::{self, envelope};
use fields::required;

/// The format version that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// A record that has a wire form.
pub trait Record: bus::Record {
    /// Its form in an envelope.
    fn to_wire(&self) -> envelope::Record;

    /// The record that this form is of; an error if it is of another topic, or says what no such record can.
    fn from_wire(record: envelope::Record) -> Result<Self, Error>;
}

/// The bytes of a record.
pub fn encode<R: Record>(record: &R) -> Vec<u8> {
    proto::Envelope { version: VERSION, record: Some(record.to_wire()) }.encode_to_vec()
}

/// The record that these bytes are.
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R, Error> {
    bounds::check_size(bytes)?;
    let front = proto::Front::decode(bytes)?;
    if front.version != VERSION {
        return Err(Error::Version { found: front.version });
    }
    bounds::check_counts(bytes)?;
    let envelope = proto::Envelope::decode(bytes)?;
    R::from_wire(required("record", envelope.record)?)
}
