//! Bus records, in the form that other processes read.

use std::fmt::Debug;

use contracts::records::{Announcement, Command, Delivery};
use contracts::wire::{Record, decode, encode};

/// Bytes as a record of each topic: what is read can be passed on. True if one was.
pub(crate) fn record(data: &[u8]) -> bool {
    [survives::<Command>(data), survives::<Delivery>(data), survives::<Announcement>(data)].contains(&true)
}

fn survives<R: Record + Debug>(data: &[u8]) -> bool {
    let Ok(record) = decode::<R>(data) else { return false };
    let again: R = decode(&encode(&record)).expect("what is written can be read");
    assert_eq!(format!("{again:?}"), format!("{record:?}"));
    true
}
