//! However a stream is fragmented and cut, the same events come out, and never more is held than the bound.

use gateway::fuzz;
use gateway::websocket::Decoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::support::{FIN, MAX, PING, TEXT, decode, frame, pieces, script};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_changes_what_was_said(script in script(), cuts in vec(any::<Index>(), 0..20)) {
        let mut decoder = Decoder::new();
        let (events, end) = decode(&mut decoder, pieces(&script.bytes, &cuts), MAX);
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(events, script.events);
        prop_assert!(decoder.is_idle(), "memory is held although nothing is incomplete");
    }

    #[test]
    fn garbage_panics_or_is_hoarded(data in vec(any::<u8>(), 0..600)) {
        fuzz::websocket(&data);
    }

    /// Nearly right is what finds the mistakes: a valid stream with a few bytes overwritten.
    #[test]
    fn near_garbage_panics_or_is_hoarded(
        script in script(),
        dents in vec((any::<Index>(), any::<u8>()), 1..4),
        (limit, cut) in any::<(u8, u8)>(),
    ) {
        let mut data = vec![limit, cut];
        data.extend(script.bytes.iter().take(4096));
        for (place, byte) in dents {
            let place = place.index(data.len());
            data[place] = byte;
        }
        fuzz::websocket(&data);
    }
}

#[test]
fn a_byte_at_a_time_changes_what_was_said() {
    let stream: Vec<u8> = [0, 1, 125, 126, 127, 65_535, 65_536]
        .into_iter()
        .flat_map(|length| {
            [frame(FIN | TEXT, "x".repeat(length).as_bytes()), frame(FIN | PING, b"")].concat()
        })
        .collect();
    let whole = decode(&mut Decoder::new(), [&stream[..]], MAX);
    let bytewise = decode(&mut Decoder::new(), stream.chunks(1), MAX);
    assert_eq!(whole.0.len(), 14);
    assert_eq!(whole, bytewise);
}

/// The last frame of a burst must not wait for the next burst, which may never come.
#[test]
fn a_frame_that_ends_with_its_header_is_delivered_late() {
    let stream = frame(FIN | TEXT, b"");
    for cut in 1..stream.len() {
        let (head, tail) = stream.split_at(cut);
        assert_eq!(decode(&mut Decoder::new(), [head, tail], MAX).0.len(), 1, "cut at {cut}");
    }
}
