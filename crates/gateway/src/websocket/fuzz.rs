//! What a fuzz target calls: the decoder on arbitrary bytes, held to its own promises.

use std::ops::ControlFlow;

use super::{Decoder, Event, Violation};

/// Decodes the same bytes whole and cut, and demands the same answer and the stated bound of memory.
///
/// The first two bytes of `data` choose the limit on messages and how the rest is cut. True if something came out.
///
/// # Panics
/// If the decoder broke a promise.
pub fn decode(data: &[u8]) -> bool {
    let [limit, cut, stream @ ..] = data else { return false };
    let max_message_bytes = usize::from(*limit) * 4;
    let whole = transcript(stream, stream.len().max(1), max_message_bytes);
    let pieces = transcript(stream, usize::from(*cut).max(1), max_message_bytes);
    assert_eq!(whole, pieces, "the answer depends on how the bytes were cut");
    !whole.0.is_empty()
}

/// Everything that came out, in words, and how it ended.
fn transcript(
    stream: &[u8],
    piece_bytes: usize,
    max_message_bytes: usize,
) -> (Vec<String>, Result<(), Violation>) {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    let mut on = |event: Event<'_>| {
        events.push(format!("{event:?}"));
        ControlFlow::Continue(())
    };
    let mut end = Ok(());
    for piece in stream.chunks(piece_bytes) {
        end = decoder.feed(&mut piece.to_vec(), max_message_bytes, &mut on);
        let bound = Decoder::buffered_bytes_max(max_message_bytes);
        assert!(decoder.buffered_bytes() <= bound, "{} bytes held of {bound}", decoder.buffered_bytes());
        if decoder.is_ended() {
            assert!(decoder.is_idle(), "an ended decoder holds memory");
            break;
        }
    }
    (events, end)
}
