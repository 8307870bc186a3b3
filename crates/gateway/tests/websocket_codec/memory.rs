//! What a session holds: nothing when idle, never more than arrived, and no copy of what arrived whole.

use std::ops::ControlFlow;

use gateway::websocket::{Decoder, Event, Violation, encode};

use super::support::{CONTINUATION, FIN, MAX, PING, TEXT, decode, frame};

#[test]
fn an_idle_session_pays_for_more_than_its_state() {
    assert!(size_of::<Decoder>() <= 32, "{} bytes", size_of::<Decoder>());
    let mut decoder = Decoder::new();
    let message = frame(FIN | TEXT, &[b'x'; 5000]);
    for _ in 0..3 {
        decode(&mut decoder, message.chunks(700), MAX).1.unwrap();
        assert_eq!(decoder.buffered_bytes(), 0);
        assert!(decoder.is_idle());
    }
}

#[test]
fn a_whole_message_is_copied() {
    let mut scratch = [frame(FIN | TEXT, b"one"), frame(FIN | TEXT, b"two")].concat();
    let place = scratch.as_ptr_range();
    let mut decoder = Decoder::new();
    decoder
        .feed(&mut scratch, MAX, &mut |event| {
            let Event::Text(text) = event else { panic!("{event:?}") };
            assert!(place.contains(&text.as_ptr()), "{text} lies elsewhere");
            ControlFlow::Continue(())
        })
        .unwrap();
}

/// Fifteen bytes that announce 200 KB must not cost 200 KB.
#[test]
fn an_announcement_is_paid_for_before_it_arrives() {
    let message = frame(FIN | TEXT, &[b'x'; 200_000]);
    let mut decoder = Decoder::new();
    for arrived in 1..2000 {
        decode(&mut decoder, [&message[arrived - 1..arrived]], MAX).1.unwrap();
        assert!(decoder.buffered_bytes() <= 2 * arrived.max(8), "{} of {arrived}", decoder.buffered_bytes());
    }
}

#[test]
fn a_message_and_a_control_frame_inside_it_exceed_the_bound() {
    const LIMIT: usize = 1000;
    let stream = [
        frame(TEXT, &[b'a'; 400]),
        frame(CONTINUATION, &[b'b'; 599]),
        frame(FIN | PING, &[b'c'; 125]),
        frame(FIN | CONTINUATION, b"d"),
    ]
    .concat();
    let mut decoder = Decoder::new();
    for byte in stream.chunks(1) {
        decode(&mut decoder, [byte], LIMIT).1.unwrap();
        assert!(decoder.buffered_bytes() <= Decoder::buffered_bytes_max(LIMIT));
    }
    assert!(decoder.is_idle());
}

#[test]
fn an_ended_session_holds_memory_or_listens() {
    let begun = [frame(TEXT, b"begun"), frame(FIN | TEXT, b"fault")].concat();
    let mut decoder = Decoder::new();
    assert_eq!(decode(&mut decoder, [&begun[..]], MAX).1, Err(Violation::InterleavedMessage));
    assert!(decoder.is_ended() && decoder.is_idle());
    let later = decode(&mut decoder, [&frame(FIN | TEXT, b"later")[..]], MAX);
    assert_eq!(later, (vec![], Ok(())));
}

#[test]
fn a_caller_who_breaks_hears_more() {
    let mut scratch = [frame(FIN | TEXT, b"one"), frame(FIN | TEXT, b"two")].concat();
    let mut heard = 0;
    let mut decoder = Decoder::new();
    decoder
        .feed(&mut scratch, MAX, &mut |_event| {
            heard += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(heard, 1);
    assert!(decoder.is_ended());
}

/// A frame is made once for all receivers: its memory must be its length, header included.
#[test]
fn a_sent_frame_holds_more_than_its_bytes() {
    for length in [0, 125, 126, 65_535, 65_536] {
        let frame = encode::text(&"x".repeat(length));
        let bytes = frame.len();
        let owned: Vec<u8> = frame.into();
        assert_eq!(owned.capacity(), bytes);
    }
}
