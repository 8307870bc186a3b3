//! Offline and back: catching up by sync token, by pages, and after the token is worth nothing.

use std::collections::BTreeSet;

use client::http::Edge;
use domain::{Code, ConversationId, Position};
use protocol::frame::FromDevice;
use protocol::http::MoveCursor;
use verify::process::Ports;

use crate::support::{code, device, seqs, server, texts};

#[tokio::test]
async fn a_device_that_was_away_does_not_get_what_it_missed() {
    let server = server(&["messaging.cursor_flush_ms=50"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let (direct, group) = (ada.with(&bob), ada.group(&[&bob], false).await);
    let untouched = device(&server, "carol").await.group(&[&bob], false).await;
    let mut session = bob.connect().await;
    let first = session.sync(None).await;
    assert!(first[0].reset, "a new device gets the whole list");
    let listed: BTreeSet<ConversationId> = first[0].conversations.iter().map(|shown| shown.id).collect();
    assert_eq!(listed, BTreeSet::from([group, untouched]));
    let token = first[0].token.clone();
    session.connection.close().await.unwrap();

    for number in 0..7 {
        ada.post(direct, &format!("direct {number}")).await;
    }
    for number in 0..5 {
        ada.post(group, &format!("group {number}")).await;
    }
    let sync = FromDevice::Sync { token: Some(token) };
    let mut session = bob.connect_after(&[sync]).await;
    let changes = session.synced().await;
    assert_eq!(changes.len(), 1, "one round trip");
    let changes = &changes[0];
    assert!(!changes.reset && !changes.more);
    let ids: Vec<ConversationId> = changes.conversations.iter().map(|shown| shown.id).collect();
    assert_eq!(ids, [group, direct], "newest first, and only what changed");
    let [in_group, in_direct] = &changes.conversations[..] else { panic!("two conversations") };
    assert_eq!((in_group.unread, in_direct.unread), (5, 7));
    assert_eq!(in_direct.head.ordinal, 7);
    assert_eq!(texts(&in_direct.entries), (0..7).map(|n| format!("direct {n}")).collect::<Vec<_>>());
    assert_eq!(texts(&in_group.entries), (0..5).map(|n| format!("group {n}")).collect::<Vec<_>>());

    ada.post(direct, "live").await;
    assert_eq!(seqs(&session.hears(direct, "live").await), [8], "from here on it is told");
    session.read(direct, Position::new(1, 8)).await;
    let laptop = device(&server, "bob").await;
    crate::support::until("nothing unread", || async {
        laptop.http.conversation(direct).await.unwrap().unread == 0
    })
    .await;
    let after = session.sync(Some(changes.token.clone())).await;
    let ids: Vec<ConversationId> = after[0].conversations.iter().map(|shown| shown.id).collect();
    assert_eq!(ids, [direct], "what was got is not given again");
    let nothing = session.sync(Some(after[0].token.clone())).await;
    assert_eq!(nothing[0].conversations, []);
}

#[tokio::test]
async fn an_unknown_token_hides_conversations() {
    let mut server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let (direct, group) = (ada.with(&bob), ada.group(&[&bob], false).await);
    ada.post(direct, "hello").await;
    let whole = BTreeSet::from([direct, group]);
    let mut session = bob.connect().await;
    let good = session.sync(None).await.remove(0).token;
    for token in ["", "x", "AAAA", &"A".repeat(2_000)] {
        let changes = session.sync(Some(token.to_owned())).await;
        let ids: BTreeSet<ConversationId> = changes[0].conversations.iter().map(|shown| shown.id).collect();
        assert!(changes[0].reset && ids == whole, "{token}: {changes:?}");
    }
    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    let mut session = bob.connect().await;
    let changes = session.sync(Some(good)).await;
    let ids: BTreeSet<ConversationId> =
        changes.iter().flat_map(|c| &c.conversations).map(|shown| shown.id).collect();
    assert_eq!(ids, whole, "a token of an index that is gone");
    assert!(changes[0].reset);
    assert!(!session.sync(Some(changes[0].token.clone())).await[0].reset, "and the new one is good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_of_conversations_loses_some_between_its_pages() {
    const COUNT: usize = 130;
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let mut groups = vec![];
    for _ in 0..COUNT {
        groups.push(ada.group(&[&bob], false).await);
    }
    groups.reverse();
    let mut session = bob.connect().await;
    let changes = session.sync(None).await;
    assert!(changes.len() > 1, "it does not fit into one answer");
    let listed: Vec<ConversationId> =
        changes.iter().flat_map(|c| &c.conversations).map(|shown| shown.id).collect();
    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), groups.iter().collect(), "all of them");
    assert_eq!(listed.len(), COUNT, "each once");

    let token = changes.last().unwrap().token.clone();
    for group in groups.iter().rev() {
        ada.post(*group, "hello").await;
    }
    let changes = session.sync(Some(token)).await;
    let listed: Vec<ConversationId> =
        changes.iter().flat_map(|c| &c.conversations).map(|shown| shown.id).collect();
    assert_eq!(listed, groups, "newest first, each once");
    assert!(changes.iter().all(|c| !c.reset && c.conversations.iter().all(|shown| shown.unread == 1)));

    let (mut pages, mut page) = (vec![], None);
    loop {
        let answer = bob.http.conversations(page.as_deref()).await.unwrap();
        pages.extend(answer.conversations.into_iter().map(|shown| (shown.time, shown.id)));
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    assert!(pages.is_sorted_by_key(|(time, _)| std::cmp::Reverse(*time)), "newest first, by HTTP, too");
    assert_eq!(
        pages.iter().map(|(_, id)| id).collect::<BTreeSet<_>>(),
        groups.iter().collect(),
        "all of them"
    );
    assert_eq!(pages.len(), COUNT, "each once");
    assert_eq!(code(bob.http.conversations(Some("nonsense")).await), Code::BadRequest);
}

#[tokio::test]
async fn pages_of_history_skip_or_repeat_entries() {
    const COUNT: u64 = 57;
    let server = server(&["limits.page_entries_max=20"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    for number in 0..COUNT {
        ada.post(conversation, &format!("{number}")).await;
    }
    let all: Vec<u64> = (1..=COUNT).collect();
    let (mut forward, mut edge) = (vec![], Position::START);
    loop {
        let page = bob.http.entries(conversation, Edge::After(edge), Some(10)).await.unwrap();
        assert!(page.entries.len() <= 10 && page.as_of == Position::new(1, COUNT));
        forward.extend(seqs(&page.entries));
        assert_eq!(page.more, forward.len() < all.len());
        let Some(last) = page.entries.last().filter(|_| page.more) else { break };
        edge = last.position;
    }
    assert_eq!(forward, all);
    let (mut backward, mut edge) = (vec![], Position::new(u32::MAX, (1 << 53) - 1));
    loop {
        let page = bob.http.entries(conversation, Edge::Before(edge), Some(10)).await.unwrap();
        backward.splice(0..0, seqs(&page.entries));
        assert_eq!(page.more, backward.len() < all.len());
        let Some(first) = page.entries.first().filter(|_| page.more) else { break };
        edge = first.position;
    }
    assert_eq!(backward, all, "each page oldest first");
    let page = bob.http.entries(conversation, Edge::After(Position::START), Some(100_000)).await.unwrap();
    assert_eq!(page.entries.len(), 20, "no page is larger than the limit");
    let stranger = device(&server, "carol").await;
    assert_eq!(
        code(stranger.http.entries(conversation, Edge::After(Position::START), None).await),
        Code::NotFound
    );
    let nowhere = MoveCursor { delivered: None, read: Some(Position::new(1, COUNT + 1)) };
    assert_eq!(code(bob.http.move_cursor(conversation, &nowhere).await), Code::BadRequest, "past the head");
}

/// A page that ends because its bytes are full said that there is no more, and who paged forward stopped there.
#[tokio::test]
async fn a_page_that_is_full_of_bytes_is_taken_for_the_last() {
    const COUNT: u64 = 60;
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let text = "x".repeat(15_000);
    for _ in 0..COUNT {
        ada.post(conversation, &text).await;
    }
    let all: Vec<u64> = (1..=COUNT).collect();
    assert_eq!(seqs(&bob.history(conversation).await), all);
    let (mut backward, mut edge) = (vec![], Position::new(1, COUNT + 1));
    loop {
        let page = bob.http.entries(conversation, Edge::Before(edge), None).await.unwrap();
        assert!((2..COUNT as usize).contains(&page.entries.len()), "{}", page.entries.len());
        backward.splice(0..0, seqs(&page.entries));
        if !page.more {
            break;
        }
        edge = page.entries[0].position;
    }
    assert_eq!(backward, all);
}
