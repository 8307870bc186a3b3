//! The laws of this store as one suite that every engine passes: each law is a function, named after the failure it
//! prevents, that panics if the engine breaks it. [`group_store_laws!`](crate::group_store_laws) makes a test of each.

use domain::{ConversationId, Mark, Member, Position, Region, Role, Span, UserId};

use crate::{Group, GroupStore, Link, ProjectError};

/// Makes a test of each law. `$fresh` is an async function that gives a guard and an empty store; `$reopen` one that gives
/// a guard and an async closure, which opens the same store anew each time.
#[macro_export]
macro_rules! group_store_laws {
    (fresh: $fresh:path, reopen: $reopen:path) => {
        $crate::group_store_laws!(fresh: $fresh);

        #[tokio::test]
        async fn acked_rows_are_not_lost_by_a_restart() {
            let (_guard, open) = $reopen().await;
            $crate::suite::acked_rows_are_not_lost_by_a_restart(open).await;
        }
    };
    (fresh: $fresh:path) => {
        $crate::group_store_laws!(
            @each $fresh,
            a_row_does_not_come_back_changed,
            a_projection_from_elsewhere_writes_nothing,
            two_projections_from_one_position_do_not_mix,
            links_and_unlinks_do_no_harm_when_repeated,
            a_large_link_does_not_become_small,
            pages_of_members_miss_and_repeat_nobody,
            pages_of_links_miss_and_repeat_none,
        );
    };
    (@each $fresh:path, $($law:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $law() {
                let (_guard, store) = $fresh().await;
                $crate::suite::$law(&store).await;
            }
        )*
    };
}

const GROUP: ConversationId = ConversationId::Group([7; 16]);

fn user(n: u8) -> UserId {
    UserId::new(Region(1), [n; 15])
}

fn row(as_of: Position, name: &str) -> Group {
    Group { as_of, roster: as_of, name: name.into(), active: 3, admins: 1, history: true, large: true }
}

fn at(seq: u64) -> Position {
    Position::new(1, seq)
}

fn member(seq: u64) -> Member {
    Member {
        role: Some(Role::Member),
        joined: Mark::new(at(seq), seq / 2),
        spans: vec![Span { from: at(seq), to: None }],
    }
}

async fn row_of<S: GroupStore>(store: &S, conversation: ConversationId) -> Option<Group> {
    store.group(conversation).await.expect("the row is read")
}

async fn member_of<S: GroupStore>(store: &S, user: UserId) -> Option<Member> {
    store.member(GROUP, user).await.expect("the member is read")
}

async fn project<S: GroupStore>(store: &S, from: Position, group: Group, members: Vec<(UserId, Member)>) {
    store.project(GROUP, from, group, members).await.expect("the projection is taken");
}

async fn links_of<S: GroupStore>(store: &S, user: UserId) -> Vec<Link> {
    store.links(user, None, usize::MAX).await.expect("the links are read")
}

/// Law 1: what returned `Ok` is there after the store was closed and opened again.
pub async fn acked_rows_are_not_lost_by_a_restart<S: GroupStore>(open: impl AsyncFn() -> S) {
    {
        let store = open().await;
        project(&store, Position::START, row(at(4), "kept"), vec![(user(1), member(4))]).await;
        store.link(GROUP, &[user(1), user(2)], true).await.expect("the links are written");
        store.unlink(GROUP, &[user(2)]).await.expect("the link is deleted");
    }
    let store = open().await;
    assert_eq!(row_of(&store, GROUP).await, Some(row(at(4), "kept")));
    assert_eq!(member_of(&store, user(1)).await, Some(member(4)));
    assert_eq!(links_of(&store, user(1)).await, [Link { conversation: GROUP, large: true }]);
    assert_eq!(links_of(&store, user(2)).await, []);
}

