//! Every law finds what breaks it, and nothing else does: one sound history, tampered with in one way at a time.

use domain::{Body, ClientId, Code, Content, Cursor, Kind, Mark, Region, Timestamp};
use protocol::frame::Changes;
use protocol::http::{Missed, MissedList};
use protocol::view::Peer;

use super::*;

const ADA: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn user(number: u8) -> UserId {
    UserId::new(Region::ONLY, [number; 15])
}

fn device(number: u8) -> DeviceId {
    DeviceId::new(Region::ONLY, [number; 15])
}

fn direct() -> ConversationId {
    ConversationId::direct(user(ADA), user(BOB))
}

/// The n-th entry of the log of Ada and Bob, who says it.
fn entry(seq: u64, sender: u8) -> Arc<Entry> {
    Arc::new(Entry {
        conversation: direct(),
        position: Position::new(1, seq),
        kind: Kind::Message,
        sender: user(sender),
        device: device(sender),
        client_id: ClientId::new(seq, [sender; 10]),
        time: Timestamp::from_unix_ms(seq),
        ordinal: seq,
        roster: Position::START,
        was: None,
        body: Some(body(&seq.to_string())),
    })
}

fn body(text: &str) -> Body {
    Content::message(text).to_body()
}

fn invoked(entry: &Entry) -> Event {
    let body = entry.body.clone().expect("nothing of it is erased");
    Event::Invoked { identity: entry.identity(), kind: Kind::Message, body }
}

fn acked(entry: &Entry) -> Event {
    Event::Acked { identity: entry.identity(), position: entry.position }
}

fn refused(entry: &Entry) -> Event {
    Event::Refused { identity: entry.identity(), code: Code::NotAMember }
}

fn read(seq: u64) -> Cursor {
    Cursor::read_up_to(Mark::new(Position::new(1, seq), seq))
}

/// The conversation as Bob is shown it, who has read so far.
fn shown(read_seq: u64, unread: u64, entries: &[Arc<Entry>]) -> Conversation {
    Conversation {
        id: direct(),
        kind: direct().kind(),
        head: Mark::new(Position::new(1, 3), 3),
        first: Position::new(1, 1),
        time: Some(Timestamp::from_unix_ms(3)),
        unread,
        cursor: read(read_seq),
        peer: Some(Peer { user: user(ADA), cursor: read(3) }),
        group: None,
        entries: entries.to_vec(),
    }
}

fn synced(shown: Conversation) -> Event {
    let changes = Changes { token: String::new(), more: false, reset: true, conversations: vec![shown] };
    Event::synced(user(BOB), &changes)
}

/// What happened, and what there is at the end.
struct World {
    log: Vec<Arc<Entry>>,
    ada: Vec<Event>,
    bob: Vec<Event>,
    eve: Vec<Event>,
    found: Found,
    missed: MissedList,
}

impl World {
    /// Ada says three things; one more is refused. Bob is there for the second and the third, and pulls the first.
    fn sound() -> Self {
        let log: Vec<Arc<Entry>> = (1..=3).map(|seq| entry(seq, ADA)).collect();
        let late = entry(4, ADA);
        let mut ada = vec![Event::Live];
        ada.extend(log.iter().map(|entry| invoked(entry)));
        ada.extend(log.iter().map(|entry| acked(entry)));
        ada.extend([invoked(&late), refused(&late)]);
        let bob = vec![
            Event::SyncAsked,
            Event::Live,
            synced(shown(0, 1, &log[..1])),
            Event::Pushed(Arc::clone(&log[1])),
            Event::Pushed(Arc::clone(&log[2])),
            Event::cursor(&protocol::frame::CursorMoved {
                conversation: direct(),
                user: user(BOB),
                cursor: read(2),
            }),
        ];
        let found = Found { shown: vec![shown(2, 1, &log[2..])], pulled: log.clone() };
        let row = Missed {
            conversation: direct(),
            messages: 3,
            as_of: Position::new(1, 3),
            time: Timestamp::from_unix_ms(3),
        };
        Self {
            log,
            ada,
            bob,
            eve: vec![invoked(&strange())],
            found,
            missed: MissedList { missed: vec![row], badge: 3 },
        }
    }

