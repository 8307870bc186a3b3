//! The examples of RFC 6455, section 5.7, and what we send.

use std::io::Write;

use gateway::websocket::{CloseCode, Decoder, encode};

use super::support::{Got, MAX, decode};

const MASKED_HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
const MASKED_PONG: [u8; 11] = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

#[test]
fn the_rfcs_masked_examples_are_not_understood() {
    let stream = [MASKED_HELLO, MASKED_PONG].concat();
    let events = vec![Got::Text("Hello".to_owned()), Got::Pong(b"Hello".to_vec())];
    assert_eq!(decode(&mut Decoder::new(), [&stream[..]], MAX), (events, Ok(())));
}

#[test]
fn the_rfcs_unmasked_examples_are_not_what_we_send() {
    let hello = [0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(encode::text("Hello")[..], [&[0x81, 0x05][..], &hello].concat());
    assert_eq!(encode::ping(b"Hello")[..], [&[0x89, 0x05][..], &hello].concat());
    assert_eq!(encode::pong(b"Hello")[..], [&[0x8a, 0x05][..], &hello].concat());
}

#[test]
fn a_length_is_sent_in_another_form_than_the_shortest() {
    let rows: [(usize, &[u8]); 6] = [
        (0, &[0x81, 0]),
        (125, &[0x81, 125]),
        (126, &[0x81, 126, 0, 126]),
        (256, &[0x81, 126, 1, 0]),
        (65_535, &[0x81, 126, 255, 255]),
        (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ];
    for (length, header) in rows {
        let payload = "x".repeat(length);
        let expected = [header, payload.as_bytes()].concat();
        assert_eq!(encode::text(&payload)[..], expected, "{length}");
        let mut text = encode::Text::with_capacity(16);
        text.write_all(payload.as_bytes()).unwrap();
        assert_eq!(text.payload_bytes(), length);
        assert_eq!(text.finish()[..], expected, "{length}, written in place");
    }
}

#[test]
fn a_long_close_reason_breaks_the_frame_or_a_character() {
    assert_eq!(encode::close(CloseCode::NORMAL, "")[..], [0x88, 2, 3, 232]);
    assert_eq!(encode::close(CloseCode::GOING_AWAY, "bye")[..], [0x88, 5, 3, 233, b'b', b'y', b'e']);
    assert_eq!(encode::close(CloseCode::NORMAL, &"x".repeat(123)).len(), 127);
    assert_eq!(encode::close(CloseCode::NORMAL, &"x".repeat(124)).len(), 127);
    let euros = encode::close(CloseCode::NORMAL, &format!("x{}", "€".repeat(41)));
    assert_eq!(str::from_utf8(&euros[4..]), Ok(&*format!("x{}", "€".repeat(40))));
}
