//! The header of a received frame (RFC 6455, section 5.2): what it says, and what is wrong with it by itself.
//!
//! Deliberately absent: what depends on the message under way or on a limit; the decoder judges that.

use super::Violation;

/// The most bytes a header can take: two, a 64-bit length and the mask key.
pub(super) const HEADER_BYTES_MAX: usize = 14;

/// The longest payload of a ping, pong or close (section 5.5).
pub(super) const CONTROL_BYTES_MAX: usize = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const MASK_BYTES: usize = 4;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    const fn parse(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// Whether it is a close, ping or pong, which may stand between the fragments of a message.
    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A whole header of a masked frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether it is the last fragment of its message.
    pub(super) is_final: bool,
    /// What the frame is.
    pub(super) opcode: Opcode,
    /// The key that the payload is masked with.
    pub(super) mask: [u8; MASK_BYTES],
    /// How many bytes the header itself takes.
    pub(super) header_bytes: usize,
    /// How many bytes follow it.
    pub(super) payload_bytes: u64,
}

/// What the start of a frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// The header is cut; nothing is wrong so far, and so many bytes from the frame's start show more.
    Cut(usize),
    /// The header is whole.
    Whole(Header),
}

/// Reads the header at the start of `frame`. Each byte is judged before the next is asked for, so that how the bytes
/// were cut never changes the answer.
pub(super) fn parse(frame: &[u8]) -> Result<Sight, Violation> {
    let Some(&first) = frame.first() else { return Ok(Sight::Cut(2)) };
    let (is_final, opcode) = kind(first)?;
    let Some(&second) = frame.get(1) else { return Ok(Sight::Cut(2)) };
    let length_bytes = extended_length_bytes(second, opcode)?;
    let header_bytes = 2 + length_bytes + MASK_BYTES;
    let Some(extended) = frame.get(2..2 + length_bytes) else { return Ok(Sight::Cut(header_bytes)) };
    let payload_bytes = length(second & LENGTH, extended)?;
    let Some(mask) = frame.get(2 + length_bytes..).and_then(<[u8]>::first_chunk) else {
        return Ok(Sight::Cut(header_bytes));
    };
    Ok(Sight::Whole(Header { is_final, opcode, mask: *mask, header_bytes, payload_bytes }))
}

fn kind(first: u8) -> Result<(bool, Opcode), Violation> {
    if first & RESERVED != 0 {
        return Err(Violation::ReservedBits);
    }
    let opcode = Opcode::parse(first & OPCODE).ok_or(Violation::UnknownOpcode)?;
    let is_final = first & FINAL != 0;
    if opcode.is_control() && !is_final {
        return Err(Violation::FragmentedControl);
    }
    Ok((is_final, opcode))
}

fn extended_length_bytes(second: u8, opcode: Opcode) -> Result<usize, Violation> {
    if second & MASKED == 0 {
        return Err(Violation::Unmasked);
    }
    let length = second & LENGTH;
    if opcode.is_control() && usize::from(length) > CONTROL_BYTES_MAX {
        return Err(Violation::LongControl);
    }
    Ok(match length {
        126 => 2,
        127 => 8,
        _ => 0,
    })
}

/// The payload's length, from the seven bits of the second byte and what follows it: 0, 2 or 8 bytes, big-endian.
fn length(short: u8, extended: &[u8]) -> Result<u64, Violation> {
    let long = extended.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    match extended.len() {
        0 => Ok(u64::from(short)),
        2 if long < 126 => Err(Violation::LongLength),
        8 if long <= u64::from(u16::MAX) => Err(Violation::LongLength),
        8 if long > i64::MAX as u64 => Err(Violation::NegativeLength),
        _ => Ok(long),
    }
}
