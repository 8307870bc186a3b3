//! Whatever the bytes, reading them gives a record or an error; and a record that was read can be passed on.

use std::fmt::Debug;

use contracts::records::{Announcement, Command, Delivery};
use contracts::wire::{Record, decode, encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::records::{announcement, command, delivery};
use crate::there_and_back;

fn read_as_each(bytes: &[u8]) {
    read_as::<Command>(bytes);
    read_as::<Delivery>(bytes);
    read_as::<Announcement>(bytes);
}

fn read_as<R: Record + Debug>(bytes: &[u8]) {
    if let Ok(record) = decode::<R>(bytes) {
        let (again, first) = there_and_back(&record);
        assert_eq!(again, first);
    }
}

/// Damage to bytes: one replaced, the rest cut off, or a stretch said twice.
#[derive(Debug, Clone)]
enum Damage {
    Replace(Index, u8),
    Cut(Index),
    Repeat(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        match self {
            Self::Replace(at, byte) => bytes[at.index(length)] = *byte,
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                bytes.extend_from_within(from.min(to)..from.max(to));
            }
        }
    }
}

fn written() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        command().prop_map(|record| encode(&record)),
        delivery().prop_map(|record| encode(&record)),
        announcement().prop_map(|record| encode(&record)),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in vec(any::<u8>(), 0..300)) {
        read_as_each(&bytes);
        read_as_each(&[&[8, 1], bytes.as_slice()].concat());
    }

    #[test]
    fn a_damaged_record_is_a_record_or_an_error(mut bytes in written(), damages in vec(damage(), 1..4)) {
        for damage in damages {
            damage.apply(&mut bytes);
            read_as_each(&bytes);
        }
    }
}

#[test]
fn messages_nested_without_end_are_an_error() {
    for (open, version) in [(0x1a, 0x08), (0x0b, 0x08), (0x13, 0x08)] {
        let bytes = [vec![version, 1], vec![open; 100_000]].concat();
        assert!(decode::<Delivery>(&bytes).is_err());
    }
}
