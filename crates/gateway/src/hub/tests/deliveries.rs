//! The loop that hands out deliveries, with the embedded bus.

use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::records::{Audience, Delivery, Event, LargeGroup, SessionChange};
use domain::content::Users;
use domain::{Code, Content, Generation, Position, Rejection, SessionId, Slot};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::testing::messaging::deliver;
use crate::testing::{World, announced, direct, entry, eventually, group, topics, user};
use crate::{Config, Fault, Faults};

fn session(number: u64) -> SessionId {
    SessionId { slot: Slot(3), generation: Generation(1), number }
}

struct Device(WebSocketStream<DuplexStream>);

impl Device {
    async fn next(&mut self) -> Value {
        let message = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await.expect("a frame");
        serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap()
    }

    async fn text(&mut self) -> String {
        self.next().await["entry"]["body"]["text"].as_str().unwrap_or("none").to_owned()
    }
}

/// A session that said hello, and is registered by hand.
async fn open(world: &World, token: &str) -> Device {
    let before = world.topics.sessions.lag("messaging");
    let device = open_only(world, token).await;
    announced(world, before).await;
    device
}

async fn open_only(world: &World, token: &str) -> Device {
    let (stream, ours) = duplex(1 << 20);
    world.gateway.connect(ours).unwrap();
    let mut stream = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    stream.send(Message::text(format!(r#"{{"type":"hello","token":"{token}"}}"#))).await.unwrap();
    Device(stream)
}

fn registered(session: u64, large: Vec<LargeGroup>) -> Event {
    Event::Registered { session, large, refused: None }
}

fn small(seq: u64, to: Vec<u64>) -> Event {
    let entry = entry(direct(1, 2), seq, 0, &Content::message(seq.to_string()));
    Event::Entry { entry, to: Audience::Sessions(to), except: None }
}

async fn world(config: Config) -> World {
    World::silent(config, topics(1 << 20)).await
}

#[tokio::test]
async fn a_delivery_of_an_older_lease_or_another_slot() {
    let world = world(Config::default()).await;
    let mut device = open(&world, "1.1").await;
    deliver(&world.topics, session(1), registered(1, vec![])).await;
    assert_eq!(device.next().await["type"], "welcome");
    let old = SessionId { generation: Generation(0), ..session(1) };
    let neighbour = SessionId { slot: Slot(5), ..session(1) };
    deliver(&world.topics, old, small(1, vec![1])).await;
    deliver(&world.topics, neighbour, small(2, vec![1])).await;
    deliver(&world.topics, session(1), small(3, vec![9, 1])).await;
    assert_eq!(device.text().await, "3");
}

#[tokio::test]
async fn live_before_registered() {
    let world = world(Config::default()).await;
    let mut device = open(&world, "1.1").await;
    let mut announcements = world.topics.sessions.subscribe("messaging").unwrap();
    let announced = announcements.next(1).await.unwrap().remove(0).record;
    assert_eq!((announced.user, announced.change), (user(1), SessionChange::Began));
    let events = vec![small(1, vec![1]), registered(1, vec![]), small(2, vec![1])];
    let SessionId { slot, generation, .. } = announced.session;
    world.topics.deliver.publish(Delivery { slot, generation, events, traces: vec![] }).await.unwrap();
    assert_eq!(device.next().await["type"], "welcome", "nothing goes before it");
    assert_eq!(device.text().await, "2", "what came before the echo is found by a sync");
}

#[tokio::test]
async fn a_registration_that_is_refused() {
    let world = world(Config::default()).await;
    let mut device = open(&world, "1.1").await;
    let refused = Rejection::new(Code::RateLimited, "too many sessions").retry_after_ms(10_000);
    let echo = Event::Registered { session: 1, large: vec![], refused: Some(refused) };
    deliver(&world.topics, session(1), echo).await;
    let goodbye = device.next().await;
    assert_eq!(goodbye["reason"], "overloaded");
    assert!(goodbye["retry_after_ms"].as_u64().unwrap() >= 10_000);
}

#[tokio::test]
async fn a_missed_membership_entry_that_nobody_hears_of() {
    let world = world(Config::default()).await;
    let mut announcements = world.topics.sessions.subscribe("messaging").unwrap();
    let mut device = open(&world, "2.1").await;
    announcements.next(1).await.unwrap();
    let listed = |roster| {
        vec![LargeGroup {
            conversation: group(1),
            roster: Position::new(1, roster),
            from: Position::new(1, 1),
        }]
    };
    deliver(&world.topics, session(1), registered(1, listed(1))).await;
    assert_eq!(device.next().await["type"], "welcome");
    let large = |seq, roster, before| Event::Entry {
        entry: entry(group(1), seq, roster, &Content::message(seq.to_string())),
        to: Audience::Members { roster_before: Position::new(1, before) },
        except: None,
    };
    deliver(&world.topics, session(1), large(2, 1, 1)).await;
    assert_eq!(device.text().await, "2");
    deliver(&world.topics, session(1), large(4, 3, 3)).await;
    let anew = announcements.next(1).await.unwrap().remove(0).record;
    assert_eq!((anew.session, anew.change), (session(1), SessionChange::Began));
    deliver(&world.topics, session(1), registered(1, listed(3))).await;
    assert_eq!(
        device.next().await["type"],
        "lagged",
        "told once it is registered, so that its sync misses nothing"
    );
    device.0.send(Message::text(r#"{"type":"sync","token":"t"}"#)).await.unwrap();
    assert_eq!(device.next().await["type"], "changes");
    deliver(&world.topics, session(1), large(5, 3, 3)).await;
    assert_eq!(device.text().await, "5");
}

#[tokio::test]
async fn a_session_that_is_registered_again_after_it_left() {
    let world = world(Config { sweep_ms: 3_600_000, ..Config::default() }).await;
    let mut announcements = world.topics.sessions.subscribe("messaging").unwrap();
    let (gone, mut there) = (open(&world, "1.1").await, open(&world, "2.1").await);
    for number in [1, 2] {
        let listed =
            LargeGroup { conversation: group(1), roster: Position::new(1, 1), from: Position::new(1, 1) };
        deliver(&world.topics, session(number), registered(number, vec![listed])).await;
    }
    assert_eq!(there.next().await["type"], "welcome");
    drop(gone);
    eventually("the session left", || world.gateway.sessions() == 1).await;
    let missed = Event::Entry {
        entry: entry(group(1), 4, 3, &Content::message("4")),
        to: Audience::Members { roster_before: Position::new(1, 3) },
        except: None,
    };
    deliver(&world.topics, session(2), missed).await;
    let mut changes = vec![];
    while changes.last() != Some(&(2, SessionChange::Began)) || changes.len() < 4 {
        let taken = announcements.next(8).await.unwrap().into_iter().map(|message| message.record);
        changes.extend(taken.map(|record| (record.session.number, record.change)));
    }
    let of_gone: Vec<SessionChange> =
        changes.iter().filter(|(number, _)| *number == 1).map(|(_, change)| *change).collect();
    assert_eq!(of_gone, [SessionChange::Began, SessionChange::Ended]);
}

#[tokio::test]
async fn a_session_that_joins_a_large_group_while_it_is_live() {
    let world = world(Config::default()).await;
    let (mut old, mut new) = (open(&world, "1.1").await, open(&world, "2.1").await);
    let listed =
        vec![LargeGroup { conversation: group(1), roster: Position::new(1, 1), from: Position::new(1, 1) }];
    deliver(&world.topics, session(1), registered(1, listed)).await;
    deliver(&world.topics, session(2), registered(2, vec![])).await;
    assert_eq!(
        (old.next().await["type"].clone(), new.next().await["type"].clone()),
        ("welcome".into(), "welcome".into())
    );
    let joined = entry(group(1), 2, 2, &Content::Joined(Users { users: vec![user(2)] }));
    let to = Audience::Members { roster_before: Position::new(1, 1) };
    deliver(&world.topics, session(1), Event::Entry { entry: joined, to, except: Some(1) }).await;
    assert_eq!(new.next().await["entry"]["kind"], "joined");
    deliver(&world.topics, session(1), Event::Lagged { to: vec![1, 2] }).await;
    assert_eq!(old.next().await["type"], "lagged", "the sender was given `sent` instead of the entry");
}

#[tokio::test]
async fn a_meter_that_sees_no_faults() {
    for (fault, expected) in [
        (Fault::Drop, vec!["1", "3", "5"]),
        (Fault::Duplicate, vec!["1", "2", "2", "3", "4", "4", "5"]),
        (Fault::Swap, vec!["1", "3", "2", "5", "4"]),
    ] {
        let world = world(Config { faults: Some(Faults { fault, every: 2 }), ..Config::default() }).await;
        let mut device = open(&world, "1.1").await;
        deliver(&world.topics, session(1), registered(1, vec![])).await;
        device.next().await;
        for seq in 1..=5 {
            deliver(&world.topics, session(1), small(seq, vec![1])).await;
        }
        let mut texts = vec![];
        for _ in 0..expected.len() {
            texts.push(device.text().await);
        }
        assert_eq!(texts, expected, "{fault:?}");
    }
}

#[tokio::test]
async fn a_group_that_nobody_here_is_in_is_followed_for_ever() {
    let world = world(Config { sweep_ms: 5, ..Config::default() }).await;
    let device = open(&world, "1.1").await;
    let listed =
        vec![LargeGroup { conversation: group(1), roster: Position::new(1, 1), from: Position::new(1, 1) }];
    deliver(&world.topics, session(1), registered(1, listed)).await;
    drop(device);
    eventually("the session left", || world.gateway.sessions() == 0).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.clock.advance_ms(40_000);
    eventually("unfollowed", || world.slots.unfollowed.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_killed_gateway_that_says_goodbye() {
    let world = World::new(Config::default()).await;
    let mut device = open_only(&world, "1.1").await;
    assert_eq!(device.next().await["type"], "welcome");
    world.gateway.kill();
    let end = device.0.next().await;
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    eventually("gone", || world.gateway.sessions() == 0).await;
    let ended = |change: &(_, SessionChange)| change.1 == SessionChange::Ended;
    assert!(!world.messaging.announced.lock().unwrap().iter().any(ended));
}
