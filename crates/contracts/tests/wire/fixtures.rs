//! Records as version 1 wrote them. A line of `fixtures/v1.txt` is never changed or taken out: there are topics that
//! hold such bytes. What is added to a record gets a line of its own.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use contracts::records::{
    Announcement, Append, Audience, Command, Delivery, Event, LargeGroup, Move, Moved, SessionChange, Stored,
};
use contracts::wire::{Record, decode, encode};
use data_encoding::HEXLOWER;
use domain::{
    ClientId, Code, Content, ConversationId, Cursor, DeviceId, Entry, Generation, Identity, Kind, Mark,
    Position, Region, Rejection, SessionId, Slot, Submission, Timestamp, UserId,
};

const V1: &str = include_str!("fixtures/v1.txt");

fn user(n: u8) -> UserId {
    UserId::new(Region(1), [n; 15])
}

fn direct() -> ConversationId {
    ConversationId::direct(user(1), user(2))
}

fn group() -> ConversationId {
    ConversationId::Group([7; 16])
}

fn device() -> DeviceId {
    DeviceId::new(Region(1), [9; 15])
}

fn client_id(n: u8) -> ClientId {
    ClientId::new(1_764_000_000_007, [n; 10])
}

fn session(number: u64) -> SessionId {
    SessionId { slot: Slot(513), generation: Generation(70_000), number }
}

fn time() -> Timestamp {
    Timestamp::from_unix_ms(1_764_000_000_123)
}

fn message() -> Entry {
    let content = Content::message("h\u{e9}llo \u{1F600} \u{202E}");
    Entry {
        conversation: direct(),
        position: Position::new(257, 42),
        kind: content.kind(),
        sender: user(1),
        device: device(),
        client_id: client_id(1),
        time: time(),
        ordinal: 40,
        roster: Position::START,
        was: None,
        body: Some(content.to_body()),
    }
}

fn commands() -> Vec<(&'static str, Command)> {
    let identity =
        Identity { conversation: direct(), sender: user(1), device: device(), client_id: client_id(1) };
    let content = Content::message("hi");
    let submission = Submission { identity, kind: content.kind(), body: content.to_body(), after: None };
    let poll = Submission { kind: Kind::parse("poll"), after: Some(client_id(2)), ..submission.clone() };
    let append = |submission| Command::Append(Append { submission, origin: session(5), trace: None });
    let moved = |delivered, read| {
        let (conversation, user, origin) = (group(), user(2), session(6));
        Command::Move(Move { conversation, user, delivered, read, origin })
    };
    vec![
        ("append", append(submission)),
        ("append_of_an_unknown_kind_after_another", append(poll)),
        ("move_delivered", moved(Some(Position::new(1, 7)), None)),
        ("move_read", moved(None, Some(Position::new(1, 7)))),
    ]
}

fn events() -> Vec<(&'static str, Event)> {
    let erased = Entry {
        conversation: group(),
        kind: Kind::parse("poll"),
        roster: Position::new(1, 3),
        was: Some(Position::new(1, 41)),
        body: None,
        ..message()
    };
    let (to, conversation, client_id) = (5, direct(), client_id(1));
    let stored = Stored { position: Position::new(257, 42), ordinal: 40, time: time() };
    let busy = Rejection::new(Code::RateLimited, "too many at once").retry_after_ms(1_500);
    let cursor =
        Cursor { delivered: Mark::new(Position::new(1, 9), 8), read: Mark::new(Position::new(1, 7), 6) };
    let (roster, from) = (Position::new(1, 65), Position::new(1, 3));
    let large = vec![LargeGroup { conversation: group(), roster, from }];
    vec![
        ("outcome_stored", Event::Outcome { to, conversation, client_id, result: Ok(stored) }),
        ("outcome_rejected", Event::Outcome { to, conversation, client_id, result: Err(busy.clone()) }),
        (
            "entry_to_sessions",
            Event::Entry {
                entry: Arc::new(message()),
                to: Audience::Sessions(vec![6, 300]),
                except: Some(0),
            },
        ),
        (
            "entry_erased_to_members",
            Event::Entry {
                entry: Arc::new(erased),
                to: Audience::Members { roster_before: Position::new(1, 2) },
                except: None,
            },
        ),
        ("cursor", Event::Cursor { conversation, user: user(2), cursor, to: vec![6, 7] }),
        ("registered", Event::Registered { session: 5, large, refused: None }),
        ("registered_not", Event::Registered { session: 5, large: vec![], refused: Some(busy.clone()) }),
        (
            "large",
            Event::Large { conversation: group(), roster, members: vec![(5, from), (6, Position::START)] },
        ),
        (
            "move_refused_delivered",
            Event::MoveRefused {
                to,
                conversation: group(),
                moved: Moved::Delivered,
                rejection: Rejection::not_found(),
            },
        ),
        (
            "move_refused_read",
            Event::MoveRefused { to, conversation, moved: Moved::Read, rejection: busy.clone() },
        ),
        ("lagged", Event::Lagged { to: vec![5, 6] }),
        ("signed_out", Event::SignedOut { device: device() }),
    ]
}

fn announcements() -> Vec<(&'static str, Announcement)> {
    [
        ("began", SessionChange::Began),
        ("ended", SessionChange::Ended),
        ("device_signed_out", SessionChange::SignedOut),
    ]
    .map(|(name, change)| {
        (name, Announcement { user: user(1), device: device(), session: session(5), change })
    })
    .to_vec()
}

/// The fixtures that no record was held against yet, and the lines that are not there.
struct Fixtures {
    left: BTreeMap<&'static str, Vec<u8>>,
    missing: Vec<String>,
}

impl Fixtures {
    fn read(lines: &'static str) -> Self {
        let left = lines
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once(' ').expect("a name and hex"))
            .map(|(name, hex)| (name, HEXLOWER.decode(hex.as_bytes()).expect("lower-case hex")))
            .collect();
        Self { left, missing: vec![] }
    }

    /// The bytes of `name` are read as this record; and this version still writes them so.
    fn check<R: Record + Debug>(&mut self, name: &str, record: &R) {
        let written = encode(record);
        let Some(bytes) = self.left.remove(name) else {
            return self.missing.push(format!("{name} {}", HEXLOWER.encode(&written)));
        };
        let read: R = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(format!("{read:?}"), format!("{record:?}"), "{name}");
        assert_eq!(HEXLOWER.encode(&written), HEXLOWER.encode(&bytes), "{name}: is written in another way");
    }
}

#[test]
fn what_version_1_wrote_is_read_for_ever() {
    let mut fixtures = Fixtures::read(V1);
    for (name, command) in commands() {
        fixtures.check(name, &command);
    }
    for (name, event) in events() {
        let delivery =
            Delivery { slot: Slot(513), generation: Generation(70_000), events: vec![event], traces: vec![] };
        fixtures.check(name, &delivery);
    }
    for (name, announcement) in announcements() {
        fixtures.check(name, &announcement);
    }
    assert!(fixtures.left.is_empty(), "no record for these: {:?}", fixtures.left.keys());
    assert!(fixtures.missing.is_empty(), "add to fixtures/v1.txt:\n{}", fixtures.missing.join("\n"));
}
