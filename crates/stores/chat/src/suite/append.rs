//! Laws of appending: fenced, dense, whole.

use std::sync::Arc;

use domain::{Entry, Kind, Position};

use super::{ANSWERS, Engine, appended, entries, entry, find, group, head, identities, log};
use crate::{AppendError, ChatStore};

async fn refused(chat: &dyn ChatStore, after: Position, entries: Vec<Arc<Entry>>) -> Option<domain::Head> {
    match chat.append(group(1), after, entries).await {
        Err(AppendError::Conflict { head }) => head,
        other => panic!("not a conflict: {other:?}"),
    }
}

/// Two workers that both believe to hold a conversation would write two logs.
pub async fn an_append_after_another_position_writes_nothing(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let ahead = entries(group(1), Position::new(1, 5), 2);
    assert_eq!(refused(chat, Position::new(1, 5), ahead.clone()).await, None, "of an empty log");
    assert_eq!(head(chat, group(1)).await, None);
    let kept = appended(chat, group(1), Position::START, 3).await;
    let end = kept[2].head();
    for after in [Position::START, Position::new(1, 2), Position::new(1, 4), Position::new(2, 3)] {
        let mut strangers = entries(group(1), after, 2);
        for stranger in &mut strangers {
            Arc::make_mut(stranger).client_id = domain::ClientId::new(7, [9; 10]);
        }
        assert_eq!(refused(chat, after, strangers.clone()).await, Some(end), "after {after}");
        assert_eq!(find(chat, &identities(&strangers)).await, [None, None], "after {after}");
    }
    assert_eq!(log(chat, group(1)).await, kept);
    assert_eq!(head(chat, group(1)).await, Some(end));
    assert_eq!(chat.entry(group(1), ahead[0].position).await.expect(ANSWERS), None);
}

/// One log would fork, and one of two people who were both told `sent` would lose theirs.
pub async fn two_appends_at_once_never_both_happen(engine: impl Engine) {
    const WRITERS: u8 = 8;
    let opened = engine.open().await;
    let mut after = Position::START;
    for _ in 0..5 {
        let writers = (0..WRITERS).map(|n| {
            let (chat, mut entries) = (opened.chat.clone(), entries(group(1), after, 2));
            entries.iter_mut().for_each(|entry| Arc::make_mut(entry).sender = super::user(n));
            tokio::spawn(async move {
                let outcome = chat.append(group(1), after, entries.clone()).await;
                (outcome, entries)
            })
        });
        let mut kept = vec![];
        for writer in writers.collect::<Vec<_>>() {
            match writer.await.expect("an append does not panic") {
                (Ok(()), entries) => kept.push(entries),
                (Err(AppendError::Conflict { .. }), _) => {}
                (Err(error), _) => panic!("{error}"),
            }
        }
        assert_eq!(kept.len(), 1, "exactly one follows {after}");
        let log = log(&*opened.chat, group(1)).await;
        assert_eq!(log[after.seq as usize..], kept[0], "it is the one that was told so");
        after = kept[0][1].position;
    }
}

/// A worker that died before it heard the answer would store everything twice.
pub async fn a_retried_append_is_never_stored_twice(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let kept = appended(chat, group(1), Position::START, 3).await;
    let end = kept[2].head();
    assert_eq!(refused(chat, Position::START, kept.clone()).await, Some(end));
    let more = appended(chat, group(1), end.position, 2).await;
    assert_eq!(refused(chat, end.position, more.clone()).await, Some(more[1].head()));
    assert_eq!(log(chat, group(1)).await, [kept, more].concat());
}