/// Law 2: every field of a row and of a member is kept, absent ones too.
pub async fn a_row_does_not_come_back_changed<S: GroupStore>(store: &S) {
    assert_eq!(row_of(store, GROUP).await, None);
    assert_eq!(member_of(store, user(1)).await, None);
    let out = Member {
        role: None,
        joined: Mark::START,
        spans: vec![
            Span { from: Position::START, to: Some(at(3)) },
            Span { from: at(5), to: Some(Position::new(257, 9)) },
        ],
    };
    let admin = Member { role: Some(Role::Admin), spans: vec![], ..member(9) };
    let written = Group {
        as_of: Position::new(257, 1 << 52),
        roster: at(9),
        name: "\u{1F600} g".into(),
        active: 100_000,
        admins: 7,
        history: false,
        large: false,
    };
    let rows = vec![(user(1), out.clone()), (user(2), admin.clone()), (user(3), member(2))];
    project(store, Position::START, written.clone(), rows).await;
    assert_eq!(row_of(store, GROUP).await, Some(written));
    assert_eq!(member_of(store, user(1)).await, Some(out));
    assert_eq!(member_of(store, user(2)).await, Some(admin));
    assert_eq!(member_of(store, user(3)).await, Some(member(2)));
}

/// Law 3: a projection made from another position than the stored one is refused, and nothing of it is written.
pub async fn a_projection_from_elsewhere_writes_nothing<S: GroupStore>(store: &S) {
    let refused = store.project(GROUP, at(1), row(at(2), "early"), vec![(user(1), member(2))]).await;
    assert!(matches!(refused, Err(ProjectError::Conflict { as_of: Position::START })), "{refused:?}");
    assert_eq!(row_of(store, GROUP).await, None);

    project(store, Position::START, row(at(3), "taken"), vec![(user(2), member(3))]).await;
    for from in [Position::START, at(2), at(4), Position::new(2, 3)] {
        let refused = store
            .project(GROUP, from, row(at(9), "refused"), vec![(user(1), member(9)), (user(2), member(9))])
            .await;
        assert!(matches!(refused, Err(ProjectError::Conflict { as_of }) if as_of == at(3)), "{refused:?}");
    }
    assert_eq!(row_of(store, GROUP).await, Some(row(at(3), "taken")));
    assert_eq!(member_of(store, user(1)).await, None);
    assert_eq!(member_of(store, user(2)).await, Some(member(3)));

    project(store, at(3), row(at(9), "next"), vec![(user(2), member(9))]).await;
    assert_eq!(row_of(store, GROUP).await, Some(row(at(9), "next")));
    assert_eq!(member_of(store, user(2)).await, Some(member(9)));
}

/// Laws 2 and 3: of two projections at the same instant one is taken, with all of its members and none of the other's.
pub async fn two_projections_from_one_position_do_not_mix<S: GroupStore>(store: &S) {
    let mut from = Position::START;
    for round in 1..=20 {
        let (one, other) = (at(10 * round + 1), at(10 * round + 2));
        let attempt = |to: Position| {
            let members = (0..10).map(|n| (user(n), member(to.seq))).collect();
            store.project(GROUP, from, row(to, "raced"), members)
        };
        let (first, second) = tokio::join!(attempt(one), attempt(other));
        assert!(first.is_ok() != second.is_ok(), "one of two is taken: {first:?} {second:?}");
        let winner = if first.is_ok() { one } else { other };
        assert_eq!(row_of(store, GROUP).await, Some(row(winner, "raced")));
        let members = store.members(GROUP, None, 100).await.expect("the members are read");
        assert!(members.iter().all(|(_, kept)| *kept == member(winner.seq)), "the rows are the winner's");
        assert_eq!(members.len(), 10);
        from = winner;
    }
}

