//! Two people with two devices each.

use std::collections::BTreeSet;

use domain::{Cursor, Position, Timestamp};
use protocol::frame::FromServer;
use protocol::http::MoveCursor;

use crate::support::{Session, acks, device, find, message, pushed, seqs, server, texts};

const EACH: usize = 25;

/// Sends without waiting, each naming the one before.
async fn burst(session: &mut Session, conversation: domain::ConversationId, name: &str) {
    let mut after = None;
    for number in 0..EACH {
        let client_id = session.device.client_id();
        session.send(&message(conversation, client_id, &format!("{name} {number}"), after)).await;
        after = Some(client_id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_lost_doubled_or_out_of_order_on_some_device() {
    let server = server(&[]).await;
    let mut sessions = vec![];
    for (person, name) in [("ada", "phone"), ("ada", "laptop"), ("bob", "phone"), ("bob", "laptop")] {
        sessions.push((device(&server, person).await.connect().await, format!("{person} {name}")));
    }
    let conversation = sessions[0].0.device.with(&sessions[2].0.device);
    let sending = sessions.iter_mut().map(|(session, name)| burst(session, conversation, name));
    futures_util::future::join_all(sending).await;

    let all = 4 * EACH;
    for (session, name) in &mut sessions {
        let whole = |heard: &[FromServer]| {
            (pushed(heard, conversation).len() + acks(heard, conversation).len() >= all).then_some(())
        };
        session.wait("everything", whole).await;
        session.ping().await;
        let entries = pushed(&session.heard, conversation);
        let acks = acks(&session.heard, conversation);
        assert_eq!((entries.len(), acks.len()), (all - EACH, EACH), "{name}: each once");
        assert!(
            entries.iter().all(|entry| entry.device != session.device.tokens.device),
            "{name} is told of its own"
        );
        assert!(entries.is_sorted_by_key(|entry| entry.position), "{name}: {:?}", seqs(&entries));
        assert!(acks.is_sorted_by_key(|ack| ack.position), "{name}");
        let places: BTreeSet<u64> =
            seqs(&entries).into_iter().chain(acks.iter().map(|ack| ack.position.seq)).collect();
        assert_eq!(places, (1..=all as u64).collect(), "{name}: without a hole");
    }
    let log = sessions[0].0.device.history(conversation).await;
    assert_eq!(seqs(&log), (1..=all as u64).collect::<Vec<_>>());
    for (_, name) in &sessions {
        let said: Vec<String> =
            texts(&log).into_iter().filter(|text| text.starts_with(name.as_str())).collect();
        assert_eq!(
            said,
            (0..EACH).map(|number| format!("{name} {number}")).collect::<Vec<_>>(),
            "as it was sent"
        );
    }
    assert!(log.is_sorted_by_key(|entry| entry.time), "times never go back");
    assert!(log.iter().all(|entry| entry.time > Timestamp::default()));
}

#[tokio::test]
async fn a_cursor_stays_on_the_device_that_moved_it_or_goes_back() {
    let server = server(&["messaging.cursor_flush_ms=50"]).await;
    let (ada, ada_laptop) = (device(&server, "ada").await, device(&server, "ada").await);
    let (bob, bob_laptop) = (device(&server, "bob").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let (mut ada, mut ada_laptop) = (ada.connect().await, ada_laptop.connect().await);
    let (mut bob, mut bob_laptop) = (bob.connect().await, bob_laptop.connect().await);
    for text in ["one", "two", "three"] {
        ada.say(conversation, text).await;
    }
    let (third, bob_id) = (Position::new(1, 3), bob.device.user());
    bob.hears(conversation, "three").await;
    bob.delivered(conversation, third).await;
    bob.read(conversation, third).await;
    for session in [&mut ada, &mut ada_laptop, &mut bob_laptop] {
        let moved = session.told_read(conversation, bob_id, third).await;
        assert_eq!(moved.cursor.delivered.position, third, "who has read has it");
        assert_eq!(moved.cursor.read.ordinal, 3);
    }
    let own = ada_laptop.told_read(conversation, ada.device.user(), third).await;
    assert_eq!(own.cursor.read.position, third, "one's own messages are read");

    bob_laptop.read(conversation, Position::new(1, 1)).await;
    let back = MoveCursor { delivered: None, read: Some(Position::new(1, 2)) };
    let merged = bob.device.http.move_cursor(conversation, &back).await.unwrap();
    assert_eq!(merged.read.position, third, "cursors only grow");
    // Another move that is told shows that the ones before it were judged.
    bob.say(conversation, "four").await;
    ada.told_read(conversation, bob_id, Position::new(1, 4)).await;
    let of_bob = |frame: &FromServer| match frame {
        FromServer::Cursor(moved) if moved.user == bob_id => Some(moved.cursor),
        _ => None,
    };
    let told: Vec<Cursor> = ada.heard.iter().filter_map(of_bob).collect();
    assert!(told.is_sorted_by_key(|cursor| cursor.read), "nobody sees it go back: {told:?}");
    for of in [&ada.device, &bob.device] {
        let cursors = of.http.cursors(conversation).await.unwrap().cursors;
        let read = cursors.iter().find(|of| of.user == bob_id).unwrap().cursor.read;
        assert_eq!(read.position, Position::new(1, 4));
    }
}

#[tokio::test]
async fn sending_marks_unread_messages_before_it_as_read() {
    let server = server(&["messaging.cursor_flush_ms=50"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let (mut ada, mut bob) = (ada.connect().await, bob.connect().await);
    ada.say(conversation, "have you read this?").await;
    bob.say(conversation, "blind").await;
    // The cursors were judged in the order they were asked for, so bob's were once a later one of his is told.
    bob.delivered(conversation, Position::new(1, 2)).await;
    let told = |frame: &FromServer| match frame {
        FromServer::Cursor(moved)
            if moved.user == bob.device.user() && moved.cursor.delivered.position.seq == 2 =>
        {
            Some(moved.cursor)
        }
        _ => None,
    };
    let cursor = ada.wait("bob's cursor", |heard| find(heard, told)).await;
    assert_eq!(cursor.read.position, Position::START, "bob has not read what ada said");
    let shown = bob.device.http.conversation(conversation).await.unwrap();
    assert_eq!(shown.unread, 2);
}

#[tokio::test]
async fn a_note_to_oneself_is_lost() {
    let server = server(&[]).await;
    let (phone, laptop) = (device(&server, "ada").await, device(&server, "ada").await);
    let conversation = phone.with(&phone);
    let (mut phone, mut laptop) = (phone.connect().await, laptop.connect().await);
    let sent = phone.say(conversation, "milk").await;
    let entries = laptop.hears(conversation, "milk").await;
    assert_eq!(seqs(&entries), [1]);
    assert_eq!(entries[0].position, sent.position);
    phone.ping().await;
    assert_eq!(pushed(&phone.heard, conversation), []);
}

#[tokio::test]
async fn a_message_overtakes_the_one_that_it_follows() {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let mut ada = ada.connect().await;
    let (first, second) = (ada.device.client_id(), ada.device.client_id());
    ada.send(&message(conversation, second, "second", Some(first))).await;
    let refused = ada.outcome(second).await.unwrap_err();
    assert_eq!(refused.code, domain::Code::OutOfOrder);
    assert!(refused.code.retryable());
    ada.send(&message(conversation, first, "first", None)).await;
    ada.send(&message(conversation, second, "second", Some(first))).await;
    ada.nth_outcome(second, 1).await.unwrap();
    assert_eq!(texts(&bob.history(conversation).await), ["first", "second"]);
}
