//! Laws of pages.

use std::sync::Arc;

use domain::{ConversationId, Entry, Position};

use super::{ANSWERS, Engine, appended, entry, group, log, user};
use crate::{ChatStore, Edge};

/// Fifty entries, over the start of an epoch.
async fn fifty(chat: &dyn ChatStore) -> Vec<Arc<Entry>> {
    let mut kept = appended(chat, group(1), Position::START, 20).await;
    let first = Arc::new(entry(group(1), Position::new(2, 21)));
    chat.append(group(1), Position::new(1, 20), vec![first.clone()]).await.expect(ANSWERS);
    kept.push(first);
    kept.extend(appended(chat, group(1), Position::new(2, 21), 29).await);
    kept
}

async fn walk(chat: &dyn ChatStore, mut edge: Edge, count_max: usize, bytes_max: usize) -> Vec<Arc<Entry>> {
    let mut walked: Vec<Arc<Entry>> = vec![];
    loop {
        let page = chat.page(group(1), edge, count_max, bytes_max).await.expect(ANSWERS);
        assert!(page.len() <= count_max);
        let Some(last) = page.last() else { return walked };
        edge = match edge {
            Edge::After(_) => Edge::After(last.position),
            Edge::Before(_) => Edge::Before(last.position),
        };
        walked.extend(page);
        assert!(walked.len() <= 50, "the same entries again");
    }
}

/// Somebody who scrolls would miss an entry, or see one twice.
pub async fn a_page_never_skips_or_repeats(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let kept = fifty(chat).await;
    let back: Vec<_> = kept.iter().rev().cloned().collect();
    for count_max in [1, 7, 20, 21, 50, 1_000, usize::MAX] {
        assert_eq!(walk(chat, Edge::After(Position::START), count_max, usize::MAX).await, kept);
        assert_eq!(walk(chat, Edge::Before(Position::END), count_max, usize::MAX).await, back);
    }
    for middle in 0..50 {
        let at = kept[middle].position;
        assert_eq!(walk(chat, Edge::After(at), 9, usize::MAX).await, kept[middle + 1..], "after {at}");
        assert_eq!(walk(chat, Edge::Before(at), 9, usize::MAX).await, back[50 - middle..], "before {at}");
    }
    let between = Position::new(1, 30);
    assert_eq!(
        walk(chat, Edge::After(between), 9, usize::MAX).await,
        kept[20..],
        "after a place without an entry"
    );
    assert_eq!(walk(chat, Edge::Before(between), 9, usize::MAX).await, back[30..]);
}

/// A page beyond its bounds would break a frame's, and a page of nothing would stop somebody for ever.
pub async fn a_page_never_holds_more_than_asked(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let kept = fifty(chat).await;
    let size = |entries: &[Arc<Entry>]| entries.iter().map(|entry| entry.size_bytes()).sum::<usize>();
    for held in [1, 2, 10] {
        for edge in [Edge::After(Position::START), Edge::Before(Position::END)] {
            let all = chat.page(group(1), edge, 50, usize::MAX).await.expect(ANSWERS);
            let room = size(&all[..held]);
            let exact = chat.page(group(1), edge, 50, room).await.expect(ANSWERS);
            assert_eq!(exact, all[..held], "{room} bytes are room for {held}");
            let less = chat.page(group(1), edge, 50, room - 1).await.expect(ANSWERS);
            assert_eq!(less, all[..(held - 1).max(1)], "one byte less is not, but the first is always given");
        }
    }
    assert_eq!(
        walk(chat, Edge::After(Position::START), 50, 0).await,
        kept,
        "whatever the bounds, all is reached"
    );
    assert_eq!(chat.page(group(1), Edge::After(Position::START), 0, 9).await.expect(ANSWERS), []);
}

/// Conversations whose keys are neighbours, one of which may even begin like another.
fn neighbours() -> Vec<ConversationId> {
    let direct = |low, high| ConversationId::direct(user(low), user(high));
    let mut all = vec![group(0), group(1), group(255), group(256), group(u16::MAX)];
    all.extend([direct(1, 1), direct(1, 2), direct(1, 255), direct(2, 2), ConversationId::Own(user(1))]);
    all.extend([
        ConversationId::Own(user(2)),
        ConversationId::Group([0; 16]),
        ConversationId::Group([255; 16]),
    ]);
    all
}

/// Somebody would read what they are not a member of.
pub async fn a_page_never_shows_another_conversation(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    for conversation in neighbours() {
        appended(chat, conversation, Position::START, 2).await;
    }
    for conversation in neighbours() {
        let own = log(chat, conversation).await;
        assert_eq!(own, super::entries(conversation, Position::START, 2), "{conversation}");
        let back = chat.page(conversation, Edge::Before(Position::END), 9, usize::MAX).await.expect(ANSWERS);
        assert_eq!(back, [own[1].clone(), own[0].clone()], "{conversation}");
    }
}

/// A walk over everything, which verifies or rebuilds what is derived, would leave a conversation out.
pub async fn a_list_of_conversations_never_skips_or_repeats(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    assert_eq!(chat.conversations(None, 5).await.expect(ANSWERS), []);
    let mut expected = neighbours();
    for conversation in &expected {
        appended(chat, *conversation, Position::START, 1).await;
        appended(chat, *conversation, Position::new(1, 1), 1).await;
    }
    expected.sort_by_key(ConversationId::to_key);
    for limit in [1, 2, 5, 100] {
        let (mut listed, mut after) = (vec![], None);
        loop {
            let page = chat.conversations(after, limit).await.expect(ANSWERS);
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(*last);
            listed.extend(page);
            assert!(listed.len() <= expected.len(), "the same conversations again");
        }
        assert_eq!(listed, expected, "{limit} at a time");
    }
}
