//! The task of a session over a stream in memory: back-pressure, slowness, time.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use contracts::records::{Audience, Command, Event};
use domain::{Content, Generation, Limits, SessionId, Slot};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::Config;
use crate::testing::{World, announced, client_id, direct, entry, eventually, messaging, topics};

/// The device's side of a stream, with just enough WebSocket for a test: frames of up to 64 KiB.
struct Device(DuplexStream);

fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        long => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

impl Device {
    async fn say(&mut self, text: &str) {
        self.0.write_all(&masked(1, text.as_bytes())).await.unwrap();
    }

    async fn send(&mut self, n: u8, text: &str) {
        let (conversation, client_id) = (direct(1, 2), client_id(n));
        self.say(&format!(
            r#"{{"type":"send","conversation":"{conversation}","client_id":"{client_id}","body":{{"text":"{text}"}}}}"#
        ))
        .await;
    }

    /// The next frame: opcode and payload.
    async fn frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let opcode = self.0.read_u8().await? & 0x0f;
        let length = match self.0.read_u8().await? {
            126 => u64::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await?;
        Ok((opcode, payload))
    }

    async fn next(&mut self) -> Value {
        serde_json::from_slice(&self.frame().await.unwrap().1).unwrap()
    }
}

async fn hello(world: &World, token: &str, buffer: usize) -> Device {
    let (stream, ours) = duplex(buffer);
    world.gateway.connect(ours).unwrap();
    let mut device = Device(stream);
    device.say(&format!(r#"{{"type":"hello","token":"{token}"}}"#)).await;
    assert_eq!(device.next().await["type"], "welcome");
    device
}

fn session(number: u64) -> SessionId {
    SessionId { slot: Slot(3), generation: Generation(1), number }
}

#[tokio::test]
async fn backpressure_that_loses_or_reorders_what_was_sent() {
    let world = World::silent(Config::default(), topics(1)).await;
    let mut commands = world.topics.submit.subscribe("messaging").unwrap();
    let (stream, ours) = duplex(1 << 20);
    world.gateway.connect(ours).unwrap();
    let mut device = Device(stream);
    device.say(r#"{"type":"hello","token":"1.1"}"#).await;
    announced(&world, 0).await;
    messaging::deliver(
        &world.topics,
        session(1),
        Event::Registered { session: 1, large: vec![], refused: None },
    )
    .await;
    for n in 0..100 {
        device.send(n, &n.to_string()).await;
    }
    device.say(r#"{"type":"ping"}"#).await;
    assert_eq!(device.next().await["type"], "welcome");
    let mut texts = vec![];
    while texts.len() < 100 {
        for message in commands.next(1).await.unwrap() {
            let Command::Append(append) = message.record else { panic!() };
            texts.push(append.submission.body.as_str().to_owned());
            commands.commit(message.partition, message.offset + 1).await.unwrap();
        }
    }
    let expected: Vec<String> = (0..100).map(|n| format!(r#"{{"text":"{n}"}}"#)).collect();
    assert_eq!(texts, expected);
    assert_eq!(device.next().await["type"], "pong", "nothing overtakes what waits for room");
}

#[tokio::test]
async fn a_full_topic_that_stops_deliveries_too() {
    let world = World::silent(Config::default(), topics(1)).await;
    let (stream, ours) = duplex(1 << 20);
    world.gateway.connect(ours).unwrap();
    let mut device = Device(stream);
    device.say(r#"{"type":"hello","token":"1.1"}"#).await;
    announced(&world, 0).await;
    messaging::deliver(
        &world.topics,
        session(1),
        Event::Registered { session: 1, large: vec![], refused: None },
    )
    .await;
    assert_eq!(device.next().await["type"], "welcome");
    for n in 0..5 {
        device.send(n, "nobody takes these").await;
    }
    let entry = entry(direct(1, 2), 1, 0, &Content::message("still delivered"));
    let event = Event::Entry { entry, to: Audience::Sessions(vec![1]), except: None };
    messaging::deliver(&world.topics, session(1), event).await;
    assert_eq!(device.next().await["entry"]["body"]["text"], "still delivered");
}

#[tokio::test]
async fn a_slow_reader_that_is_neither_told_nor_closed() {
    let limits = Limits { session_queue_bytes_max: 4_000, ..Limits::default() };
    let world = World::new(Config { limits, sweep_ms: 5, ..Config::default() }).await;
    let (mut slow, mut quick) = (hello(&world, "1.1", 256).await, hello(&world, "2.1", 1 << 20).await);
    let mut sender = hello(&world, "1.2", 1 << 20).await;
    for n in 0..60 {
        sender.send(n, "a text that takes some room in the queue").await;
        assert_eq!(sender.next().await["type"], "sent");
        assert_eq!(quick.next().await["entry"]["position"]["seq"], u64::from(n) + 1);
    }
    let mut seen = vec![];
    loop {
        let frame = slow.next().await;
        if frame["type"] == "lagged" {
            break;
        }
        seen.push(frame["entry"]["position"]["seq"].as_u64().unwrap());
    }
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>(), "no gap before it is told");
    assert!(seen.len() < 60);
    sender.send(61, "suppressed").await;
    sender.next().await;
    slow.say(r#"{"type":"sync","token":"t"}"#).await;
    let changes = slow.next().await;
    assert_eq!(changes["conversations"][0]["entries"].as_array().unwrap().len(), 61);
    sender.send(62, "live again").await;
    assert_eq!(sender.next().await["type"], "sent");
    assert_eq!(slow.next().await["entry"]["position"]["seq"], 62);

    for n in 63..200 {
        sender.send(n, "again too much, and this time it never reads").await;
        sender.next().await;
    }
    world.clock.advance_ms(25_000);
    for _ in 0..30 {
        assert!(world.gateway.sessions() >= 2, "the others stay");
        world.clock.advance_ms(500);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eventually("the slow reader is gone", || world.gateway.sessions() == 2).await;
    sender.say(r#"{"type":"ping"}"#).await;
    assert_eq!(sender.next().await["type"], "pong");
}

#[tokio::test]
async fn a_device_that_is_not_heard_keeps_its_session() {
    let world = World::new(Config { sweep_ms: 5, ..Config::default() }).await;
    let mut device = hello(&world, "1.1", 1 << 20).await;
    world.clock.advance_ms(59_000);
    device.say(r#"{"type":"ping"}"#).await;
    assert_eq!(device.next().await["type"], "pong");
    world.clock.advance_ms(59_000);
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.clock.advance_ms(1_000);
    assert_eq!(device.next().await["reason"], "dead");
    let (opcode, payload) = device.frame().await.unwrap();
    assert_eq!((opcode, &payload[..2]), (8, &4002_u16.to_be_bytes()[..]));
    assert_eq!(device.0.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn hostile_bytes_that_end_more_than_their_session() {
    let world = World::new(Config::default()).await;
    let mut bystander = hello(&world, "2.1", 1 << 20).await;
    let unmasked = vec![0x81, 2, b'{', b'}'];
    let reserved = masked(1 | 0x40, b"{}");
    let huge = [&[0x81, 0xff][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    let negative = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    for (bytes, reason) in [
        (unmasked, "bad_frame"),
        (reserved, "bad_frame"),
        (negative, "bad_frame"),
        (masked(1, &[0xff, 0xfe]), "bad_frame"),
        (masked(0, b"{}"), "bad_frame"),
        (masked(2, b"{}"), "bad_frame"),
        (huge, "frame_too_large"),
    ] {
        let mut device = hello(&world, "1.1", 1 << 20).await;
        device.0.write_all(&bytes).await.unwrap();
        assert_eq!(device.next().await["reason"], reason, "{bytes:?}");
        assert_eq!(device.frame().await.unwrap().0, 8);
    }
    let mut pinging = hello(&world, "1.1", 1 << 20).await;
    pinging.0.write_all(&masked(9, b"abc")).await.unwrap();
    assert_eq!(pinging.frame().await.unwrap(), (10, b"abc".to_vec()));
    bystander.say(r#"{"type":"ping"}"#).await;
    assert_eq!(bystander.next().await["type"], "pong");
}

#[tokio::test]
async fn a_device_that_syncs_without_reading_fills_the_memory() {
    let world = World::new(Config::default()).await;
    let mut device = hello(&world, "1.1", 64).await;
    let mut written = 0;
    let flood = masked(1, br#"{"type":"sync","token":"t"}"#).repeat(10_000);
    while let Ok(result) =
        tokio::time::timeout(Duration::from_millis(50), device.0.write(&flood[written..])).await
    {
        written += result.unwrap();
    }
    assert!(written < 100_000, "it is not read from while its answers wait: {written}");
    for _ in 0..written / masked(1, br#"{"type":"sync","token":"t"}"#).len() {
        assert_eq!(device.next().await["type"], "changes");
    }
    drop(device);
    eventually("gone", || world.gateway.sessions() == 0).await;
}

#[tokio::test]
async fn an_idle_session_that_holds_buffers() {
    let world = World::new(Config::default()).await;
    let size = size_of::<crate::session::Driver<tokio::net::TcpStream>>();
    assert!(size <= 512, "a session's task holds {size} bytes");
    let seat = size_of::<crate::hub::Seat>();
    assert!(seat <= 384, "a session's seat holds {seat} bytes");
    let mut live = BytesMut::from(&b"GET /v1/connect"[..]);
    let (request, behind_it) = (live.split().freeze(), live.freeze());
    let (_device, stream) = duplex(1);
    let hub = Arc::clone(world.gateway.hub());
    let seat = hub.enter().unwrap();
    let _session = crate::session::Driver::new(hub, seat, stream, behind_it, None);
    assert!(request.is_unique(), "a session holds the buffer of its request");
}
