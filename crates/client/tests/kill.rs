//! A process that dies keeps its promise: what `send` returned for is sent by the next one, as the same messages.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use connect_chat_client::storage::{FileOutbox, MemoryState};
use serde_json::{Value, json};
use support::{Fake, client, conversation};

const FOLDER: &str = "OUTBOX_OF_THE_CHILD";

/// Not a test by itself: the process that is killed. It queues messages for ever and prints each id.
#[tokio::test]
async fn child_that_queues_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let outbox = FileOutbox::new(&Path::new(&folder).join("outbox"));
    // Nobody listens there.
    let (client, _events) =
        client("http://127.0.0.1:1", Box::new(outbox), Box::new(MemoryState::default())).await;
    for n in 0.. {
        let id = client.send(conversation(), &format!("message {n}")).await.unwrap();
        println!("queued {id}");
    }
}

#[tokio::test]
async fn what_was_queued_survives_a_kill_and_is_sent_in_order_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_queues_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let queued: Vec<String> =
        lines.filter_map(|line| line.split("queued ").nth(1).map(str::to_owned)).take(20).collect();
    child.kill().unwrap();
    child.wait().unwrap();

    let mut fake = Fake::start(|path| panic!("nothing was to be fetched: {path}")).await;
    let outbox = FileOutbox::new(&folder.path().join("outbox"));
    let (client, _events) = client(&fake.url, Box::new(outbox), Box::new(MemoryState::default())).await;
    let waiting = client.outbox().await.unwrap().into_iter().map(|queued| queued.client_id.to_string());
    assert_eq!(waiting.take(queued.len()).collect::<Vec<_>>(), queued, "it can be shown before it is sent");
    let mut session = fake.welcomed().await;
    let mut before = Value::Null;
    for (n, id) in queued.iter().enumerate() {
        let sent = session.hear().await;
        assert_eq!(sent["client_id"], json!(id), "message {n}");
        assert_eq!(sent["body"]["text"], json!(format!("message {n}")));
        assert_eq!(sent["after"], before, "message {n} names the one before it");
        before = sent["client_id"].clone();
    }
}
