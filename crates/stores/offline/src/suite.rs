//! The laws of this store as one suite that every engine passes: each law is a function, named after the failure it
//! prevents, that panics if the engine breaks it. [`offline_store_laws!`](crate::offline_store_laws) makes a test of each.

use domain::{ConversationId, Mark, Position, Region, Timestamp, UserId};

use crate::{Missed, OfflineStore, ROWS_MAX};

/// Makes a test of each law. `$fresh` is an async function that gives a guard and an empty store; `$reopen` one that gives
/// a guard and an async closure, which opens the same store anew each time.
///
/// An engine that may forget at a restart, since all of this is derived, leaves `reopen` out.
#[macro_export]
macro_rules! offline_store_laws {
    (fresh: $fresh:path, reopen: $reopen:path) => {
        $crate::offline_store_laws!(fresh: $fresh);

        #[tokio::test]
        async fn what_was_cleared_does_not_come_back_after_a_restart() {
            let (_guard, open) = $reopen().await;
            $crate::suite::what_was_cleared_does_not_come_back_after_a_restart(open).await;
        }
    };
    (fresh: $fresh:path) => {
        $crate::offline_store_laws!(
            @each $fresh,
            an_older_note_does_not_replace_a_newer_one,
            what_was_cleared_does_not_come_back,
            a_clear_does_not_take_what_came_after_it,
            notes_and_clears_at_the_same_instant_lose_nothing,
            a_person_is_not_shown_what_another_missed,
            the_newest_are_not_hidden_behind_the_oldest,
            rows_do_not_pile_up,
            cleared_rows_do_not_push_out_missed_ones,
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

fn group(n: usize) -> ConversationId {
    let mut bytes = [1; 16];
    bytes[1..9].copy_from_slice(&n.to_be_bytes());
    ConversationId::Group(bytes)
}

fn mark(seq: u64) -> Mark {
    Mark::new(Position::new(1, seq), seq / 2)
}

fn missed(conversation: ConversationId, delivered: u64, as_of: u64) -> Missed {
    let time = Timestamp::from_unix_ms(1_000 + as_of);
    Missed { conversation, delivered: mark(delivered), as_of: mark(as_of), time }
}

async fn note<S: OfflineStore>(store: &S, who: UserId, row: Missed) {
    store.note(vec![(who, row)]).await.expect("the row is noted");
}

async fn clear<S: OfflineStore>(store: &S, who: UserId, conversation: ConversationId, seq: u64) {
    store.clear(vec![(who, conversation, mark(seq))]).await.expect("the row is cleared");
}

async fn shown<S: OfflineStore>(store: &S, who: UserId) -> Vec<Missed> {
    store.missed(who, usize::MAX).await.expect("the rows are read")
}

/// Law 2 across a restart, for an engine that keeps its rows.
pub async fn what_was_cleared_does_not_come_back_after_a_restart<S: OfflineStore>(open: impl AsyncFn() -> S) {
    {
        let store = open().await;
        note(&store, user(1), missed(GROUP, 2, 9)).await;
        note(&store, user(2), missed(GROUP, 2, 9)).await;
        clear(&store, user(1), GROUP, 9).await;
    }
    let store = open().await;
    note(&store, user(1), missed(GROUP, 2, 9)).await;
    assert_eq!(shown(&store, user(1)).await, []);
    assert_eq!(shown(&store, user(2)).await, [missed(GROUP, 2, 9)]);
}

/// Law 1: whatever the order and number of the notes, the latest stays, with the furthest delivered mark.
pub async fn an_older_note_does_not_replace_a_newer_one<S: OfflineStore>(store: &S) {
    note(store, user(1), missed(GROUP, 4, 20)).await;
    for row in [missed(GROUP, 2, 9), missed(GROUP, 4, 20), missed(GROUP, 5, 19)] {
        note(store, user(1), row).await;
    }
    assert_eq!(shown(store, user(1)).await, [missed(GROUP, 5, 20)]);
    let both = vec![(user(2), missed(GROUP, 2, 30)), (user(2), missed(GROUP, 4, 20))];
    store.note(both).await.expect("the rows are noted");
    assert_eq!(shown(store, user(2)).await, [missed(GROUP, 4, 30)]);
    assert_eq!(shown(store, user(2)).await[0].messages(), 13);
}

/// Law 2: a note at or before a cleared mark changes nothing, nor does one of which nothing is missed.
pub async fn what_was_cleared_does_not_come_back<S: OfflineStore>(store: &S) {
    note(store, user(1), missed(GROUP, 9, 9)).await;
    assert_eq!(shown(store, user(1)).await, []);
    note(store, user(1), missed(GROUP, 2, 9)).await;
    clear(store, user(1), GROUP, 9).await;
    for as_of in [3, 9] {
        note(store, user(1), missed(GROUP, 2, as_of)).await;
        assert_eq!(shown(store, user(1)).await, []);
    }
    clear(store, user(1), GROUP, 4).await;
    note(store, user(1), missed(GROUP, 2, 11)).await;
    assert_eq!(shown(store, user(1)).await, [missed(GROUP, 9, 11)]);
}

/// A clear up to a mark leaves what is after it; one where nothing was noted does no harm.
pub async fn a_clear_does_not_take_what_came_after_it<S: OfflineStore>(store: &S) {
    clear(store, user(1), GROUP, 5).await;
    note(store, user(1), missed(GROUP, 2, 9)).await;
    for _ in 0..2 {
        clear(store, user(1), GROUP, 8).await;
        assert_eq!(shown(store, user(1)).await, [missed(GROUP, 8, 9)]);
    }
    store.clear(vec![]).await.expect("nothing is cleared");
    store.note(vec![]).await.expect("nothing is noted");
}

/// Laws 1 and 2, when notes and clears of one row race: the furthest of each mark stays.
pub async fn notes_and_clears_at_the_same_instant_lose_nothing<S: OfflineStore>(store: &S) {
    for n in 0..20 {
        let (here, base) = (user(n), missed(GROUP, 1, 5));
        note(store, here, base).await;
        let (first, second, third) = tokio::join!(
            store.note(vec![(here, missed(GROUP, 1, 30))]),
            store.clear(vec![(here, GROUP, mark(20))]),
            store.note(vec![(here, missed(GROUP, 1, 29))]),
        );
        first.and(second).and(third).expect("the rows are written");
        assert_eq!(shown(store, here).await, [missed(GROUP, 20, 30)]);
    }
}

/// A row is of one person and one conversation.
pub async fn a_person_is_not_shown_what_another_missed<S: OfflineStore>(store: &S) {
    let direct = ConversationId::direct(user(1), user(2));
    let rows = vec![
        (user(1), missed(GROUP, 1, 9)),
        (user(2), missed(direct, 2, 7)),
        (user(1), missed(direct, 0, 3)),
    ];
    store.note(rows).await.expect("the rows are noted");
    clear(store, user(1), direct, 3).await;
    assert_eq!(shown(store, user(1)).await, [missed(GROUP, 1, 9)]);
    assert_eq!(shown(store, user(2)).await, [missed(direct, 2, 7)]);
    assert_eq!(shown(store, user(3)).await, []);
}

/// The newest come first, and a limit cuts off the oldest.
pub async fn the_newest_are_not_hidden_behind_the_oldest<S: OfflineStore>(store: &S) {
    let times = [5, 40, 3, 22, 9];
    for (n, as_of) in times.into_iter().enumerate() {
        note(store, user(1), missed(group(n), 1, as_of)).await;
    }
    let newest_first: Vec<u64> =
        shown(store, user(1)).await.iter().map(|row| row.as_of.position.seq).collect();
    assert_eq!(newest_first, [40, 22, 9, 5, 3]);
    let two = store.missed(user(1), 2).await.expect("the rows are read");
    assert_eq!(two, shown(store, user(1)).await[..2]);
}

/// Law 3: above the bound the oldest go, whether the rows come alone or many at once.
pub async fn rows_do_not_pile_up<S: OfflineStore>(store: &S) {
    let rows = |from: usize, to: usize| {
        (from..to).map(|n| (user(1), missed(group(n), 0, 10 + n as u64))).collect::<Vec<_>>()
    };
    store.note(rows(0, ROWS_MAX)).await.expect("the rows are noted");
    assert_eq!(shown(store, user(1)).await.len(), ROWS_MAX);
    store.note(rows(ROWS_MAX, ROWS_MAX + 1)).await.expect("the row is noted");
    store.note(rows(ROWS_MAX + 1, ROWS_MAX + 5)).await.expect("the rows are noted");
    store.note(rows(0, 1)).await.expect("a row older than all is no error");
    let kept = shown(store, user(1)).await;
    assert_eq!(kept.len(), ROWS_MAX);
    assert_eq!(kept.last().map(|row| row.conversation), Some(group(5)));
    assert_eq!(kept.first().map(|row| row.conversation), Some(group(ROWS_MAX + 4)));
    store.note(rows(0, 3 * ROWS_MAX)).await.expect("more rows than fit are no error");
    let kept = shown(store, user(1)).await;
    assert_eq!((kept.len(), kept.last().map(|row| row.conversation)), (ROWS_MAX, Some(group(2 * ROWS_MAX))));
}

/// Law 3: a cleared row makes room before a missed one does, however new it is.
pub async fn cleared_rows_do_not_push_out_missed_ones<S: OfflineStore>(store: &S) {
    let rows = (0..ROWS_MAX).map(|n| (user(1), missed(group(n), 0, 10 + n as u64))).collect();
    store.note(rows).await.expect("the rows are noted");
    clear(store, user(1), group(ROWS_MAX - 1), u64::MAX >> 1).await;
    note(store, user(1), missed(GROUP, 0, 5)).await;
    let kept = shown(store, user(1)).await;
    assert_eq!(kept.len(), ROWS_MAX);
    assert_eq!(kept.last().map(|row| row.conversation), Some(GROUP));
    assert!(kept.iter().any(|row| row.conversation == group(0)), "the oldest missed row stays");
}
