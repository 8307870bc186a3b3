//! Bad input × violation × close code.

use gateway::websocket::{CloseCode, Decoder, FRAGMENTS_MAX, Violation};

use super::support::{BINARY, CLOSE, CONTINUATION, FIN, Got, PING, PONG, TEXT, decode, frame};

const LIMIT: usize = 1000;

/// What a client sends after one good message, and how it is refused.
struct Row(&'static str, Vec<u8>, Violation, u16);

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

fn framing() -> Vec<Row> {
    use Violation::*;
    vec![
        Row("first reserved bit, as if compressed", frame(0xc1, b"x"), ReservedBits, 1002),
        Row("second reserved bit", frame(0xa1, b"x"), ReservedBits, 1002),
        Row("third reserved bit", frame(0x91, b"x"), ReservedBits, 1002),
        Row("reserved bit of a ping", frame(0xc9, b"x"), ReservedBits, 1002),
        Row("data opcode 3", frame(FIN | 0x3, b"x"), UnknownOpcode, 1002),
        Row("data opcode 7", frame(FIN | 0x7, b"x"), UnknownOpcode, 1002),
        Row("control opcode 11", frame(FIN | 0xb, b"x"), UnknownOpcode, 1002),
        Row("control opcode 15", frame(FIN | 0xf, b"x"), UnknownOpcode, 1002),
        Row("fragmented ping", frame(PING, b"x"), FragmentedControl, 1002),
        Row("fragmented pong", frame(PONG, b"x"), FragmentedControl, 1002),
        Row("fragmented close", frame(CLOSE, b""), FragmentedControl, 1002),
        Row("unmasked text", vec![FIN | TEXT, 1, b'x'], Unmasked, 1002),
        Row("unmasked empty text", vec![FIN | TEXT, 0], Unmasked, 1002),
        Row("unmasked ping", vec![FIN | PING, 0], Unmasked, 1002),
        Row("ping of 126 bytes", frame(FIN | PING, &[0; 126]), LongControl, 1002),
        Row("pong of 70,000 bytes", frame(FIN | PONG, &[0; 70_000]), LongControl, 1002),
        Row("close of 126 bytes", close(1000, &[b'x'; 124]), LongControl, 1002),
        Row("16-bit length of 125", vec![FIN | TEXT, 0xfe, 0, 125], LongLength, 1002),
        Row("64-bit length of 65,535", vec![FIN | TEXT, 0xff, 0, 0, 0, 0, 0, 0, 255, 255], LongLength, 1002),
        Row("64-bit length of 0", vec![FIN | TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 0], LongLength, 1002),
        Row("negative length", vec![FIN | TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], NegativeLength, 1002),
    ]
}

fn messages() -> Vec<Row> {
    use Violation::*;
    let begun = frame(TEXT, b"begun");
    let crumbs = [frame(TEXT, b""), frame(CONTINUATION, b"").repeat(usize::from(FRAGMENTS_MAX))].concat();
    let overflow =
        [frame(TEXT, &[b'x'; 600]), frame(FIN | CONTINUATION, &[b'x'; 401])[..8].to_vec()].concat();
    let half = [frame(TEXT, &[0xf0, 0x9f]), frame(FIN | CONTINUATION, b"")].concat();
    let huge = vec![FIN | TEXT, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0];
    vec![
        Row("stray continuation", frame(CONTINUATION, b"x"), StrayContinuation, 1002),
        Row("stray last continuation", frame(FIN | CONTINUATION, b"x"), StrayContinuation, 1002),
        Row("text inside text", [begun.clone(), frame(FIN | TEXT, b"")].concat(), InterleavedMessage, 1002),
        Row("binary inside text", [begun, frame(BINARY, b"")].concat(), InterleavedMessage, 1002),
        Row("a byte too many, header only", frame(FIN | TEXT, &[b'x'; 1001])[..8].to_vec(), TooBig, 1009),
        Row("binary too big", frame(FIN | BINARY, &[0; 1001]), TooBig, 1009),
        Row("the largest length there is", huge, TooBig, 1009),
        Row("fragments too big together", overflow, TooBig, 1009),
        Row("empty fragments without end", crumbs, TooManyFragments, 1008),
        Row("lone continuation byte", frame(FIN | TEXT, &[0x80]), InvalidUtf8, 1007),
        Row("surrogate", frame(FIN | TEXT, &[0xed, 0xa0, 0x80]), InvalidUtf8, 1007),
        Row("overlong slash", frame(FIN | TEXT, &[0xc0, 0xaf]), InvalidUtf8, 1007),
        Row("beyond the last character", frame(FIN | TEXT, &[0xf4, 0x90, 0x80, 0x80]), InvalidUtf8, 1007),
        Row("cut character", frame(FIN | TEXT, &[0xe2, 0x82]), InvalidUtf8, 1007),
        Row("cut character in fragments", half, InvalidUtf8, 1007),
    ]
}

fn closes() -> Vec<Row> {
    use Violation::*;
    let mut rows = vec![
        Row("close of one byte", frame(FIN | CLOSE, &[3]), ShortClose, 1002),
        Row("close reason not UTF-8", close(1000, &[0xff]), InvalidUtf8, 1007),
    ];
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        rows.push(Row("close code that nobody may send", close(code, b""), BadCloseCode, 1002));
    }
    rows
}