    /// The laws that it is found to break.
    fn broken(self) -> BTreeSet<Law> {
        let history = History::default();
        self.ada.into_iter().for_each(|event| history.note(user(ADA), device(ADA), event));
        self.bob.into_iter().for_each(|event| history.note(user(BOB), device(BOB), event));
        self.eve.into_iter().for_each(|event| history.note(user(EVE), device(EVE), event));
        let logs = Logs::from([(direct(), self.log), (strange().conversation, vec![strange()])]);
        let expected = [ADA, BOB].map(|number| Expected {
            user: user(number),
            device: device(number),
            has_everything: true,
        });
        let empty = BTreeMap::from([(user(BOB), self.found)]);
        let mut findings = check(&history, &logs, &expected, &empty, Delivery::InOrder);
        findings.extend(missed(user(BOB), &self.missed, &logs));
        findings.into_iter().map(|finding| finding.law).collect()
    }
}

#[test]
fn a_sound_history_is_found_to_break_a_law() {
    assert_eq!(World::sound().broken(), BTreeSet::new());
}

/// How a history is tampered with, and the law that it then breaks.
type Row = (&'static str, fn(&mut World), Law);

const ROWS: [Row; 20] = [
    ("an ack of nothing", |world| world.ada.push(acked(&entry(9, ADA))), Law::AckedIsStored),
    ("an ack elsewhere", |world| world.ada.push(ack_at(&world.log[0], 2)), Law::AckedIsStored),
    ("another body", |world| world.ada[1] = invoked(&said(1, "other")), Law::AckedIsStored),
    ("an empty device finds less", |world| drop(world.found.pulled.remove(1)), Law::AckedIsStored),
    ("stored after all", |world| world.ada.push(refused(&world.log[1])), Law::RefusedIsNotStored),
    ("another entry than the log's", |world| world.bob[3] = Event::Pushed(said(2, "x")), Law::OneLog),
    ("a stranger's entry", |world| world.bob.push(Event::Pushed(strange())), Law::NobodyGetsIn),
    (
        "one by sync",
        |world| world.bob[2] = synced(shown(0, 1, &[entry(1, ADA), strange()])),
        Law::NobodyGetsIn,
    ),
    ("one by a page", |world| world.found.pulled.push(strange()), Law::NobodyGetsIn),
    ("a push that goes back", |world| world.bob.extend([told(3), told(2)]), Law::CursorsOnlyGrow),
    ("a sync that goes back", |world| world.bob.extend(asked_and_told(1)), Law::CursorsOnlyGrow),
    (
        "an empty device is told less",
        |world| world.found.shown = vec![shown(1, 2, &[])],
        Law::CursorsOnlyGrow,
    ),
    ("unread is too few", |world| world.found.shown[0].unread = 0, Law::CountsFollowTheLog),
    ("nothing was missed", |world| world.missed = nothing_missed(), Law::CountsFollowTheLog),
    ("missed at another time", |world| world.missed.missed[0].time = at(2), Law::CountsFollowTheLog),
    ("a push that overtakes", |world| world.bob.swap(3, 4), Law::PushedInOrder),
    ("sent in another order", |world| world.ada.swap(1, 2), Law::DevicesOrder),
    ("an entry that nobody asked for", |world| world.eve.clear(), Law::NothingFromNowhere),
    ("a push that is lost", |world| drop(world.bob.remove(3)), Law::NoSilentLoss),
    ("no answer at all", |world| world.ada.push(invoked(&entry(8, ADA))), Law::EverySubmissionIsSettled),
];

#[test]
fn a_history_that_breaks_a_law_is_sound() {
    let wrong = |(name, tamper, law): Row| {
        let mut world = World::sound();
        tamper(&mut world);
        let broken = world.broken();
        (broken != BTreeSet::from([law])).then_some((name, broken))
    };
    assert_eq!(ROWS.into_iter().filter_map(wrong).collect::<Vec<_>>(), []);
}

fn ack_at(entry: &Entry, seq: u64) -> Event {
    Event::Acked { identity: entry.identity(), position: Position::new(1, seq) }
}

fn said(seq: u64, text: &str) -> Arc<Entry> {
    Arc::new(Entry { body: Some(body(text)), ..(*entry(seq, ADA)).clone() })
}

/// What Eve says to herself.
fn strange() -> Arc<Entry> {
    let conversation = ConversationId::direct(user(EVE), user(EVE));
    Arc::new(Entry { conversation, ..(*entry(1, EVE)).clone() })
}

fn told(seq: u64) -> Event {
    let cursor = read(seq);
    Event::cursor(&protocol::frame::CursorMoved { conversation: direct(), user: user(BOB), cursor })
}

fn asked_and_told(seq: u64) -> [Event; 2] {
    [Event::SyncAsked, synced(shown(seq, 2, &[]))]
}

fn nothing_missed() -> MissedList {
    MissedList { missed: vec![], badge: 0 }
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}
