//! Very many devices that come back in one moment.

use std::collections::BTreeMap;

use domain::ConversationId;
use futures_util::future::join_all;
use protocol::frame::FromDevice;
use verify::process::Ports;

use crate::support::{Device, Session, connected, device, people, pushed, server, soon};

const PEOPLE: usize = 250;
const DEVICES: usize = 4;
const GROUPS: usize = 10;
const MESSAGES: usize = 3;

async fn tokens(sessions: Vec<Session>) -> Vec<(Device, String)> {
    let token = |mut session: Session| async move {
        let token = session.sync(None).await.last().unwrap().token.clone();
        session.connection.close().await.unwrap();
        (session.device, token)
    };
    join_all(sessions.into_iter().map(token)).await
}

/// All at once: the resume follows the hello unawaited.
async fn resumed(devices: Vec<(Device, String)>) -> Vec<(Session, BTreeMap<ConversationId, u64>)> {
    let resume = |(device, token): (Device, String)| async move {
        let mut session = device.connect_after(&[FromDevice::Sync { token: Some(token) }]).await;
        let changes = session.synced().await;
        let shown = changes.into_iter().flat_map(|changes| changes.conversations);
        (session, shown.map(|shown| (shown.id, shown.head.position.seq)).collect())
    };
    soon("every resume", join_all(devices.into_iter().map(resume))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_devices_that_come_back_at_once_are_turned_away_or_miss_something() {
    let mut server = server(&[]).await;
    let admin = device(&server, "admin").await;
    let mut devices = vec![];
    for _ in 0..DEVICES {
        devices.extend(people(&server, "person", PEOPLE).await);
    }
    let mut groups = vec![];
    for number in 0..GROUPS {
        let members: Vec<&Device> = devices[..PEOPLE].iter().skip(number).step_by(GROUPS).collect();
        groups.push(admin.group(&members, false).await);
    }
    let away = tokens(connected(&devices).await).await;
    for group in &groups {
        for number in 0..MESSAGES {
            admin.post(*group, &format!("{number}")).await;
        }
    }
    let mut back = resumed(away).await;
    assert_eq!(back.len(), PEOPLE * DEVICES);
    for (index, (_, heads)) in back.iter().enumerate() {
        let group = groups[index % PEOPLE % GROUPS];
        assert_eq!(heads, &BTreeMap::from([(group, 1 + MESSAGES as u64)]), "device {index}");
    }
    for group in &groups {
        admin.post(*group, "live").await;
    }
    for (index, (session, _)) in back.iter_mut().enumerate() {
        let group = groups[index % PEOPLE % GROUPS];
        session.hears(group, "live").await;
        assert_eq!(pushed(&session.heard, group).len(), 1);
    }

    // The same after the process died: no token is good any more, and all of them reset at once.
    let again = back.into_iter().map(|(session, _)| (session.device, "void".to_owned())).collect();
    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    let back = resumed(again).await;
    for (index, (_, heads)) in back.iter().enumerate() {
        let group = groups[index % PEOPLE % GROUPS];
        assert_eq!(heads, &BTreeMap::from([(group, 2 + MESSAGES as u64)]), "device {index}");
    }
}
