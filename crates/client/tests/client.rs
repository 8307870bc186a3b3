//! The client over real sockets, against a server that does what each test says.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod support;

use connect_chat_client::domain::{Code, Position};
use connect_chat_client::storage::{FileOutbox, FileState, MemoryOutbox, MemoryState, Outbox};
use connect_chat_client::{Error, Event, wire};
use serde_json::{Value, json};
use support::{Fake, client, conversation, entry, entry_frame, new_client, sent, seqs, until, user, welcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn no_pages(path: &str) -> Value {
    panic!("nothing was to be fetched: {path}")
}

fn refuse(client_id: &Value, code: &str) -> Value {
    json!({"type": "error", "error": {"code": code, "message": "no"}, "client_id": client_id, "frame": "send"})
}

/// The page that follows the position in the query.
fn page(path: &str, head: u64) -> Value {
    let after: Position = path.split("after=").nth(1).unwrap().replace("%3A", ":").parse().unwrap();
    let entries: Vec<_> = (after.seq + 1..=head).map(entry).collect();
    json!({"entries": entries, "as_of": Position::new(1, head), "more": false})
}

#[tokio::test]
async fn a_hole_is_filled_by_a_page_before_what_follows_it_is_given() {
    let mut fake = Fake::start(|path| page(path, 5)).await;
    let (_client, mut events) = new_client(&fake.url).await;
    let mut session = fake.welcomed().await;
    for seq in [1, 2, 5, 2, 5] {
        session.say(entry_frame(seq)).await;
    }
    assert_eq!(seqs(&mut events, 5).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_message_refused_for_good_surfaces_and_does_not_hold_up_the_next() {
    let mut fake = Fake::start(no_pages).await;
    let (client, mut events) = new_client(&fake.url).await;
    let bad = client.send(conversation(), "bad").await.unwrap();
    let good = client.send(conversation(), "good").await.unwrap();
    let mut session = fake.welcomed().await;
    let (first, second) = (session.hear().await, session.hear().await);
    assert_eq!((&first["client_id"], first.get("after")), (&json!(bad), None));
    assert_eq!((&second["client_id"], &second["after"]), (&json!(good), &json!(bad)));
    session.say(refuse(&first["client_id"], "not_a_member")).await;
    session.say(refuse(&second["client_id"], "out_of_order")).await;
    let rejected = until(&mut events, |event| match event {
        Event::Rejected { client_id, rejection, body, .. } => Some((client_id, rejection.code, body)),
        _ => None,
    });
    let (client_id, code, body) = rejected.await;
    assert_eq!((client_id, code, body.as_str()), (bad, Code::NotAMember, r#"{"text":"bad"}"#));
    let again = session.hear().await;
    assert_eq!((&again["client_id"], again.get("after")), (&json!(good), None));
    session.say(sent(&again["client_id"], 1)).await;
    let stored =
        until(&mut events, |event| if let Event::Sent(sent) = event { Some(sent) } else { None }).await;
    assert_eq!(stored.client_id, good);
    let own =
        until(&mut events, |event| if let Event::Entry(entry) = event { Some(entry) } else { None }).await;
    assert_eq!((own.sender, own.position), (user(1), Position::new(1, 1)));
    assert_eq!(client.waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_not_acked_before_a_cut_is_sent_again_as_the_same() {
    let mut fake = Fake::start(no_pages).await;
    let (client, mut events) = new_client(&fake.url).await;
    let id = client.send(conversation(), "hello").await.unwrap();
    let mut session = fake.welcomed().await;
    assert_eq!(session.hear().await["client_id"], json!(id));
    drop(session);
    until(&mut events, |event| matches!(event, Event::Disconnected { .. }).then_some(())).await;
    let mut session = fake.session().await;
    assert_eq!(session.hear().await["type"], "hello");
    assert_eq!(session.hear().await["token"], "t1", "it resumes where it stood");
    session.say(welcome()).await;
    let again = session.hear().await;
    assert_eq!((&again["client_id"], &again["body"]["text"]), (&json!(id), &json!("hello")));
}

#[tokio::test]
async fn a_restart_is_come_back_from_and_a_signed_out_device_stays_away() {
    let mut fake = Fake::start(no_pages).await;
    let (client, mut events) = new_client(&fake.url).await;
    let mut session = fake.welcomed().await;
    session.say(json!({"type": "goodbye", "reason": "restart", "retry_after_ms": 1})).await;
    session.close(4000).await;
    let mut session = fake.welcomed().await;
    session.say(json!({"type": "goodbye", "reason": "signed_out", "message": "signed out elsewhere"})).await;
    session.close(4202).await;
    let reason = until(&mut events, |event| {
        if let Event::Stopped { reason, sign_in: true } = event { Some(reason) } else { None }
    })
    .await;
    assert_eq!(reason, "signed out elsewhere");
    assert!(events.next().await.is_none());
    assert!(client.send(conversation(), "too late").await.is_err());
}

#[tokio::test]
async fn what_the_app_took_is_not_given_again_and_what_it_did_not_take_is() {
    let folder = tempfile::tempdir().unwrap();
    let state = || Box::new(FileState::new(&folder.path().join("state")));
    let mut fake = Fake::start(|path| page(path, 4)).await;
    let (first, mut events) = client(&fake.url, Box::new(MemoryOutbox::default()), state()).await;
    let mut session = fake.welcomed().await;
    for seq in 1..=3 {
        session.say(entry_frame(seq)).await;
    }
    assert_eq!(seqs(&mut events, 2).await, [1, 2]);
    drop(events);
    first.close().await;

    let (_second, mut events) = client(&fake.url, Box::new(MemoryOutbox::default()), state()).await;
    let mut session = fake.session().await;
    assert_eq!(session.hear().await["type"], "hello");
    assert_eq!(session.hear().await["token"], "t1");
    session.say(welcome()).await;
    let view = json!({
        "id": conversation(), "kind": "direct", "head": entry(4).mark(), "first": Position::new(1, 1),
        "time": entry(4).time, "unread": 4, "entries": [entry(4)],
        "cursor": {"delivered": entry(1).mark(), "read": {"position": Position::START, "ordinal": 0}},
    });
    session
        .say(
            json!({"type": "changes", "token": "t2", "more": false, "reset": false, "conversations": [view]}),
        )
        .await;
    assert_eq!(seqs(&mut events, 2).await, [3, 4]);
}

#[tokio::test]
async fn delivered_follows_what_the_app_took_and_read_what_it_says() {
    let mut fake = Fake::start(no_pages).await;
    let (client, mut events) = new_client(&fake.url).await;
    let mut session = fake.welcomed().await;
    session.say(entry_frame(1)).await;
    session.say(entry_frame(2)).await;
    assert_eq!(seqs(&mut events, 2).await, [1, 2]);
    let delivered = session.hear_cursor().await;
    assert_eq!((&delivered["type"], &delivered["position"]["seq"]), (&json!("delivered"), &json!(1)));
    client.read(conversation(), Position::new(1, 2));
    let read = session.hear_cursor().await;
    assert_eq!((&read["type"], &read["position"]["seq"]), (&json!("read"), &json!(2)));
}

#[tokio::test]
async fn an_app_that_does_not_read_its_events_can_still_send() {
    let mut fake = Fake::start(no_pages).await;
    let (client, mut events) = new_client(&fake.url).await;
    let mut session = fake.welcomed().await;
    for seq in 1..=2_000 {
        session.say(entry_frame(seq)).await;
    }
    let id = client.send(conversation(), "while the app is busy").await.unwrap();
    assert_eq!(session.hear().await["client_id"], json!(id));
    assert_eq!(seqs(&mut events, 2_000).await, (1..=2_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_message_is_lost_by_a_process_that_ends_before_its_app_took_the_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    for taken in [false, true] {
        let mut fake = Fake::start(no_pages).await;
        let outbox = Box::new(FileOutbox::new(&path));
        let (client, mut events) = client(&fake.url, outbox, Box::new(MemoryState::default())).await;
        // The second process sends what the first one was refused.
        if !taken {
            client.send(conversation(), "bad").await.unwrap();
        }
        let mut session = fake.welcomed().await;
        let bad = session.hear().await["client_id"].clone();
        session.say(refuse(&bad, "not_a_member")).await;
        until(&mut events, |event| matches!(event, Event::Rejected { .. }).then_some(())).await;
        if taken {
            session.say(entry_frame(1)).await;
            assert_eq!(seqs(&mut events, 1).await, [1]);
        }
        // A process that dies drops no events: to drop them is to take them.
        client.close().await;
        let kept = FileOutbox::new(&path).load().unwrap();
        assert_eq!(kept.len(), usize::from(!taken), "{kept:?}");
    }
}

/// Where a server answers each request like this, and reads no more.
async fn answering(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 4096]).await);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn why_a_server_lets_nobody_in_and_until_when_is_thrown_away() {
    let body = r#"{"error":{"code":"unavailable","message":"all seats are taken","retry_after_ms":90000}}"#;
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: ";
    let url = answering(format!("{head}{}\r\n\r\n{body}", body.len())).await;
    let refused = wire::Connection::open(&url).await.err().unwrap();
    assert!(refused.is(Code::Unavailable), "{refused}");
    assert_eq!(refused.retry_after_ms(), Some(90_000));
    let (_client, mut events) = new_client(&url).await;
    let told = until(&mut events, |event| match event {
        Event::Disconnected { retry_in_ms, reason } => Some((retry_in_ms, reason)),
        _ => None,
    });
    assert_eq!(told.await, (90_000, "all seats are taken".to_owned()));
}

#[tokio::test]
async fn a_page_of_something_on_the_way_is_taken_for_the_last_word_of_the_server() {
    let url = answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\n<html>".to_owned()).await;
    let refused = wire::Connection::open(&url).await.err().unwrap();
    assert!(matches!(refused, Error::Unreachable(_)) && refused.retryable(), "{refused}");
    assert!(refused.to_string().contains("403"), "{refused}");
}
