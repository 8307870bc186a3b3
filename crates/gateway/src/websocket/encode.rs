//! Frames to send. A server's frames are not masked (RFC 6455, section 5.1): header and payload of one message are the
//! same bytes for every receiver, so a frame is made once and its [`Bytes`] are shared.
//!
//! Deliberately absent: fragments, masks and binary messages.

use std::io;

use bytes::Bytes;

use super::CloseCode;
use super::header::CONTROL_BYTES_MAX;

/// The most bytes that the header of an unmasked frame takes.
const HEADER_BYTES_MAX: usize = 10;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A text message in one frame, in one allocation.
pub fn text(payload: &str) -> Bytes {
    frame(TEXT, payload.as_bytes())
}

/// A ping. A payload of more than 125 bytes is cut to that.
pub fn ping(payload: &[u8]) -> Bytes {
    frame(PING, control(payload))
}

/// The answer to a ping, with the ping's payload. One of more than 125 bytes is cut to that.
pub fn pong(payload: &[u8]) -> Bytes {
    frame(PONG, control(payload))
}

/// A close frame. The reason is cut to the 123 bytes that have room beside the code, never within a character.
pub fn close(code: CloseCode, reason: &str) -> Bytes {
    let room = CONTROL_BYTES_MAX - size_of::<u16>();
    let reason = &reason[..reason.floor_char_boundary(room)];
    let mut payload = [0; CONTROL_BYTES_MAX];
    let (head, tail) = payload.split_at_mut(size_of::<u16>());
    head.copy_from_slice(&code.get().to_be_bytes());
    tail[..reason.len()].copy_from_slice(reason.as_bytes());
    frame(CLOSE, &payload[..size_of::<u16>() + reason.len()])
}

/// A text message that is written straight into its frame: JSON is serialised behind room kept for the header.
///
/// ```
/// use gateway::websocket::encode;
///
/// let mut text = encode::Text::with_capacity(64);
/// serde_json::to_writer(&mut text, &["Hello"])?;
/// assert_eq!(text.finish(), encode::text(r#"["Hello"]"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Text {
    bytes: Vec<u8>,
}

impl Text {
    /// An empty message with room for `payload_bytes`; it grows if more are written.
    pub fn with_capacity(payload_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES_MAX + payload_bytes);
        bytes.resize(HEADER_BYTES_MAX, 0);
        Self { bytes }
    }

    /// How many bytes the payload has so far.
    pub fn payload_bytes(&self) -> usize {
        self.bytes.len() - HEADER_BYTES_MAX
    }

    /// The frame. What was written must be UTF-8, or receivers will close: JSON always is.
    pub fn finish(mut self) -> Bytes {
        debug_assert!(str::from_utf8(&self.bytes[HEADER_BYTES_MAX..]).is_ok(), "a text message is UTF-8");
        let (header, header_bytes) = header(TEXT, self.payload_bytes());
        let start = HEADER_BYTES_MAX - header_bytes;
        self.bytes[start..HEADER_BYTES_MAX].copy_from_slice(&header[..header_bytes]);
        Bytes::from(self.bytes).slice(start..)
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn control(payload: &[u8]) -> &[u8] {
    debug_assert!(payload.len() <= CONTROL_BYTES_MAX, "a control frame carries 125 bytes at most");
    &payload[..payload.len().min(CONTROL_BYTES_MAX)]
}

fn frame(first: u8, payload: &[u8]) -> Bytes {
    let (header, header_bytes) = header(first, payload.len());
    let mut bytes = Vec::with_capacity(header_bytes + payload.len());
    bytes.extend_from_slice(&header[..header_bytes]);
    bytes.extend_from_slice(payload);
    Bytes::from(bytes)
}

/// The header and how many of its bytes count, the length in its shortest form.
fn header(first: u8, payload_bytes: usize) -> ([u8; HEADER_BYTES_MAX], usize) {
    let mut header = [0; HEADER_BYTES_MAX];
    header[0] = first;
    let header_bytes = if let Ok(short) = u8::try_from(payload_bytes)
        && short < 126
    {
        header[1] = short;
        2
    } else if let Ok(medium) = u16::try_from(payload_bytes) {
        header[1] = 126;
        header[2..4].copy_from_slice(&medium.to_be_bytes());
        4
    } else {
        header[1] = 127;
        header[2..].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
        10
    };
    (header, header_bytes)
}