/// A hole in a log would hold up every device for ever.
pub async fn a_gap_is_never_appended(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let kept = appended(chat, group(1), Position::START, 2).await;
    let at = |epoch, seq| Arc::new(entry(group(1), Position::new(epoch, seq)));
    let broken: [(&str, Vec<Arc<Entry>>); 8] = [
        ("nothing", vec![]),
        ("a gap before the first", vec![at(1, 4)]),
        ("the head again", vec![at(1, 2)]),
        ("a gap between", vec![at(1, 3), at(1, 5)]),
        ("one twice", vec![at(1, 3), at(1, 3)]),
        ("an earlier epoch", vec![at(0, 3)]),
        ("an earlier epoch within", vec![at(2, 3), at(1, 4)]),
        ("another conversation", vec![at(1, 3), Arc::new(entry(group(2), Position::new(1, 4)))]),
    ];
    for (what, entries) in broken {
        let outcome = chat.append(group(1), Position::new(1, 2), entries).await;
        let lasting = matches!(&outcome, Err(AppendError::Store(error)) if !error.retryable());
        assert!(lasting, "{what}: {outcome:?}");
    }
    assert_eq!(log(chat, group(1)).await, kept);
    assert_eq!(log(chat, group(2)).await, []);
}

/// A reader between two halves would number, page or deduplicate by a log that never was.
pub async fn half_an_append_is_never_seen(engine: impl Engine) {
    const WHOLE: u64 = 10;
    const APPENDS: u64 = 30;
    let opened = engine.open().await;
    let writing = opened.chat.clone();
    let writer = tokio::spawn(async move {
        for n in 0..APPENDS {
            let after = if n == 0 { Position::START } else { Position::new(1, n * WHOLE) };
            appended(&*writing, group(1), after, WHOLE).await;
        }
    });
    let (chat, mut seen, mut over) = (&*opened.chat, 0, false);
    while !over {
        over = writer.is_finished();
        let end = head(chat, group(1)).await.map_or(0, |head| head.position.seq);
        let held = log(chat, group(1)).await.len() as u64;
        assert!(
            end.is_multiple_of(WHOLE) && held.is_multiple_of(WHOLE),
            "the head is {end}, and {held} are there"
        );
        assert!(seen <= end && end <= held, "what was seen stays: {seen}, {end}, {held}");
        let next = entries(group(1), Position::new(1, held), WHOLE);
        let found = find(chat, &identities(&next)).await;
        let since = find(chat, &identities(&next)).await;
        assert!(found[0].is_none() || since.iter().all(Option::is_some), "identities come with each other");
        let end = head(chat, group(1)).await.map_or(0, |head| head.position.seq);
        assert!(found[0].is_none() || end > held, "identities come with their head");
        seen = held;
    }
    writer.await.expect("an append does not panic");
    assert_eq!(seen, APPENDS * WHOLE);
}

/// A conversation could not be handed over to another region.
pub async fn an_append_in_a_later_epoch_is_never_refused(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let mut kept = appended(chat, group(1), Position::START, 3).await;
    let after = Position::new(1, 3);
    let across: Vec<_> = [(1, 4), (258, 5), (258, 6)]
        .map(|(epoch, seq)| Arc::new(entry(group(1), Position::new(epoch, seq))))
        .into();
    chat.append(group(1), after, across.clone()).await.expect(ANSWERS);
    kept.extend(across);
    kept.extend(appended(chat, group(1), Position::new(258, 6), 2).await);
    assert_eq!(log(chat, group(1)).await, kept);
    assert_eq!(head(chat, group(1)).await, Some(kept[7].head()));
}

/// Every conversation has its own head, and equal submissions to two of them are two.
pub async fn an_append_never_touches_another_conversation(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let one = appended(chat, group(1), Position::START, 2).await;
    let two = appended(chat, group(2), Position::START, 3).await;
    assert_eq!(head(chat, group(1)).await, Some(one[1].head()));
    assert_eq!(log(chat, group(1)).await, one);
    assert_eq!(log(chat, group(2)).await, two);
    let found = find(chat, &[one[0].identity(), two[0].identity()]).await;
    assert_eq!(found, [Some(one[0].clone()), Some(two[0].clone())]);
    assert!(one.iter().all(|entry| entry.kind == Kind::Message));
}
