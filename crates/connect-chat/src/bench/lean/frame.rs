//! RFC 6455 frames, as far as a load generator needs them, and client ids that carry a number. Pure.

use anyhow::{Result, bail, ensure};
use domain::ClientId;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const MASKED: u8 = 0x80;

/// The largest frame that is taken.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// Appends a text frame from a client.
pub(super) fn write_text(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(FIN | TEXT);
    match payload.len() {
        len @ 0..=125 => out.push(MASKED | len as u8),
        len @ 126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    // A mask of zeros leaves the payload as it is.
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// A frame at the front of what came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// Not whole yet.
    Partial,
    /// A text: where it begins and ends.
    Text(usize, usize),
    /// A ping or pong, which ends there.
    Control(usize),
    /// The server closes, with this code.
    Close(Option<u16>),
}

/// Looks at the front of what came in from a server.
pub(super) fn front(bytes: &[u8]) -> Result<Front> {
    let [first, second, rest @ ..] = bytes else { return Ok(Front::Partial) };
    ensure!(first & FIN != 0 && first & 0x70 == 0, "a fragment or an extension, which is not taken here");
    ensure!(second & MASKED == 0, "a masked frame from a server");
    let (len, head) = match second & 0x7f {
        126 => match rest.first_chunk::<2>() {
            Some(len) => (u64::from(u16::from_be_bytes(*len)), 4),
            None => return Ok(Front::Partial),
        },
        127 => match rest.first_chunk::<8>() {
            Some(len) => (u64::from_be_bytes(*len), 10),
            None => return Ok(Front::Partial),
        },
        len => (u64::from(len), 2),
    };
    ensure!(len <= FRAME_BYTES_MAX, "a frame of {len} bytes");
    let end = head + len as usize;
    if bytes.len() < end {
        return Ok(Front::Partial);
    }
    Ok(match first & 0x0f {
        TEXT => Front::Text(head, end),
        PING | PONG => Front::Control(end),
        CLOSE => Front::Close(bytes[head..end].first_chunk::<2>().map(|code| u16::from_be_bytes(*code))),
        other => bail!("a frame of type {other}, which is not taken here"),
    })
}

/// A client id that carries a number below 2^48 in its last 6 bytes.
pub(in crate::bench) fn numbered(unix_ms: u64, number: u64) -> ClientId {
    let mut random = [0; 10];
    random[4..].copy_from_slice(&number.to_be_bytes()[2..]);
    ClientId::new(unix_ms, random)
}

/// The number that a client id carries: its last 12 digits.
pub(in crate::bench) fn number_of(client_id: &str) -> Option<u64> {
    u64::from_str_radix(client_id.get(24..)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_server(payload: &[u8]) -> Vec<u8> {
        let mut masked = Vec::new();
        write_text(&mut masked, payload);
        let head = masked.len() - payload.len() - 4;
        let mut frame = masked[..head].to_vec();
        frame[1] &= 0x7f;
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn a_frame_of_any_length_is_read_only_once_it_is_whole() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let frame = from_server(&vec![b'x'; len]);
            for cut in [0, 1, 2, 3, 9, frame.len() - 1] {
                assert_eq!(front(&frame[..cut.min(frame.len() - 1)]).unwrap(), Front::Partial, "{len} {cut}");
            }
            assert_eq!(front(&frame).unwrap(), Front::Text(frame.len() - len, frame.len()));
        }
    }

    #[test]
    fn what_is_not_taken_is_an_error_and_not_a_guess() {
        for bytes in
            [&[0x01, 0][..], &[0x81, 0x80], &[0xc1, 0], &[0x82, 0], &[0x81, 127, 255, 0, 0, 0, 0, 0, 0, 0]]
        {
            assert!(front(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(front(&[0x88, 2, 0x0f, 0xa0]).unwrap(), Front::Close(Some(4000)));
        assert_eq!(front(&[0x89, 0]).unwrap(), Front::Control(2));
    }

    #[test]
    fn a_client_id_carries_its_number() {
        for number in [0, 1, 99_999, (1 << 48) - 1] {
            let id = numbered(1_700_000_000_000, number);
            assert_eq!(number_of(&id.to_string()), Some(number));
            assert_eq!(id.unix_ms(), 1_700_000_000_000);
        }
    }
}
