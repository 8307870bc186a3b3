//! Laws of the change feed.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{Entry, Position};

use super::{ANSWERS, Engine, NOW_MS, Opened, appended, entries, group, log, reopened, soon};
use crate::Feed;

/// The whole feed from `from` on, `max` at a time. Asserts that no offset is left out.
async fn all(feed: &dyn Feed, mut from: u64, max: usize) -> Vec<Arc<Entry>> {
    let mut all = vec![];
    loop {
        let page = feed.read(from, max).await.expect(ANSWERS);
        assert!(page.len() <= max);
        if page.is_empty() {
            return all;
        }
        for (offset, entry) in page {
            assert_eq!(offset, from, "offsets are dense");
            from += 1;
            all.push(entry);
        }
    }
}

/// Four writers of two conversations each, at once: `rounds` appends of 1 to 3 entries to each.
async fn busy(opened: &Opened, rounds: u64) {
    let writers = (0..4u16).map(|writer| {
        let chat = opened.chat.clone();
        tokio::spawn(async move {
            let mut ends = BTreeMap::from([
                (group(writer * 2), Position::START),
                (group(writer * 2 + 1), Position::START),
            ]);
            for round in 0..rounds {
                for (conversation, end) in &mut ends {
                    let kept = appended(&*chat, *conversation, *end, 1 + round % 3).await;
                    *end = kept[kept.len() - 1].position;
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("an append does not panic");
    }
}

/// Asserts that `fed` holds the whole log of each conversation, in its order, and nothing else.
async fn holds_every_log(opened: &Opened, fed: &[Arc<Entry>]) {
    let mut logs = BTreeMap::<_, Vec<_>>::new();
    for entry in fed {
        logs.entry(entry.conversation).or_default().push(entry.clone());
    }
    for conversation in opened.chat.conversations(None, 100).await.expect(ANSWERS) {
        let fed = logs.remove(&conversation).unwrap_or_default();
        assert_eq!(fed, log(&*opened.chat, conversation).await, "{conversation}");
    }
    assert!(logs.is_empty(), "{logs:?}");
}

/// Whoever follows the feed would never hear of an entry, or hear of an edit before its message.
pub async fn an_offset_is_never_skipped_or_repeated(engine: impl Engine) {
    let opened = engine.open().await;
    let feed = opened.feed();
    assert_eq!((feed.newest(), feed.oldest().await.expect(ANSWERS)), (0, 1), "of an empty feed");
    assert_eq!(feed.read(0, 9).await.expect(ANSWERS), []);
    busy(&opened, 12).await;
    let fed = all(feed, 1, 7).await;
    assert_eq!((feed.newest(), feed.oldest().await.expect(ANSWERS)), (fed.len() as u64, 1));
    assert_eq!(all(feed, 1, 1_000).await, fed);
    assert_eq!(all(feed, 40, 1_000).await, fed[39..]);
    assert_eq!(all(feed, feed.newest() + 1, 9).await, []);
    assert_eq!(
        feed.read(0, 1).await.expect(ANSWERS),
        [(1, fed[0].clone())],
        "there is nothing before the first"
    );
    holds_every_log(&opened, &fed).await;
}

/// A push, a webhook or a search result would tell of what nobody sent.
pub async fn the_feed_never_holds_what_was_refused(engine: impl Engine) {
    let opened = engine.open().await;
    let kept = appended(&*opened.chat, group(1), Position::START, 2).await;
    for after in [Position::START, Position::new(1, 1), Position::new(1, 7)] {
        let refused = opened.chat.append(group(1), after, entries(group(1), after, 2)).await;
        assert!(refused.is_err(), "after {after}");
    }
    let more = appended(&*opened.chat, group(1), Position::new(1, 2), 1).await;
    assert_eq!(all(opened.feed(), 1, 9).await, [kept, more].concat());
    assert_eq!(opened.feed().newest(), 3);
}

/// A reader would act on what a crash takes back.
pub async fn the_feed_never_shows_what_is_beyond_its_newest(engine: impl Engine) {
    /// Of appends of 1, 2 and 3 entries, to eight conversations.
    const ROUNDS: u64 = 21;
    let opened = engine.open().await;
    let writing = opened.clone();
    let writer = tokio::spawn(async move { busy(&writing, ROUNDS).await });
    let (feed, mut from) = (opened.feed(), 1);
    while from <= ROUNDS * 2 * 8 {
        soon(feed.beyond(from - 1)).await;
        let before = feed.newest();
        let page = feed.read(from, 50).await.expect(ANSWERS);
        let last = page.last().map_or(0, |(offset, _)| *offset);
        assert!(last <= feed.newest(), "{last} was read, and the newest is {}", feed.newest());
        assert!(last >= before.min(from + 49), "{before} was there, and {last} was read");
        from = last + 1;
    }
    writer.await.expect("an append does not panic");
    holds_every_log(&opened, &all(feed, 1, 50).await).await;
}

/// A reader that sleeps through an append would sleep until the next one.
pub async fn a_feed_reader_is_never_left_waiting(engine: impl Engine) {
    let opened = engine.open().await;
    let feed = opened.feed.clone().expect("an engine under test of the feed has one");
    let mut after = Position::START;
    for round in 0..50 {
        let waiting = feed.clone();
        let waiter = tokio::spawn(async move { soon(waiting.beyond(round)).await });
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        after = appended(&*opened.chat, group(1), after, 1).await[0].position;
        waiter.await.expect("waiting does not panic");
        assert_eq!(feed.newest(), round + 1, "whoever appended sees it in the feed");
    }
    soon(feed.beyond(0)).await;
    soon(feed.beyond(49)).await;
}

/// Entries would be pushed again and again, or a reader's lag be hidden.
pub async fn a_feed_reader_never_goes_back(engine: impl Engine) {
    let opened = engine.open().await;
    let feed = opened.feed();
    assert_eq!(feed.position("push").await.expect(ANSWERS), 1);
    for (finished, position) in [(5, 5), (3, 5), (0, 5), (9, 9)] {
        feed.finish("push", finished).await.expect(ANSWERS);
        assert_eq!(feed.position("push").await.expect(ANSWERS), position, "after {finished}");
    }
    assert_eq!(feed.position("pus").await.expect(ANSWERS), 1, "every reader has its own");
    let opened = reopened(&engine, opened).await;
    assert_eq!(
        opened.feed().position("push").await.expect(ANSWERS),
        9,
        "a close in good order forgets nothing"
    );
    opened.feed().finish("push", 4).await.expect(ANSWERS);
    assert_eq!(opened.feed().position("push").await.expect(ANSWERS), 9);
}

/// A reader's stored offset would mean another entry after a restart.
pub async fn an_offset_never_goes_by_reopening(engine: impl Engine) {
    let opened = engine.open().await;
    busy(&opened, 4).await;
    let before = all(opened.feed(), 1, 50).await;
    let opened = reopened(&engine, opened).await;
    assert_eq!(opened.feed().newest(), before.len() as u64);
    let more = appended(&*opened.chat, group(99), Position::START, 2).await;
    assert_eq!(all(opened.feed(), 1, 50).await, [before, more].concat());
}

/// A feed of fifty entries, whose times are one millisecond apart.
async fn fifty(opened: &Opened) -> Vec<Arc<Entry>> {
    let mut kept = appended(&*opened.chat, group(1), Position::START, 20).await;
    kept.extend(appended(&*opened.chat, group(1), Position::new(1, 20), 30).await);
    kept
}

/// A reader that is only a little behind would have to rebuild.
pub async fn trimming_never_takes_what_is_young(engine: impl Engine) {
    let opened = engine.open().await;
    let feed = opened.feed();
    assert_eq!(feed.trim(u64::MAX, 9).await.expect(ANSWERS), 0, "of an empty feed");
    let kept = fifty(&opened).await;
    assert_eq!(feed.trim(NOW_MS, 1_000).await.expect(ANSWERS), 0, "all are younger");
    assert_eq!(feed.trim(NOW_MS + 31, 12).await.expect(ANSWERS), 12, "not more than asked");
    assert_eq!(feed.oldest().await.expect(ANSWERS), 13);
    assert_eq!(
        feed.trim(NOW_MS + 31, 1_000).await.expect(ANSWERS),
        18,
        "the rest of the thirty that are older"
    );
    assert_eq!(feed.trim(NOW_MS + 31, 1_000).await.expect(ANSWERS), 0);
    assert_eq!(feed.oldest().await.expect(ANSWERS), 31);
    assert_eq!(all(feed, 31, 50).await, kept[30..]);
    let late = feed.read(5, 2).await.expect(ANSWERS);
    assert_eq!(
        late,
        [(31, kept[30].clone()), (32, kept[31].clone())],
        "a late reader sees where it must go on"
    );
}

/// History would be lost by keeping the feed short.
pub async fn trimming_never_takes_an_entry_from_its_log(engine: impl Engine) {
    let opened = engine.open().await;
    let kept = fifty(&opened).await;
    opened.feed().trim(u64::MAX, 1_000).await.expect(ANSWERS);
    assert_eq!(log(&*opened.chat, group(1)).await, kept);
    let found = super::find(&*opened.chat, &super::identities(&kept)).await;
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), kept);
}

/// A reader's stored offset would hide as many new entries from it as were trimmed.
pub async fn trimming_never_frees_an_offset(engine: impl Engine) {
    let mut opened = engine.open().await;
    fifty(&opened).await;
    for round in 0..3 {
        while opened.feed().trim(u64::MAX, 20).await.expect(ANSWERS) > 0 {}
        opened = reopened(&engine, opened).await;
        assert_eq!(opened.feed().newest(), 50 + round);
        let next = appended(&*opened.chat, group(2), Position::new(u32::from(round > 0), round), 1).await;
        let fed = opened.feed().read(51 + round, 9).await.expect(ANSWERS);
        assert_eq!(fed, [(51 + round, next[0].clone())]);
    }
}
