//! What fuzz targets call: the formats of this crate on arbitrary bytes, held to their own promises, and the promise that
//! every row of a store keeps.

use std::fmt::Debug;
use std::io::Cursor;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::journal::{END, ITEM, Parser, START, TRAILER, Tail};

/// Where the number of a batch lies in it, which its checksum does not cover.
const NUMBER: Range<usize> = 5..13;

/// Decodes a row, and demands that what was read is written so that it is read as the same, and has one form. True if it
/// is one.
///
/// # Panics
/// If it is not.
pub fn there_and_back<T: PartialEq + Debug, E: Debug>(
    row: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Vec<u8>,
) -> bool {
    let Ok(read) = decode(row) else { return false };
    let written = encode(&read);
    let again = decode(&written).expect("what was read is written so that it can be read");
    assert_eq!(again, read, "it is read as something else once it was written");
    assert_eq!(encode(&again), written, "one value has two rows");
    true
}

/// Judges the bytes as a journal, and demands that what is kept when its end is cut off is whole. True if all of it is.
///
/// # Panics
/// If it is not.
pub fn journal(data: &[u8]) -> bool {
    match judge(data) {
        Tail::Clean => true,
        Tail::Torn { at } | Tail::Damaged { at } => {
            let whole = usize::try_from(at).expect("a place in a slice");
            assert!(whole < data.len(), "it is broken behind its end");
            assert_eq!(judge(&data[..whole]), Tail::Clean, "what is kept is not whole");
            false
        }
    }
}

/// Makes a journal of the bytes, a batch of each stretch between two that are 255, and harms it at a place that the first
/// byte chooses: a cut must be a torn end, and a changed byte damage, unless it is in the last batch. True if there was
/// a byte.
///
/// # Panics
/// If it is called something else.
pub fn harmed_journal(data: &[u8]) -> bool {
    let [place, rest @ ..] = data else { return false };
    let (mut bytes, mut starts) = (vec![], vec![]);
    for (number, value) in (1..).zip(rest.split(|byte| *byte == u8::MAX)) {
        starts.push(bytes.len());
        bytes.extend(batch(number, value));
    }
    assert_eq!(judge(&bytes), Tail::Clean);
    let place = usize::from(*place) * bytes.len() / 256;
    let batch = starts.partition_point(|start| *start <= place) - 1;
    let (start, at) = (starts[batch], starts[batch] as u64);
    let cut = if place == start { Tail::Clean } else { Tail::Torn { at } };
    assert_eq!(judge(&bytes[..place]), cut);
    if NUMBER.contains(&(place - start)) {
        return true;
    }
    bytes[place] ^= 1;
    let changed = if batch + 1 == starts.len() { Tail::Torn { at } } else { Tail::Damaged { at } };
    assert_eq!(judge(&bytes), changed);
    true
}

fn judge(bytes: &[u8]) -> Tail {
    Parser::default().read(&mut Cursor::new(bytes)).expect("a slice cannot fail to be read")
}

/// A batch that puts `value` under an empty key.
fn batch(number: u64, value: &[u8]) -> Vec<u8> {
    let value_bytes = u32::try_from(value.len()).expect("a value of a test");
    let item = [&[ITEM][..], &[0; 16], &value_bytes.to_le_bytes(), value].concat();
    let start = [&[START][..], &1_u32.to_le_bytes(), &number.to_le_bytes()].concat();
    [&start[..], &item, &[END], &xxh3_64(&item).to_le_bytes(), TRAILER].concat()
}