#[test]
fn bad_input_is_accepted_or_named_wrongly() {
    let before = frame(FIN | TEXT, b"before");
    for Row(what, bytes, violation, code) in framing().into_iter().chain(messages()).chain(closes()) {
        let stream = [&before[..], &bytes].concat();
        for piece_bytes in [1, 2, 3, 7, stream.len()] {
            let (events, end) = decode(&mut Decoder::new(), stream.chunks(piece_bytes), LIMIT);
            assert_eq!(end, Err(violation), "{what}, {piece_bytes} at a time");
            assert_eq!(events, [Got::Text("before".to_owned())], "{what}, {piece_bytes} at a time");
        }
        assert_eq!(violation.close_code().get(), code, "{what}");
    }
}

/// The other side of every bound in the table.
#[test]
fn what_is_just_allowed_is_refused() {
    let most_fragments =
        [frame(TEXT, b""), frame(CONTINUATION, b"").repeat(1022), frame(FIN | CONTINUATION, b"")].concat();
    let full = [frame(TEXT, &[b'x'; 600]), frame(FIN | CONTINUATION, &[b'x'; 400])].concat();
    let rows = [
        ("the largest message", frame(FIN | TEXT, &[b'x'; LIMIT])),
        ("the largest message in fragments", full),
        ("the most fragments", most_fragments),
        ("the largest ping", frame(FIN | PING, &[0; 125])),
        ("the longest close reason", close(1000, &[b'x'; 123])),
        ("the last character", frame(FIN | TEXT, "\u{10ffff}".as_bytes())),
        ("an unasked pong", frame(FIN | PONG, b"")),
        ("a close without code", frame(FIN | CLOSE, b"")),
    ];
    for (what, bytes) in rows {
        let (events, end) = decode(&mut Decoder::new(), [&bytes[..]], LIMIT);
        assert_eq!((events.len(), end), (1, Ok(())), "{what}");
    }
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999] {
        let (events, end) = decode(&mut Decoder::new(), [&close(code, b"why")[..]], LIMIT);
        assert_eq!((events, end), (vec![Got::Close(Some(code), "why".to_owned())], Ok(())));
        assert_eq!(CloseCode::new(code).map(CloseCode::get), Some(code));
    }
}

/// A limit on messages must not cut control frames, which have their own.
#[test]
fn a_small_limit_refuses_a_ping() {
    let bytes = frame(FIN | PING, &[7; 125]);
    assert_eq!(decode(&mut Decoder::new(), [&bytes[..]], 0), (vec![Got::Ping(vec![7; 125])], Ok(())));
}

#[test]
fn a_frame_after_the_close_is_heard() {
    let bytes = [close(1001, b""), frame(FIN | TEXT, b"late")].concat();
    for piece_bytes in [1, bytes.len()] {
        let (events, end) = decode(&mut Decoder::new(), bytes.chunks(piece_bytes), LIMIT);
        assert_eq!((events, end), (vec![Got::Close(Some(1001), String::new())], Ok(())));
    }
}
