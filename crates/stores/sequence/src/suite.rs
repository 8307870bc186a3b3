//! The laws of this store as one suite that every engine passes: each law is a function, named after the failure it
//! prevents, that panics if the engine breaks it. [`sequence_store_laws!`](crate::sequence_store_laws) makes a test of
//! each.

use domain::{ConversationId, Epoch, Position};

use crate::{BeginError, Reign, SequenceStore};

/// Makes a test of each law. `$fresh` is an async function that gives a guard and an empty store; `$reopen` one that gives
/// a guard and an async closure, which opens the same store anew each time.
#[macro_export]
macro_rules! sequence_store_laws {
    (fresh: $fresh:path, reopen: $reopen:path) => {
        $crate::sequence_store_laws!(
            @each $fresh,
            a_conversation_is_not_led_by_its_neighbours_row,
            a_reign_does_not_begin_after_another_than_the_stored_one,
            two_reigns_do_not_both_follow_one,
            an_epoch_does_not_go_back,
            a_restore_is_not_forgotten_by_the_next,
        );

        #[tokio::test]
        async fn an_acked_reign_is_not_lost_by_a_restart() {
            let (_guard, open) = $reopen().await;
            $crate::suite::an_acked_reign_is_not_lost_by_a_restart(open).await;
        }
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

const GROUP: ConversationId = ConversationId::Group([1; 16]);

fn reign(number: u32, region: u32, since: u64) -> Reign {
    Reign { epoch: Epoch(number << 8 | region), since: Position::new(1, since) }
}

async fn stored<S: SequenceStore>(store: &S, conversation: ConversationId) -> Option<Reign> {
    store.reign(conversation).await.expect("the reign is read")
}

async fn begin<S: SequenceStore>(store: &S, follows: Option<Reign>, reign: Reign) {
    store.begin(GROUP, follows, reign).await.expect("the reign begins");
}

/// What returned `Ok` is there after the store was closed and opened again.
pub async fn an_acked_reign_is_not_lost_by_a_restart<S: SequenceStore>(open: impl AsyncFn() -> S) {
    let (first, second) = (reign(1, 2, 40), reign(2, 1, 1 << 52));
    {
        let store = open().await;
        begin(&store, None, first).await;
        begin(&store, Some(first), second).await;
    }
    assert_eq!(stored(&open().await, GROUP).await, Some(second));
}

/// A row is of one conversation; one without a row has none.
pub async fn a_conversation_is_not_led_by_its_neighbours_row<S: SequenceStore>(store: &S) {
    begin(store, None, reign(1, 2, 3)).await;
    for neighbour in [[0; 16], [2; 16]].map(ConversationId::Group) {
        assert_eq!(stored(store, neighbour).await, None);
    }
    assert_eq!(stored(store, GROUP).await, Some(reign(1, 2, 3)));
}

/// A reign is stored only if what it follows is what is stored; else nothing is written and the stored one is told.
pub async fn a_reign_does_not_begin_after_another_than_the_stored_one<S: SequenceStore>(store: &S) {
    let (first, other, next) = (reign(1, 2, 40), reign(1, 2, 41), reign(2, 1, 50));
    let refused = store.begin(GROUP, Some(first), next).await;
    assert!(matches!(refused, Err(BeginError::Conflict { found: None })), "{refused:?}");
    assert_eq!(stored(store, GROUP).await, None);

    begin(store, None, first).await;
    for follows in [None, Some(other)] {
        let refused = store.begin(GROUP, follows, next).await;
        assert!(matches!(refused, Err(BeginError::Conflict { found: Some(found) }) if found == first));
        assert_eq!(stored(store, GROUP).await, Some(first));
    }
    begin(store, Some(first), next).await;
    assert_eq!(stored(store, GROUP).await, Some(next));
}

/// Of two reigns that follow the same one at the same instant, one begins and the other is told of it.
pub async fn two_reigns_do_not_both_follow_one<S: SequenceStore>(store: &S) {
    let mut follows = None;
    for number in 1..20 {
        let (one, other) = (reign(number, 1, 10), reign(number, 2, 20));
        let (first, second) =
            tokio::join!(store.begin(GROUP, follows, one), store.begin(GROUP, follows, other));
        let (winner, loser) = match (first, second) {
            (Ok(()), Err(loser)) => (one, loser),
            (Err(loser), Ok(())) => (other, loser),
            both => panic!("one of two begins: {both:?}"),
        };
        assert!(matches!(loser, BeginError::Conflict { found: Some(found) } if found == winner), "{loser:?}");
        assert_eq!(stored(store, GROUP).await, Some(winner));
        follows = Some(winner);
    }
}

/// The count of restores begins at none, and only grows.
pub async fn a_restore_is_not_forgotten_by_the_next<S: SequenceStore>(store: &S) {
    for count in 0..3 {
        assert_eq!(store.restores().await.expect("the count is read"), count);
        assert_eq!(store.restored().await.expect("a restore is counted"), count + 1);
    }
    assert_eq!(stored(store, GROUP).await, None);
}

/// An epoch that is not later than the stored one, or than the home's first, is refused.
pub async fn an_epoch_does_not_go_back<S: SequenceStore>(store: &S) {
    let home_first = Reign { epoch: Epoch::first(GROUP.home()), since: Position::START };
    let refused = store.begin(GROUP, None, home_first).await;
    assert!(matches!(refused, Err(BeginError::NotLater(epoch)) if epoch == home_first.epoch), "{refused:?}");
    assert_eq!(stored(store, GROUP).await, None);

    let second = reign(2, 1, 9);
    begin(store, None, second).await;
    for earlier in [second, reign(1, 2, 10)] {
        let refused = store.begin(GROUP, Some(second), earlier).await;
        assert!(matches!(refused, Err(BeginError::NotLater(epoch)) if epoch == earlier.epoch), "{refused:?}");
        assert_eq!(stored(store, GROUP).await, Some(second));
    }
}
