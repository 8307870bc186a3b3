//! What a person missed while no device of theirs was connected.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use domain::{ConversationId, Position};
use protocol::http::MoveCursor;
use verify::process::Ports;

use crate::support::{Device, device, message, server, until};

/// How many messages were missed where, and in all.
async fn missed(device: &Device) -> (BTreeMap<ConversationId, u64>, u64) {
    let list = device.http.missed().await.unwrap();
    assert!(list.missed.is_sorted_by_key(|row| Reverse(row.time)), "newest first: {list:?}");
    (list.missed.iter().map(|row| (row.conversation, row.messages)).collect(), list.badge)
}

fn rows<const N: usize>(rows: [(ConversationId, u64); N]) -> (BTreeMap<ConversationId, u64>, u64) {
    (BTreeMap::from(rows), rows.iter().map(|(_, messages)| messages).sum())
}

#[tokio::test]
async fn what_was_missed_is_lost_with_the_process_or_stays_for_ever() {
    let mut server = server(&["messaging.cursor_flush_ms=50"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let (direct, group) = (ada.with(&bob), ada.group(&[&bob], false).await);
    assert_eq!(missed(&bob).await, rows([]), "being in a group is not a message");
    for text in ["one", "two", "three"] {
        ada.post(direct, text).await;
    }
    let last = (ada.post(group, "four").await, ada.post(group, "five").await).1;
    let whole = rows([(group, 2), (direct, 3)]);
    assert_eq!(missed(&bob).await, whole);
    until("one's own messages are not missed", || async { missed(&ada).await == rows([]) }).await;
    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    assert_eq!(missed(&bob).await, whole, "right after the process died");
    assert_eq!(missed(&ada).await, rows([]));

    let here = MoveCursor { delivered: Some(last), read: None };
    bob.http.move_cursor(group, &here).await.unwrap();
    until("the group's are cleared", || async { missed(&bob).await == rows([(direct, 3)]) }).await;
    let mut session = bob.connect().await;
    session.read(direct, Position::new(1, 2)).await;
    until("all but one are cleared", || async { missed(&bob).await == rows([(direct, 1)]) }).await;
    session.delivered(direct, Position::new(1, 3)).await;
    until("nothing is left", || async { missed(&bob).await == rows([]) }).await;
    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    assert_eq!(missed(&bob).await, rows([]), "what was cleared does not come back");
    ada.post(direct, "six").await;
    assert_eq!(missed(&bob).await, rows([(direct, 1)]));
}

#[tokio::test]
async fn what_was_not_acked_by_a_device_before_it_went_is_not_missed() {
    let server = server(&["messaging.cursor_flush_ms=50"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let direct = ada.with(&bob);
    let mut session = bob.connect().await;
    ada.post(direct, "on its way").await;
    session.hears(direct, "on its way").await;
    session.connection.close().await.unwrap();
    until("it counts as missed", || async { missed(&bob).await == rows([(direct, 1)]) }).await;
}

#[tokio::test]
async fn a_member_who_is_out_goes_on_missing_what_is_said() {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let group = ada.group(&[&bob], false).await;
    ada.post(group, "seen by bob").await;
    ada.http.remove(group, &[bob.user()], ada.client_id()).await.unwrap();
    ada.post(group, "not for bob").await;
    assert_eq!(missed(&bob).await, rows([]), "who is out misses nothing any more");
}

/// Conversations that something is said in at once.
const MANY: usize = 40;

/// The process dies when Notification has noted a part of what is under way and has not said so. What it noted says when
/// the newest message came, also where something that is no message came later.
#[tokio::test]
async fn a_kill_between_what_is_noted_and_what_is_committed_loses_what_was_missed() {
    let folder = tempfile::tempdir().unwrap();
    let now = folder.path().join("now");
    let once = format!("faults.kill_once={}", now.display());
    let mut server = server(&["faults.kill_at=before_feed_commit", &once]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let mut groups = vec![];
    for _ in 0..MANY {
        groups.push(ada.group(&[&bob], false).await);
    }
    let mut session = ada.connect().await;
    std::fs::write(&now, "").unwrap();
    for group in &groups {
        // It may be gone by now.
        let frame = message(*group, ada.client_id(), "missed", None);
        drop(session.connection.send(&frame).await);
    }
    server.ended().await.unwrap();
    std::fs::remove_file(&now).unwrap();
    server.restart(Ports::Same).await.unwrap();

    let (mut due, mut times) = (BTreeMap::new(), BTreeMap::new());
    for group in groups {
        if let Some(message) = ada.history(group).await.iter().find(|entry| entry.kind.is_message()) {
            ada.http.rename(group, "renamed", ada.client_id()).await.unwrap();
            due.insert(group, 1);
            times.insert(group, message.time);
        }
    }
    assert!(!times.is_empty(), "nothing was stored before the kill");
    let badge = times.len() as u64;
    assert_eq!(missed(&bob).await, (due, badge));
    let told = bob.http.missed().await.unwrap().missed;
    assert_eq!(told.iter().map(|row| (row.conversation, row.time)).collect::<BTreeMap<_, _>>(), times);
}

/// Cursors are gathered for a while before they are stored; what a person said is theirs before that, and after a crash.
#[tokio::test]
async fn ones_own_message_is_missed_by_oneself() {
    let mut server = server(&["messaging.cursor_flush_ms=60000"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let direct = ada.with(&bob);
    for number in 0..150 {
        ada.post(direct, &format!("message {number}")).await;
    }
    assert_eq!(missed(&ada).await, rows([]));
    assert_eq!(missed(&bob).await, rows([(direct, 150)]));
    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    assert_eq!(missed(&ada).await, rows([]), "right after the process died");
    assert_eq!(ada.http.conversation(direct).await.unwrap().unread, 0);
}
