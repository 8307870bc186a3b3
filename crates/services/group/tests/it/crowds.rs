//! Groups as large as they may be.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contracts::services::Groups;
use domain::{Member, Position, Role, UserId};
use service_group::Config;
use store_group::{Group, GroupStore};
use tokio::task::JoinSet;

use crate::world::{GROUP, World, created, joined, user};

const CROWD: u32 = 100_000;

/// A group of 100,000 in the log, as it grows by requests of 1,000.
fn gather(world: &World) {
    world.book.append(&created("crowd", 1..1_000));
    for thousand in 1..CROWD / 1_000 {
        world.book.append(&joined(1_000 * thousand..1_000 * (thousand + 1)));
    }
}

async fn rows(world: &World) -> (Group, Vec<(UserId, Member)>) {
    let group = world.rows.store.group(GROUP).await.expect("the row is read");
    let members = world.rows.store.members(GROUP, None, usize::MAX).await.expect("the members are read");
    (group.expect("there is a row"), members)
}

#[tokio::test]
async fn a_crowd_that_lost_its_rows_is_made_again_and_loaded_again() {
    let world = World::default();
    gather(&world);
    let expected = world.book.roster();
    let made = world.start().roster(GROUP, expected.position).await.unwrap();
    assert_eq!(*made, expected);
    let (group, members) = rows(&world).await;
    assert_eq!((group.active, group.admins, members.len()), (100_000, 1, 100_000));

    let restarted = world.start();
    let loaded = restarted.roster(GROUP, Position::START).await.unwrap();
    assert_eq!(*loaded, expected);
    let (page, _) = restarted.members(GROUP, Some(user(CROWD - 3)), 10).await.unwrap();
    let last: Vec<_> = page.into_iter().map(|(user, role, _)| (user, role)).collect();
    assert_eq!(last, [CROWD - 2, CROWD - 1].map(|n| (user(n), Role::Member)));
}

#[tokio::test]
async fn a_crowd_is_not_loaded_once_for_each_who_waits() {
    let world = World::default();
    gather(&world);
    let position = world.book.roster().position;
    world.start().roster(GROUP, position).await.unwrap();

    world.rows.pages.store(0, Ordering::Relaxed);
    let restarted = world.start();
    let mut waiting = JoinSet::new();
    for _ in 0..50 {
        let service = restarted.clone();
        waiting.spawn(async move { service.roster(GROUP, position).await });
    }
    let rosters = waiting.join_all().await;
    assert!(rosters.iter().all(|roster| roster.as_ref().unwrap().active == 100_000));
    assert_eq!(world.rows.pages.load(Ordering::Relaxed), 101, "a hundred pages and one that is empty");
}

#[tokio::test]
async fn a_catch_up_is_not_read_from_the_log_by_each_who_waits() {
    let world = World::default();
    let service = world.start();
    world.submit(&service, &created("g", 1..4)).await;
    let entry = world.book.append(&joined([9]));
    world.book.reads.store(0, Ordering::Relaxed);
    let mut waiting = JoinSet::new();
    for _ in 0..50 {
        let (service, position) = (service.clone(), entry.position);
        waiting.spawn(async move { service.roster(GROUP, position).await });
    }
    assert!(waiting.join_all().await.iter().all(|roster| roster.as_ref().unwrap().active == 5));
    assert_eq!(world.book.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_group_too_large_to_remember_is_still_answered_for() {
    let world = World::default();
    let service = world.start_with(&Config { cached_members_max: 0 });
    world.submit(&service, &created("g", 1..70)).await;
    let newest = world.submit(&service, &joined([80])).await;
    let unapplied = world.book.append(&joined([81]));
    assert_eq!(service.roster(GROUP, newest.position).await.unwrap().active, 71);
    assert_eq!(service.roster(GROUP, unapplied.position).await.unwrap().active, 72);
    assert_eq!(service.info(GROUP).await.unwrap().active, 72);
    let roster = Arc::new(world.book.roster());
    service.applied(&[unapplied], roster).await.unwrap();
}

#[tokio::test]
async fn one_person_who_resumes_brings_everybody_in_their_groups_into_memory() {
    let world = World::default();
    let newest = world.submit(&world.start(), &created("g", 1..1_000)).await;
    let restarted = world.start();
    let before = world.rows.calls.load(Ordering::Relaxed);
    let standing = restarted.standing(GROUP, user(7), newest.position).await.unwrap().unwrap();
    assert_eq!((standing.group.active, standing.roster), (1_000, newest.position));
    assert_eq!(world.rows.calls.load(Ordering::Relaxed) - before, 2, "the group's row and theirs");
    assert_eq!(restarted.standing(GROUP, user(7_000), newest.position).await.unwrap(), None);
}
