//! `verify --repair`: every kind of derived row is damaged, found, and mended from the logs; no log is touched.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod world;

use std::sync::Arc;

use domain::{ConversationId, Cursor, Entry, Head, Mark, Position};
use node::{audit, repair};
use store_group::Group;
use store_offline::Missed;

use world::{World, user};

/// Damages a sound store, sees it found, mends it, and sees everything as before.
async fn mends(what: &str, damage: impl AsyncFnOnce(&World)) {
    let world = World::new().await;
    let sound = audit(&world.stores).await.unwrap();
    assert_eq!((sound.violations, sound.told, sound.entries), (0, vec![], 12), "{what}");
    let logs = world.logs().await;

    damage(&world).await;
    let found = audit(&world.stores).await.unwrap();
    assert!(found.violations > 0, "{what} is not found");
    assert_eq!(
        audit(&world.stores).await.unwrap().violations,
        found.violations,
        "{what}: looking changes nothing"
    );

    let mended = repair(&world.stores).await.unwrap();
    assert_eq!((mended.violations, mended.told), (0, vec![]), "{what} is not mended");
    assert!(mended.mended > 0 && !mended.mends.is_empty(), "{what}: it says what it mended");
    assert_eq!(world.logs().await, logs, "{what}: a log was touched");
    let again = repair(&world.stores).await.unwrap();
    assert_eq!((again.violations, again.mended, again.mends), (0, 0, vec![]), "{what} is mended for good");
}

fn head(position: Position, ordinal: u64) -> Head {
    Head { position, ordinal, ..Head::default() }
}

#[tokio::test]
async fn a_head_that_is_lost_or_wrong_stays_so() {
    mends("a lost head", async |world| world.set_head(world.direct, None).await).await;
    mends("a head that fell back", async |world| {
        world.set_head(world.direct, Some(head(Position::new(1, 2), 2))).await;
    })
    .await;
    mends("a head past the end", async |world| {
        world.set_head(world.group, Some(head(Position::new(1, 90), 90))).await;
    })
    .await;
    mends("a head of no log", async |world| {
        world.set_head(ConversationId::Own(user(3)), Some(head(Position::new(1, 1), 1))).await;
    })
    .await;
    mends("a head that cannot be read", async |world| {
        world.spoil("chat.heads", &world.direct.to_key()).await
    })
    .await;
}

#[tokio::test]
async fn an_identity_that_is_lost_or_wrong_stays_so() {
    mends("a lost identity", async |world| {
        let entry = world.entry(world.direct, 3).await;
        world.delete("chat.identities", &entry.identity().to_key()).await;
    })
    .await;
    mends("an identity that leads elsewhere", async |world| {
        let entry = world.entry(world.direct, 3).await;
        let elsewhere = Entry { position: Position::new(1, 1), ..Entry::clone(&entry) };
        world.stores.derived.set_identities(&[Arc::new(elsewhere)]).await.unwrap();
    })
    .await;
    mends("an identity that cannot be read", async |world| {
        let entry = world.entry(world.group, 2).await;
        world.spoil("chat.identities", &entry.identity().to_key()).await;
    })
    .await;
}

#[tokio::test]
async fn a_groups_rows_that_are_wrong_stay_so() {
    let project = async |world: &World, change: fn(&mut Group)| {
        let (store, id) = (&world.stores.group, world.group);
        let (mut group, members) =
            (store.group(id).await.unwrap().unwrap(), store.members(id, None, 9).await.unwrap());
        change(&mut group);
        store.forget(id).await.unwrap();
        store.project(id, Position::START, group, members).await.unwrap();
    };
    mends("a wrong count", async |world| project(world, |group| group.admins = 2).await).await;
    mends("a wrong name", async |world| project(world, |group| group.name = "other".to_owned()).await).await;
    mends("rows ahead of the log", async |world| {
        project(world, |group| group.as_of = Position::new(1, 99)).await;
    })
    .await;
    mends("a member too few", async |world| {
        let key = [world.group.to_key(), user(2).as_bytes().to_vec()].concat();
        world.delete("members", &key).await;
    })
    .await;
    mends("a group's row that cannot be read", async |world| {
        world.spoil("groups", &world.group.to_key()).await
    })
    .await;
    mends("a member's row that cannot be read", async |world| {
        let key = [world.group.to_key(), user(2).as_bytes().to_vec()].concat();
        world.spoil("members", &key).await;
    })
    .await;
}

#[tokio::test]
async fn a_conversation_that_is_listed_for_nobody_stays_so() {
    for conversation in [|world: &World| world.direct, |world: &World| world.group] {
        mends("a lost link", async |world| {
            world.stores.group.unlink(conversation(world), &[user(1), user(2)]).await.unwrap();
        })
        .await;
    }
    mends("a link that cannot be read", async |world| {
        let key = [user(1).as_bytes().to_vec(), world.direct.to_key()].concat();
        world.spoil("links", &key).await;
    })
    .await;
}

#[tokio::test]
async fn a_cursor_past_the_head_stays_there() {
    mends("a cursor past the head", async |world| {
        let far = Cursor::read_up_to(Mark::new(Position::new(1, 70), 70));
        world.stores.derived.set_cursor(world.direct, user(2), far).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_feed_that_lacks_something_or_tells_of_nothing_stays_so() {
    for forget in [vec![3], vec![12], vec![2, 3, 11], (1..=12).collect()] {
        mends("a feed with a hole", async |world| {
            world.stores.derived.retell(&forget, &[]).await.unwrap();
        })
        .await;
    }
    mends("a record of nothing", async |world| {
        let entry = world.entry(world.direct, 3).await;
        let void = Entry { position: Position::new(1, 50), ..Entry::clone(&entry) };
        world.stores.derived.retell(&[], &[Arc::new(void)]).await.unwrap();
    })
    .await;
    mends("a record that comes twice", async |world| {
        let entry = world.entry(world.direct, 3).await;
        world.stores.derived.retell(&[], &[entry]).await.unwrap();
    })
    .await;
    mends("a record that cannot be read", async |world| world.spoil("chat.feed", &4u64.to_be_bytes()).await)
        .await;
}

#[tokio::test]
async fn what_nobody_could_miss_is_shown_as_missed() {
    mends("a row past the head", async |world| {
        let as_of = Mark::new(Position::new(1, 70), 70);
        let row = Missed { conversation: world.direct, delivered: Mark::START, as_of, time: world.time(1) };
        world.stores.offline.note(vec![(user(2), row)]).await.unwrap();
    })
    .await;
    mends("a row that cannot be read", async |world| {
        let key = [user(1).as_bytes().to_vec(), world.direct.to_key()].concat();
        world.spoil("missed", &key).await;
    })
    .await;
}

#[tokio::test]
async fn a_log_that_is_damaged_is_written_over() {
    let world = World::new().await;
    let entry = world.entry(world.direct, 3).await;
    world.delete("chat.entries", &[world.direct.to_key(), entry.position.to_key().to_vec()].concat()).await;
    world.set_head(world.direct, None).await;
    let logs = world.logs().await;
    let left = repair(&world.stores).await.unwrap();
    assert!(left.told.iter().any(|told| told.contains("not dense")), "{:?}", left.told);
    assert_eq!(world.logs().await, logs);
    assert_eq!(world.stores.chat.head(world.direct).await.unwrap(), None, "nothing is made of a broken log");
}
