//! Bus records, in the form that other processes read.

use std::fmt::Debug;

use contracts::records::{Announcement, Command, Delivery};
use contracts::wire::{Record, decode, encode};

/// Bytes as a record of each topic: what is read can be passed on.
pub(crate) fn record(data: &[u8]) {
    survives::<Command>(data);
    survives::<Delivery>(data);
    survives::<Announcement>(data);
}

fn survives<R: Record + Debug>(data: &[u8]) {
    let Ok(record) = decode::<R>(data) else { return };
    let again: R = decode(&encode(&record)).expect("what is written can be read");
    assert_eq!(format!("{again:?}"), format!("{record:?}"));
}
