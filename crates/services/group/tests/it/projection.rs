//! Rows made of entries, in whatever portions and however often, are those of the whole log.

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::services::Groups;
use domain::content::{History, Left, Renamed, SetRole};
use domain::{Content, Entry, Member, Position, Role, UserId};
use proptest::prelude::*;
use proptest::sample::Index;
use service_group::projection::Projection;
use store_group::{Group, GroupStore};

use crate::world::{GROUP, World, created, joined, removed, user};

/// Entries as a log may hold them, allowed or not.
fn contents() -> impl Strategy<Value = Vec<(u32, Content)>> {
    let some = || prop::collection::vec(0u32..8, 1..4);
    let role = prop_oneof![Just(Role::Admin), Just(Role::Member)];
    let content = prop_oneof![
        4 => some().prop_map(joined),
        3 => some().prop_map(removed),
        2 => Just(Content::Left(Left {})),
        2 => (0u32..8, role).prop_map(|(n, role)| Content::Role(SetRole { user: user(n), role })),
        1 => any::<bool>().prop_map(|visible| Content::History(History { visible })),
        2 => Just(Content::message("hello")),
        1 => "[a-z]{1,3}".prop_map(|name| Content::Renamed(Renamed { name })),
    ];
    prop::collection::vec((0u32..8, content), 0..40)
}

fn log(world: &World, contents: &[(u32, Content)]) -> Vec<Arc<Entry>> {
    world.book.append(&created("first", 1..4));
    for (sender, content) in contents {
        world.book.append_by(GROUP, user(*sender), content);
    }
    world.book.log(GROUP)
}

/// The last name that the entries give.
fn name(entries: &[Arc<Entry>]) -> String {
    let renamed = |entry: &Arc<Entry>| match Content::parse(&entry.kind, entry.body.as_ref()?.as_str()) {
        Ok(Content::Renamed(renamed)) => Some(renamed.name),
        _ => None,
    };
    entries.iter().rev().find_map(renamed).unwrap_or_else(|| "first".into())
}

async fn rows(world: &World) -> (Option<Group>, Vec<(UserId, Member)>) {
    let members = world.rows.store.members(GROUP, None, usize::MAX).await.expect("the members are read");
    (world.rows.store.group(GROUP).await.expect("the row is read"), members)
}

proptest! {
    #[test]
    fn steps_of_any_size_lead_to_the_rows_of_the_whole_log(contents in contents(), members_max in 1usize..12) {
        let world = World::default();
        let entries = log(&world, &contents);
        let mut projection = Projection::initial(&GROUP);
        let (mut at, mut kept) = (Position::START, BTreeMap::new());
        let mut group = Group::default();
        for step in projection.advance(&entries, members_max) {
            prop_assert_eq!(step.from, at);
            prop_assert!(step.group.as_of > at);
            kept.extend(step.members);
            (at, group) = (step.group.as_of, step.group);
            let stored = Projection::from_rows(group.clone(), kept.clone().into_iter().collect());
            let mut whole = Projection::initial(&GROUP);
            whole.advance(&entries[..at.seq as usize], usize::MAX);
            prop_assert_eq!(stored, whole, "the rows between two steps are those of the log up to there");
        }
        prop_assert_eq!(&*projection.roster, &world.book.roster());
        prop_assert_eq!(projection.name.clone(), name(&entries));
        prop_assert_eq!(projection.group(), group);
        prop_assert_eq!(projection.advance(&entries, members_max), vec![]);
    }

    #[test]
    fn reports_that_come_twice_or_late_or_never_change_no_row(
        contents in contents(),
        reports in prop::collection::vec((any::<Index>(), any::<Index>(), any::<bool>()), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (world, tidy) = (World::default(), World::default());
            let (entries, all) = (log(&world, &contents), log(&tidy, &contents));
            let mut service = world.start();
            for (one, other, crash) in reports {
                let (one, other) = (one.index(entries.len()), other.index(entries.len()));
                world.report(&service, &entries[one.min(other)..=one.max(other)]).await;
                if crash {
                    service = world.start();
                }
            }
            world.report(&service, &entries).await;
            tidy.report(&tidy.start(), &all).await;
            let (group, members) = rows(&world).await;
            prop_assert_eq!((group.clone(), members.clone()), rows(&tidy).await);
            let kept = Projection::from_rows(group.unwrap(), members);
            prop_assert_eq!(&*kept.roster, &world.book.roster());
            prop_assert_eq!(kept.name, name(&entries));
            let roster = service.roster(GROUP, Position::START).await.unwrap();
            prop_assert_eq!(&*roster, &world.book.roster());
            Ok(())
        })?;
    }

    #[test]
    fn a_person_is_told_another_standing_than_the_log_says(contents in contents(), reported in any::<Index>(), asked in any::<Index>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::default();
            let (reported, since) = contents.split_at(reported.index(contents.len() + 1));
            world.report(&world.start(), &log(&world, reported)).await;
            for (sender, content) in since {
                world.book.append_by(GROUP, user(*sender), content);
            }
            let entries = world.book.log(GROUP);
            let asked = &entries[..=asked.index(entries.len())];
            let at_least = asked.iter().rev().find(|entry| entry.kind.is_membership()).unwrap().position;
            let (cold, warm, mut told) = (world.start(), world.start(), vec![]);
            for n in 0..20 {
                told.push(cold.standing(GROUP, user(n), at_least).await.unwrap());
            }
            let roster = warm.roster(GROUP, at_least).await.unwrap();
            for (n, told) in (0..20).zip(told) {
                let standing = warm.standing(GROUP, user(n), at_least).await.unwrap();
                prop_assert_eq!(standing.as_ref().map(|standing| &standing.member), roster.member(user(n)));
                prop_assert!(told.iter().all(|told| told.roster >= at_least));
                prop_assert_eq!(told, standing);
            }
            Ok(())
        })?;
    }
}
