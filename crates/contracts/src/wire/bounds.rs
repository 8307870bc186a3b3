//! How large a record may be, and how much memory reading one may take.
//!
//! A repeated message can be two bytes on the wire and hundreds in memory. So before anything is allocated the bytes are
//! walked, headers only, and the messages that may repeat are counted. Everything else takes at most sixteen times its
//! bytes: numbers packed one to a byte, in a list that has just doubled. [`DECODED_BYTES_MAX`] is the sum.

use crate::proto;
use crate::records;
use crate::trace::Trace;

use super::error::Error;

/// Bytes of one record. A delivery that would be larger is split between its events by whoever publishes it.
pub const RECORD_BYTES_MAX: usize = 2 << 20;
/// Events of one delivery. A full batch of the smallest submissions makes some 2,000.
pub const EVENTS_MAX: usize = 1 << 14;
/// Sessions that the events of one delivery say a large group is new to.
pub const NEWCOMERS_MAX: usize = 1 << 17;
/// Large groups that the events of one delivery list.
pub const LARGE_GROUPS_MAX: usize = 1 << 16;
/// Traced messages that the events of one delivery come from.
pub const TRACES_MAX: usize = 1 << 12;

/// Bytes of memory that reading a record takes at most: each repeated message in both forms, in a list that has
/// just doubled.
pub const DECODED_BYTES_MAX: usize = 16 * RECORD_BYTES_MAX
    + 2 * EVENTS_MAX * (size_of::<proto::Event>() + size_of::<records::Event>())
    + 2 * NEWCOMERS_MAX * (size_of::<proto::Newcomer>() + size_of::<(u64, domain::Position)>())
    + 2 * LARGE_GROUPS_MAX * (size_of::<proto::LargeGroup>() + size_of::<records::LargeGroup>())
    + 2 * TRACES_MAX * (size_of::<proto::Trace>() + size_of::<Trace>());

const _: () = assert!(DECODED_BYTES_MAX <= 96 << 20, "reading one record must not endanger the process");

/// What is counted: its name, the field numbers that lead to it from the envelope, and how many there may be.
const COUNTED: [(&str, &[u64], usize); 4] = [
    ("events", &[3, 3], EVENTS_MAX),
    ("large groups", &[3, 3, 4, 2], LARGE_GROUPS_MAX),
    ("newcomers", &[3, 3, 5, 3], NEWCOMERS_MAX),
    ("traces", &[3, 4], TRACES_MAX),
];

pub(super) fn check_size(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > RECORD_BYTES_MAX { Err(Error::TooLarge { bytes: bytes.len() }) } else { Ok(()) }
}

pub(super) fn check_counts(bytes: &[u8]) -> Result<(), Error> {
    for (what, path, max) in COUNTED {
        if count(bytes, path).ok_or_else(|| Error::Malformed("a field is cut short".to_owned()))? > max {
            return Err(Error::TooMany { what, max });
        }
    }
    Ok(())
}

/// How many messages lie at the end of `path`; `None` if a field is cut short or is a group, which we never write.
fn count(mut bytes: &[u8], path: &[u64]) -> Option<usize> {
    let Some((number, rest)) = path.split_first() else { return Some(1) };
    let mut found = 0;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => _ = varint(&mut bytes)?,
            1 => _ = bytes.split_off(..8)?,
            5 => _ = bytes.split_off(..4)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let payload = bytes.split_off(..length)?;
                if key >> 3 == *number {
                    found += count(payload, rest)?;
                }
            }
            _ => return None,
        }
    }
    Some(found)
}

/// A base-128 number from the front of `bytes`, at most ten bytes of it.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::proto::{Delivery, Envelope, Event, Large, Newcomer, envelope, event};

    fn delivery(events: usize, newcomers: usize) -> Vec<u8> {
        let large = Large { members: vec![Newcomer::default(); newcomers], ..Large::default() };
        let event = Event { what: Some(event::What::Large(large)) };
        let delivery = Delivery { events: vec![event; events], ..Delivery::default() };
        Envelope { version: 1, record: Some(envelope::Record::Delivery(delivery)) }.encode_to_vec()
    }

    #[test]
    fn small_bytes_that_would_become_much_memory_are_refused_before_they_do() {
        assert_eq!(check_counts(&delivery(EVENTS_MAX, 0)), Ok(()));
        let many = |what, max| Err(Error::TooMany { what, max });
        assert_eq!(check_counts(&delivery(EVENTS_MAX + 1, 0)), many("events", EVENTS_MAX));
        assert_eq!(check_counts(&delivery(1, NEWCOMERS_MAX + 1)), many("newcomers", NEWCOMERS_MAX));
        let spread = delivery(1 << 10, (NEWCOMERS_MAX >> 10) + 1);
        assert_eq!(check_counts(&spread), many("newcomers", NEWCOMERS_MAX));
        let traced =
            |traces| Delivery { traces: vec![proto::Trace::default(); traces], ..Delivery::default() };
        let traced = |traces| envelope::Record::Delivery(traced(traces));
        let traced = |traces| Envelope { version: 1, record: Some(traced(traces)) }.encode_to_vec();
        assert_eq!(check_counts(&traced(TRACES_MAX)), Ok(()));
        assert_eq!(check_counts(&traced(TRACES_MAX + 1)), many("traces", TRACES_MAX));
    }

    #[test]
    fn more_bytes_than_a_record_may_have_are_not_looked_at() {
        let bytes = vec![0xff; RECORD_BYTES_MAX + 1];
        assert_eq!(check_size(&bytes), Err(Error::TooLarge { bytes: bytes.len() }));
        assert_eq!(check_size(&bytes[1..]), Ok(()));
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(value in any::<u64>(), rest in any::<u8>()) {
            let mut bytes = vec![];
            prost::encoding::encode_varint(value, &mut bytes);
            bytes.push(rest);
            let mut left = bytes.as_slice();
            prop_assert_eq!(varint(&mut left), Some(value));
            prop_assert_eq!(left, &[rest]);
        }

        #[test]
        fn as_many_are_counted_as_the_decoder_finds(events in 0usize..40, newcomers in 0usize..40) {
            let bytes = delivery(events, newcomers);
            prop_assert_eq!(count(&bytes, &[3, 3]), Some(events));
            prop_assert_eq!(count(&bytes, &[3, 3, 5, 3]), Some(events * newcomers));
        }
    }
}
