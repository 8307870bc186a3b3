//! The blocks of a backup: one at a time, compressed, each with its checksum.

use std::io::{self, Read, Write};

use lz4_flex::block::{compress, decompress};
use xxhash_rust::xxh3::Xxh3;

use super::Error;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    About = 1,
    Space = 2,
    Rows = 3,
    End = 4,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::About, Self::Space, Self::Rows, Self::End].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// The bytes before those of the block.
const HEADER_BYTES: usize = 1 + 4 + 4 + 8;

/// lz4 makes no more of a byte than this many: what claims more is not read.
const RATIO_MAX: u64 = 255;

fn checksum(number: u64, kind: Kind, plain: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&number.to_le_bytes());
    hash.update(&[kind as u8]);
    hash.update(plain);
    hash.digest()
}

fn length(bytes: usize) -> io::Result<[u8; 4]> {
    let bytes = u32::try_from(bytes).map_err(|_| io::Error::other("a row does not fit into a block"))?;
    Ok(bytes.to_le_bytes())
}

/// Writes a block; `number` counts them from 0.
pub(super) fn write(to: &mut impl Write, number: u64, kind: Kind, plain: &[u8]) -> io::Result<()> {
    let stored = compress(plain);
    to.write_all(&[kind as u8])?;
    to.write_all(&length(stored.len())?)?;
    to.write_all(&length(plain.len())?)?;
    to.write_all(&checksum(number, kind, plain).to_le_bytes())?;
    to.write_all(&stored)
}

/// Reads the block of this number.
pub(super) fn read(from: &mut impl Read, number: u64) -> Result<(Kind, Vec<u8>), Error> {
    let damaged = |what: &str| Error::Damaged(format!("block {number} {what}"));
    let header = take(from, HEADER_BYTES as u64)?;
    let header: [u8; HEADER_BYTES] =
        header.try_into().map_err(|_| damaged("is missing: the file was cut short"))?;
    let [kind, stored @ .., s4, p1, p2, p3, p4, c1, c2, c3, c4, c5, c6, c7, c8] = header;
    let [s1, s2, s3] = stored;
    let stored = u64::from(u32::from_le_bytes([s1, s2, s3, s4]));
    let plain = u32::from_le_bytes([p1, p2, p3, p4]);
    let kind = Kind::of(kind).ok_or_else(|| damaged("is of an unknown kind"))?;
    if u64::from(plain) > stored.saturating_mul(RATIO_MAX) {
        return Err(damaged("has an impossible length"));
    }
    let bytes = take(from, stored)?;
    if (bytes.len() as u64) < stored {
        return Err(damaged("is cut short"));
    }
    let bytes = decompress(&bytes, plain as usize).map_err(|_| damaged("cannot be read"))?;
    let sum = u64::from_le_bytes([c1, c2, c3, c4, c5, c6, c7, c8]);
    if bytes.len() != plain as usize || checksum(number, kind, &bytes) != sum {
        return Err(damaged("does not have its checksum"));
    }
    Ok((kind, bytes))
}

/// At most so many bytes; memory is taken as they come, whatever the file claims.
fn take(from: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut taken = vec![];
    from.take(bytes).read_to_end(&mut taken)?;
    Ok(taken)
}
