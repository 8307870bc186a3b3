//! The wire form of the bus records: every record survives it, no bytes harm whoever reads them, and what version 1
//! wrote is read for ever.

mod any_bytes;
mod evolution;
mod fixtures;
mod records;
mod round_trip;

use std::fmt::Debug;

use contracts::wire::{self, Record, decode, encode};

/// What the bytes of this record are read as, and what it was: equal to the last byte, as `Debug` shows them.
fn there_and_back<R: Record + Debug>(record: &R) -> (String, String) {
    let bytes = encode(record);
    assert!(bytes.len() <= wire::RECORD_BYTES_MAX);
    let read: R = decode(&bytes).expect("what was written is read");
    (format!("{read:?}"), format!("{record:?}"))
}