/// Law 4: linking and unlinking again, or what is not linked, changes nothing.
pub async fn links_and_unlinks_do_no_harm_when_repeated<S: GroupStore>(store: &S) {
    let small = Link { conversation: GROUP, large: false };
    for _ in 0..2 {
        store.link(GROUP, &[user(1), user(2), user(1)], false).await.expect("the links are written");
        assert_eq!(links_of(store, user(1)).await, [small]);
    }
    for _ in 0..2 {
        store.unlink(GROUP, &[user(1), user(3)]).await.expect("the link is deleted");
        assert_eq!(links_of(store, user(1)).await, []);
        assert_eq!(links_of(store, user(2)).await, [small]);
    }
    store.link(GROUP, &[], false).await.expect("nobody is linked");
    store.unlink(GROUP, &[]).await.expect("nobody is unlinked");
    store.link(GROUP, &[user(1)], false).await.expect("the link comes back");
    assert_eq!(links_of(store, user(1)).await, [small]);
}

/// `large` is kept once set, also when two links come at the same instant; an unlink ends it.
pub async fn a_large_link_does_not_become_small<S: GroupStore>(store: &S) {
    for n in 0..20 {
        let users = [user(n)];
        let (one, other) = tokio::join!(store.link(GROUP, &users, true), store.link(GROUP, &users, false));
        one.and(other).expect("the links are written");
        store.link(GROUP, &users, false).await.expect("the link is written");
        assert_eq!(links_of(store, user(n)).await, [Link { conversation: GROUP, large: true }]);
    }
    store.unlink(GROUP, &[user(0)]).await.expect("the link is deleted");
    store.link(GROUP, &[user(0)], false).await.expect("the link is written");
    assert_eq!(links_of(store, user(0)).await, [Link { conversation: GROUP, large: false }]);
    store.link(GROUP, &[user(0)], true).await.expect("the link is written");
    assert_eq!(links_of(store, user(0)).await, [Link { conversation: GROUP, large: true }]);
}

/// Pages of any size, one after the other, give every member of this group once, by id, and nobody else's.
pub async fn pages_of_members_miss_and_repeat_nobody<S: GroupStore>(store: &S) {
    let neighbours = [[6; 16], [8; 16]].map(ConversationId::Group);
    for id in neighbours {
        store
            .project(id, Position::START, row(at(1), "next door"), vec![(user(99), member(1))])
            .await
            .expect("the projection is taken");
    }
    let everyone: Vec<(UserId, Member)> = (0..=255).map(|n| (user(n), member(u64::from(n)))).collect();
    project(store, Position::START, row(at(1), "g"), everyone.clone()).await;
    for limit in [1, 7, 255, 256, 1_000] {
        let (mut read, mut after) = (vec![], None);
        loop {
            let page = store.members(GROUP, after, limit).await.expect("the page is read");
            assert!(page.len() <= limit && page.iter().all(|(user, _)| Some(*user) > after));
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            read.extend(page);
        }
        assert_eq!(read, everyone, "pages of {limit}");
    }
}

/// Pages of any size, one after the other, give every conversation of this user once, by key, and nobody else's.
pub async fn pages_of_links_miss_and_repeat_none<S: GroupStore>(store: &S) {
    let me = user(5);
    let mut mine = vec![ConversationId::Own(me), ConversationId::direct(me, me)];
    mine.extend((0..20).filter(|n| *n != 5).map(|n| ConversationId::direct(me, user(n))));
    mine.extend((0..20).map(|n| ConversationId::Group([n; 16])));
    for id in &mine {
        store.link(*id, &[user(4), me, user(6)], false).await.expect("the link is written");
    }
    mine.sort_by_key(ConversationId::to_key);
    for limit in [1, 7, 41, 1_000] {
        let (mut read, mut after) = (vec![], None);
        loop {
            let page = store.links(me, after, limit).await.expect("the page is read");
            assert!(page.len() <= limit && page.iter().all(|link| Some(link.conversation) > after));
            let Some(last) = page.last() else { break };
            after = Some(last.conversation);
            read.extend(page.into_iter().map(|link| link.conversation));
        }
        assert_eq!(read, mine, "pages of {limit}");
    }
}
