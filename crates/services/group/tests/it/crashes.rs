//! What a crash, a lost store or another process leaves behind is made good by the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contracts::services::Groups;
use domain::content::Renamed;
use domain::{Content, Position};
use store_group::GroupStore;

use crate::world::{GROUP, World, created, joined, removed, user, users};

#[tokio::test]
async fn a_crash_between_append_and_projection_is_not_seen() {
    let world = World::default();
    world.submit(&world.start(), &created("old", 1..4)).await;
    world.book.append(&removed([1]));
    let renamed = world.book.append(&Content::Renamed(Renamed { name: "new".into() }));

    let restarted = world.start();
    assert!(world.as_of().await < renamed.position);
    let roster = restarted.roster(GROUP, renamed.position).await.unwrap();
    assert_eq!(*roster, world.book.roster());
    assert_eq!(restarted.info(GROUP).await.unwrap().name, "new");
    assert_eq!(world.as_of().await, renamed.position);
}

#[tokio::test]
async fn what_is_known_already_is_not_taken_for_the_newest() {
    let world = World::default();
    let service = world.start();
    world.submit(&service, &created("g", 1..4)).await;
    let entry = world.book.append(&joined([9]));
    assert_eq!(service.roster(GROUP, Position::START).await.unwrap().active, 4);
    assert_eq!(service.roster(GROUP, entry.position).await.unwrap().active, 5);
    let another = world.book.append(&joined([10]));
    assert_eq!(service.info(GROUP).await.unwrap().active, 6);
    let (members, as_of) = service.members(GROUP, None, 100).await.unwrap();
    assert_eq!((members.len(), as_of), (6, another.position));
}

#[tokio::test]
async fn a_projection_that_a_crash_skipped_is_not_skipped_for_ever() {
    let world = World::default();
    world.submit(&world.start(), &created("g", 1..4)).await;
    world.book.append(&removed([1]));
    world.submit(&world.start(), &joined([9])).await;
    let roster = world.start().roster(GROUP, Position::START).await.unwrap();
    assert_eq!(*roster, world.book.roster());
}

#[tokio::test]
async fn wiping_the_rows_loses_nothing() {
    let world = World::default();
    let service = world.start();
    let mut newest = world.submit(&service, &created("kept", 1..70)).await;
    for content in [joined([80]), removed([1, 2]), joined([2])] {
        newest = world.submit(&service, &content).await;
    }
    let info = service.info(GROUP).await.unwrap();
    let members = service.members(GROUP, None, 1_000).await.unwrap();

    world.rows.store.wipe();
    let restarted = world.start();
    assert_eq!(restarted.info(GROUP).await.unwrap(), info);
    assert_eq!(restarted.members(GROUP, None, 1_000).await.unwrap(), members);
    assert_eq!(*restarted.roster(GROUP, newest.position).await.unwrap(), world.book.roster());
    assert_eq!(world.as_of().await, newest.position);

    restarted.relink(GROUP).await.unwrap();
    assert_eq!(restarted.conversations(user(80), None, 10).await.unwrap(), [(GROUP, true)]);
    assert!(world.is_listed(&restarted, 2).await && !world.is_listed(&restarted, 1).await);
}

#[tokio::test]
async fn a_service_that_outlives_its_rows_writes_them_again() {
    let world = World::default();
    let service = world.start();
    world.submit(&service, &created("g", 1..4)).await;
    world.rows.store.wipe();
    let newest = world.submit(&service, &joined([9])).await;
    assert_eq!(world.as_of().await, newest.position);
    assert_eq!(*world.start().roster(GROUP, Position::START).await.unwrap(), world.book.roster());
}

#[tokio::test]
async fn rows_that_cannot_be_written_do_not_stop_readers() {
    let world = World::default();
    let service = world.start();
    world.submit(&service, &created("g", 1..4)).await;
    world.rows.stuck.store(true, Ordering::Relaxed);
    let entry = world.book.append(&joined([9]));
    assert!(service.roster(GROUP, entry.position).await.unwrap().is_active(user(9)));
    let refused = service.applied(&[Arc::clone(&entry)], Arc::new(world.book.roster())).await;
    assert!(refused.is_err_and(|error| error.retryable()), "who appended is told to try again");

    world.rows.stuck.store(false, Ordering::Relaxed);
    world.report(&service, &[Arc::clone(&entry)]).await;
    assert_eq!(world.as_of().await, entry.position);
    assert!(world.rows.store.member(GROUP, user(9)).await.unwrap().is_some());
}

#[tokio::test]
async fn another_process_that_projects_the_same_group_is_no_trouble() {
    let world = World::default();
    let (one, other) = (world.start(), world.start());
    world.submit(&one, &created("g", 1..4)).await;
    for n in 10..20 {
        let (here, there) = if n % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let entry = world.book.append(&joined([n]));
        let report = [Arc::clone(&entry)];
        tokio::join!(world.report(here, &report), world.report(there, &report));
        assert_eq!(world.as_of().await, entry.position);
        assert_eq!(*there.roster(GROUP, entry.position).await.unwrap(), world.book.roster());
    }
    assert_eq!(*world.start().roster(GROUP, Position::START).await.unwrap(), world.book.roster());
}

#[tokio::test]
async fn rows_that_move_on_during_a_load_are_not_mixed() {
    let world = World::default();
    let before = world.submit(&world.start(), &created("g", 1..4)).await.position;
    let after = world.book.append(&removed([1]));
    let (rows, newest) = (Arc::clone(&world.rows), world.book.roster());
    let mut group = rows.store.group(GROUP).await.unwrap().unwrap();
    (group.as_of, group.roster, group.active) = (after.position, after.position, newest.active);
    *world.rows.before_page.lock().unwrap() = Some(Box::new(move || {
        let member = (user(1), newest.members[&user(1)].clone());
        let write = rows.store.project(GROUP, before, group, vec![member]);
        ready(write).unwrap();
    }));
    let roster = world.start().roster(GROUP, before).await.unwrap();
    assert_eq!(*roster, world.book.roster());
}

/// Runs a future that is ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("rows in memory never wait"),
    }
}

#[tokio::test]
async fn a_roster_newer_than_the_log_is_an_error_and_not_an_old_one() {
    let world = World::default();
    let service = world.start();
    let entry = world.submit(&service, &created("g", 1..4)).await;
    let refused = service.roster(GROUP, Position::new(1, entry.position.seq + 1)).await;
    assert!(refused.is_err_and(|error| error.retryable()));
    assert_eq!(service.roster(GROUP, entry.position).await.unwrap().active, users(0..4).len());
}
