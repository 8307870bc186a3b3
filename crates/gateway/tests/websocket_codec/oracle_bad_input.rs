//! A valid stream with one bit turned, to our decoder and to another server: both hear the same, up to where either
//! refuses.

use std::io::{Cursor, Read};

use gateway::websocket::{Decoder, Violation};
use proptest::prelude::*;
use proptest::sample::Index;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use super::support::{CLOSE, FIN, Got, decode, frame, script};

const LIMIT: usize = 70_000;

/// Reads from a slice; what is written goes nowhere.
struct Wire<'s>(Cursor<&'s [u8]>);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the library hears, and how it ends.
fn theirs(stream: &[u8]) -> (Vec<Got>, Error) {
    let config = WebSocketConfig::default().max_frame_size(Some(LIMIT)).max_message_size(Some(LIMIT));
    let mut socket = WebSocket::from_raw_socket(Wire(Cursor::new(stream)), Role::Server, Some(config));
    let mut events = Vec::new();
    loop {
        events.push(match socket.read() {
            Ok(Message::Text(text)) => Got::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Got::Binary(bytes.into()),
            Ok(Message::Ping(bytes)) => Got::Ping(bytes.into()),
            Ok(Message::Pong(bytes)) => Got::Pong(bytes.into()),
            Ok(Message::Close(None)) => Got::Close(None, String::new()),
            Ok(Message::Close(Some(close))) => {
                Got::Close(Some(close.code.into()), close.reason.as_str().to_owned())
            }
            Ok(Message::Frame(raw)) => panic!("{raw}"),
            Err(error) => return (events, error),
        });
    }
}

/// Where the library is known to be laxer, or to report later, than the RFC lets a server be.
fn is_stricter_here(violation: Violation) -> bool {
    matches!(violation, Violation::LongLength | Violation::BadCloseCode)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_turned_bit_is_heard_by_us_and_refused_by_the_library_or_the_other_way_round(
        script in script(),
        code in 995_u16..1020,
        place in any::<Index>(),
        bit in 0..8_u32,
    ) {
        let mut stream = script.bytes;
        stream.extend(frame(FIN | CLOSE, &code.to_be_bytes()));
        // Turn header bits as often as payload bits: the first bytes are a header, the last frame is all short.
        let at = if place.index(2) == 0 { place.index(stream.len().min(16)) } else { place.index(stream.len()) };
        stream[at] ^= 1_u8 << bit;
        stream.resize(stream.len() + LIMIT + 14, 0); // completes what the turned bit made longer, then is a fault

        let (ours, our_end) = decode(&mut Decoder::new(), [&stream[..]], LIMIT);
        let (theirs, their_end) = theirs(&stream);
        let common = ours.len().min(theirs.len());
        match (our_end, &their_end) {
            (Ok(()), _) if ours.last().is_some_and(|last| matches!(last, Got::Close(Some(1014), _))) => {
                prop_assert_eq!(&ours[..common - 1], &theirs[..common - 1]); // registered later than the library knows
            }
            (Err(violation), _) if is_stricter_here(violation) => prop_assert_eq!(&ours, &theirs[..common]),
            (Err(Violation::InvalidUtf8), _) | (_, Error::Utf8(_)) => prop_assert_eq!(&ours[..common], &theirs[..common]),
            _ => prop_assert_eq!(&ours, &theirs, "{:?}, {:?}", our_end, their_end),
        }
    }
}
