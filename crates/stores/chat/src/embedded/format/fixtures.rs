//! Rows as each version wrote them. A fixture is never changed: what it holds lies on somebody's disk.

use domain::Region;

use super::*;

/// Version 1: a message, with all that it may have.
const ENTRY_1: &str = "0111010203040506070819090a0b0c0d0e0f1021818283848586878829898a8b8c8d8e8f9031019ab697e80073c33983c3c3c3c3c3c3c340fbd0dfb4ab3348a2025204080110075a0a088102108080808080207a187b2274657874223a22d8b3d984d8a7d98520f09f918b227d";
/// Version 1: an entry of a kind that this version does not know, erased, at the start of everything.
const ENTRY_1_OTHER: &str = "010a04706f6c6c11010203040506070819090a0b0c0d0e0f1021818283848586878829898a8b8c8d8e8f90310000000000007000398000000000000000";
const HEAD_1: &str = "010a05080110ac0210a2021a040801100720fbd0dfb4ab33";
const WHEREABOUTS_1: &str =
    "010a05080110ac021221640102030405060708090a0b0c0d0e0f104142434445464748494a4b4c4d4e4f5018fbd0dfb4ab33";
const CURSOR_1: &str = "010a040802100910081a04080110052004";
const READER_1: &str = "0108ac02";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn id(n: u8) -> [u8; 16] {
    std::array::from_fn(|at| n + at as u8)
}

fn message() -> Entry {
    let sender = UserId::from_bytes(id(1));
    Entry {
        conversation: ConversationId::direct(sender, UserId::from_bytes(id(0x41))),
        position: Position::new(1, 300),
        kind: Kind::Message,
        sender,
        device: DeviceId::from_bytes(id(0x81)),
        client_id: ClientId::new(1_764_000_000_000, [0xc3; 10]),
        time: Timestamp::from_unix_ms(1_764_000_000_123),
        ordinal: 290,
        roster: Position::new(1, 7),
        was: Some(Position::new(257, 1 << 40)),
        body: Some(Body::from_json(r#"{"text":"سلام 👋"}"#.to_owned()).unwrap()),
    }
}

fn other() -> Entry {
    Entry {
        conversation: ConversationId::Group(id(1)),
        position: Position::new(1, 1),
        kind: Kind::Other("poll".into()),
        client_id: ClientId::new(0, [0; 10]),
        time: Timestamp::from_unix_ms(0),
        ordinal: 0,
        roster: Position::START,
        was: None,
        body: None,
        ..message()
    }
}

fn cursor() -> Cursor {
    Cursor { delivered: Mark::new(Position::new(2, 9), 8), read: Mark::new(Position::new(1, 5), 4) }
}

#[test]
fn an_entry_of_version_1_is_never_misread() {
    for (fixture, entry) in [(ENTRY_1, message()), (ENTRY_1_OTHER, other())] {
        assert_eq!(hex(&entry_to_row(&entry)), fixture, "a change of what is written needs a new version");
        let read = entry_from_row(entry.conversation, entry.position, &bytes(fixture)).unwrap();
        assert_eq!(read, entry);
    }
}

#[test]
fn a_derived_row_of_version_1_is_never_misread() {
    let entry = message();
    assert_eq!(hex(&head_to_row(entry.head())), HEAD_1);
    assert_eq!(head_from_row(&bytes(HEAD_1)).unwrap(), entry.head());
    assert_eq!(hex(&whereabouts_to_row(&entry)), WHEREABOUTS_1);
    let whereabouts =
        Whereabouts { conversation: entry.conversation, position: entry.position, time: entry.time };
    assert_eq!(whereabouts_from_row(&bytes(WHEREABOUTS_1)).unwrap(), whereabouts);
}

#[test]
fn a_members_or_readers_row_of_version_1_is_never_misread() {
    assert_eq!(hex(&cursor_to_row(cursor())), CURSOR_1);
    assert_eq!(cursor_from_row(&bytes(CURSOR_1)).unwrap(), cursor());
    assert_eq!(hex(&reader_to_row(300)), READER_1);
    assert_eq!(reader_from_row(&bytes(READER_1)).unwrap(), 300);
}

#[test]
fn a_row_of_a_newer_version_is_refused_and_not_misread() {
    let mut row = entry_to_row(&message());
    row[0] = VERSION + 1;
    let read = entry_from_row(message().conversation, message().position, &row);
    assert!(matches!(read, Err(Error::Value(format::Error::Unknown { found: 2, newest: 1 }))), "{read:?}");
}

#[test]
fn a_cut_row_is_an_error_and_no_other_entry() {
    let (entry, row) = (message(), entry_to_row(&message()));
    for length in 0..row.len() {
        let read = entry_from_row(entry.conversation, entry.position, &row[..length]);
        let lost_its_end = read.as_ref().is_ok_and(|read| read.body.is_none());
        assert!(read.is_err() || lost_its_end, "{length} bytes: {read:?}");
    }
    assert!(whereabouts_from_row(&where_of_nothing()).is_err());
}

/// A row whose conversation is none.
fn where_of_nothing() -> Vec<u8> {
    format::encode(VERSION, &WhereRow { position: None, conversation: b"x".to_vec(), time_ms: 0 })
}

#[test]
fn a_field_of_a_later_program_is_passed_over() {
    let entry = message();
    let mut row = entry_to_row(&entry);
    // tag 16, a number: 5
    row.extend([0x80, 1, 5]);
    assert_eq!(entry_from_row(entry.conversation, entry.position, &row).unwrap(), entry);
    assert_eq!(entry.sender.home(), Region(1));
}
