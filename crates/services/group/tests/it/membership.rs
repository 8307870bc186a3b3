//! Who is listed where, what a group is called, and what no group is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contracts::services::Groups;
use domain::content::{Left, SetRole};
use domain::{Content, ConversationId, Position, Role};

use crate::world::{GROUP, World, created, joined, removed, user};

#[tokio::test]
async fn a_removed_person_does_not_keep_the_conversation_in_their_list() {
    let world = World::default();
    let service = world.start();
    world.submit(&service, &created("g", 1..4)).await;
    assert!(world.is_listed(&service, 1).await && world.is_listed(&service, 2).await);
    world.submit(&service, &removed([1])).await;
    let left = world.book.append_by(GROUP, user(2), &Content::Left(Left {}));
    world.report(&service, &[left]).await;
    let listed = [0, 1, 2, 3].map(|n| world.is_listed(&service, n));
    let [creator, removed, left, other] = listed;
    assert!(creator.await && !removed.await && !left.await && other.await);
}

#[tokio::test]
async fn an_unlink_that_a_crash_skipped_is_not_skipped_for_ever() {
    let world = World::default();
    world.submit(&world.start(), &created("g", 1..4)).await;
    let entry = world.book.append(&removed([1]));
    let restarted = world.start();
    restarted.roster(GROUP, entry.position).await.unwrap();
    assert!(world.is_listed(&restarted, 1).await);
    world.report(&restarted, &[entry]).await;
    assert!(!world.is_listed(&restarted, 1).await);
}

#[tokio::test]
async fn who_came_back_is_not_unlisted_by_an_old_entry_that_runs_again() {
    let world = World::default();
    let service = world.start();
    world.submit(&service, &created("g", 1..4)).await;
    let out = world.submit(&service, &removed([1])).await;
    let roster_then = Arc::new(world.book.roster());
    world.submit(&service, &joined([1])).await;

    world.report(&service, &[Arc::clone(&out)]).await;
    assert!(world.is_listed(&service, 1).await);
    for service in [service, world.start()] {
        service.applied(&[Arc::clone(&out)], Arc::clone(&roster_then)).await.unwrap();
        assert!(world.is_listed(&service, 1).await, "an old roster does not decide");
    }
}

#[tokio::test]
async fn a_read_does_not_unlist_who_is_about_to_be_let_in() {
    let world = World::default();
    world.submit(&world.start(), &created("g", 1..4)).await;
    let out = world.book.append(&removed([1]));
    let restarted = world.start();
    restarted.link(GROUP, &[user(1)], false).await.unwrap();
    restarted.roster(GROUP, out.position).await.unwrap();
    restarted.members(GROUP, None, 10).await.unwrap();
    restarted.relink(GROUP).await.unwrap();
    assert!(world.is_listed(&restarted, 1).await);
}

#[tokio::test]
async fn a_large_group_is_not_listed_as_a_small_one_again() {
    let world = World::default();
    let service = world.start();
    service.link(GROUP, &[user(1)], true).await.unwrap();
    service.link(GROUP, &[user(1)], false).await.unwrap();
    assert_eq!(service.conversations(user(1), None, 10).await.unwrap(), [(GROUP, true)]);
}

#[tokio::test]
async fn a_page_of_members_does_not_hold_who_left_or_hide_a_role() {
    let world = World::default();
    let service = world.start();
    world.submit(&service, &created("g", 1..6)).await;
    world.submit(&service, &removed([2])).await;
    let role = Content::Role(SetRole { user: user(4), role: Role::Admin });
    let newest = world.submit(&service, &role).await;
    let (mut read, mut after) = (vec![], None);
    loop {
        let (page, as_of) = service.members(GROUP, after, 2).await.unwrap();
        assert_eq!(as_of, newest.position);
        let Some((last, _, _)) = page.last() else { break };
        after = Some(*last);
        read.extend(page);
    }
    let roles: Vec<_> = read.iter().map(|(user, role, _)| (*user, *role)).collect();
    let (admin, member) = (Role::Admin, Role::Member);
    let expected = [(0, admin), (1, member), (3, member), (4, admin), (5, member)];
    assert_eq!(roles, expected.map(|(n, role)| (user(n), role)));
    assert!(read.iter().all(|(_, _, joined)| joined.position == Position::new(1, 1)));
}

#[tokio::test]
async fn two_people_and_one_alone_cost_no_store() {
    let world = World::default();
    let service = world.start();
    let direct = ConversationId::direct(user(1), user(2));
    for (conversation, active) in [(direct, 2), (ConversationId::Own(user(1)), 1)] {
        let message = world.book.append_by(conversation, user(1), &Content::message("hello"));
        let roster = service.roster(conversation, Position::START).await.unwrap();
        assert_eq!(roster.active, active);
        service.applied(&[message], roster).await.unwrap();
        let info = service.info(conversation).await.unwrap();
        assert_eq!((info.name.as_str(), info.active, info.history), ("", active, true));
        assert_eq!(service.members(conversation, None, 10).await.unwrap().0.len(), active);
    }
    assert_eq!(world.rows.calls.load(Ordering::Relaxed), 0);
    service.relink(direct).await.unwrap();
    assert_eq!(service.conversations(user(2), None, 10).await.unwrap(), [(direct, false)]);
    service.relink(ConversationId::direct(user(1), user(3))).await.unwrap();
    assert_eq!(service.conversations(user(3), None, 10).await.unwrap(), [], "it has no entry yet");
}

#[tokio::test]
async fn a_group_that_is_not_there_has_nobody_in_it() {
    let world = World::default();
    let service = world.start();
    assert_eq!(service.info(GROUP).await.unwrap().active, 0);
    assert_eq!(service.members(GROUP, None, 10).await.unwrap(), (vec![], Position::START));
    assert_eq!(service.roster(GROUP, Position::START).await.unwrap().active, 0);
}
