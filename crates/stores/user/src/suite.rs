//! The laws of this store as one suite that every engine passes: each law is a function, named after the failure it
//! prevents, that panics if the engine breaks it. [`user_store_laws!`](crate::user_store_laws) makes a test of each.

use domain::{DeviceId, Region, Timestamp, UserId};

use crate::{CreateError, Device, ReplaceError, User, UserStore};

/// Makes a test of each law. `$fresh` is an async function that gives a guard and an empty store; `$reopen` one that gives
/// a guard and an async closure, which opens the same store anew each time.
#[macro_export]
macro_rules! user_store_laws {
    (fresh: $fresh:path, reopen: $reopen:path) => {
        $crate::user_store_laws!(
            @each $fresh,
            a_row_does_not_come_back_changed,
            a_handle_is_not_given_twice,
            a_handle_is_not_given_twice_at_the_same_instant,
            a_retried_sign_up_is_not_refused,
            a_handle_that_nobody_can_have_is_nobodys,
            pages_of_users_miss_and_repeat_nobody,
            a_device_is_not_another_users,
            a_used_refresh_secret_does_not_replace_a_device,
            two_refreshes_with_one_secret_do_not_both_succeed,
            a_signed_out_device_does_not_come_back,
            a_user_is_not_replaced_by_who_saw_an_older_row,
            two_changes_of_one_user_do_not_both_succeed,
            a_kept_device_is_not_left_in_an_earlier_era,
            a_device_that_cannot_be_kept_lets_nothing_be_replaced,
        );

        #[tokio::test]
        async fn acked_rows_are_not_lost_by_a_restart() {
            let (_guard, open) = $reopen().await;
            $crate::suite::acked_rows_are_not_lost_by_a_restart(open).await;
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

fn user_id(n: u8) -> UserId {
    UserId::new(Region(1), [n; 15])
}

fn user(n: u8, handle: &str) -> User {
    User {
        id: user_id(n),
        handle: handle.into(),
        password_hash: format!("$argon2id$v=19$m=19456,t=2,p=1${n}"),
        created: Timestamp::from_unix_ms(1_764_000_000_000 + u64::from(n)),
        era: 0,
        recovery_hashes: vec![],
    }
}

/// The user in the next era, with another password and recovery codes.
fn changed(user: &User, n: u8) -> User {
    let password_hash = format!("$argon2id$v=19$m=19456,t=2,p=1$changed{n}");
    User { password_hash, era: user.era + 1, recovery_hashes: vec![[n; 32], [255; 32]], ..user.clone() }
}

fn device(owner: u8, n: u8, refresh_hash: Option<[u8; 32]>) -> Device {
    Device {
        user: user_id(owner),
        id: DeviceId::new(Region(1), [n; 15]),
        name: format!("phone {n} \u{1F4F1}"),
        created: Timestamp::from_unix_ms(1_764_000_000_000),
        refresh_hash,
        previous_hash: None,
        family_hash: refresh_hash,
        refreshed: Timestamp::from_unix_ms(u64::from(n)),
        era: 0,
    }
}

async fn create<S: UserStore>(store: &S, user: User) {
    store.create(user).await.expect("the user is created");
}

async fn add<S: UserStore>(store: &S, device: &Device) {
    store.add_device(device.clone()).await.expect("the device is added");
}

async fn found<S: UserStore>(store: &S, handle: &str) -> Option<User> {
    store.by_handle(handle).await.expect("the handle is looked up")
}

async fn by_id<S: UserStore>(store: &S, n: u8) -> Option<User> {
    store.user(user_id(n)).await.expect("the user is read")
}

async fn stored<S: UserStore>(store: &S, device: &Device) -> Option<Device> {
    store.device(device.user, device.id).await.expect("the device is read")
}

/// Law 1: what returned `Ok` is there after the store was closed and opened again.
pub async fn acked_rows_are_not_lost_by_a_restart<S: UserStore>(open: impl AsyncFn() -> S) {
    let (kept, gone) = (device(1, 1, Some([7; 32])), device(1, 2, Some([8; 32])));
    let refreshed = Device { refresh_hash: Some([9; 32]), previous_hash: Some([7; 32]), ..kept.clone() };
    {
        let store = open().await;
        create(&store, user(1, "ada")).await;
        add(&store, &kept).await;
        add(&store, &gone).await;
        store.replace_device(Some([7; 32]), refreshed.clone()).await.expect("the device is replaced");
        store.remove_device(gone.user, gone.id).await.expect("the device is removed");
        let ada = user(1, "ada");
        store.replace_user(&ada, changed(&ada, 1), None).await.expect("the user is replaced");
    }
    let store = open().await;
    assert_eq!(found(&store, "ada").await, Some(changed(&user(1, "ada"), 1)));
    assert_eq!(store.devices(user_id(1), 10).await.expect("the devices are read"), [refreshed]);
}

/// Every field is kept, absent ones too, and what was never written is absent.
pub async fn a_row_does_not_come_back_changed<S: UserStore>(store: &S) {
    assert_eq!((by_id(store, 1).await, found(store, "ada").await), (None, None));
    create(store, user(1, "ada")).await;
    assert_eq!(by_id(store, 1).await, Some(user(1, "ada")));
    assert_eq!(found(store, "ada").await, Some(user(1, "ada")));
    assert_eq!(found(store, "ad").await, None);
    assert_eq!(found(store, "adaa").await, None);

    let both = Device { previous_hash: Some([0; 32]), ..device(1, 1, Some([255; 32])) };
    let minted = Device { name: String::new(), ..device(1, 2, None) };
    for written in [both, minted] {
        assert_eq!(stored(store, &written).await, None);
        add(store, &written).await;
        assert_eq!(stored(store, &written).await, Some(written));
    }
}

/// Law 2: who comes second with a handle is refused, and nothing of theirs is written.
pub async fn a_handle_is_not_given_twice<S: UserStore>(store: &S) {
    create(store, user(1, "ada")).await;
    let refused = store.create(user(2, "ada")).await;
    assert!(matches!(refused, Err(CreateError::Taken)), "{refused:?}");
    assert_eq!(by_id(store, 2).await, None);
    assert_eq!(found(store, "ada").await, Some(user(1, "ada")));
    create(store, user(2, "bob")).await;
}

/// Law 2: of two at the same instant one gets the handle, and the other is nobody.
pub async fn a_handle_is_not_given_twice_at_the_same_instant<S: UserStore>(store: &S) {
    for n in 0..20 {
        let handle = format!("user{n}");
        let (one, other) = (user(2 * n, &handle), user(2 * n + 1, &handle));
        let (first, second) = tokio::join!(store.create(one.clone()), store.create(other.clone()));
        let (winner, loser) = match (first, second) {
            (Ok(()), Err(CreateError::Taken)) => (one, other),
            (Err(CreateError::Taken), Ok(())) => (other, one),
            both => panic!("one of two gets the handle: {both:?}"),
        };
        assert_eq!(found(store, &handle).await.as_ref(), Some(&winner));
        assert_eq!(store.user(winner.id).await.expect("the user is read"), Some(winner));
        assert_eq!(store.user(loser.id).await.expect("the user is read"), None);
    }
}

/// Law 4: the very same row again is no other user; a row that differs is refused.
pub async fn a_retried_sign_up_is_not_refused<S: UserStore>(store: &S) {
    create(store, user(1, "ada")).await;
    create(store, user(1, "ada")).await;
    let changed = User { password_hash: "another".into(), ..user(1, "ada") };
    assert!(matches!(store.create(changed).await, Err(CreateError::Taken)));
    assert!(store.create(user(1, "bob")).await.is_err(), "an id is not given twice");
    assert_eq!((by_id(store, 1).await, found(store, "bob").await), (Some(user(1, "ada")), None));
}

/// An empty handle, and one longer than any that is given, is looked up like any other, in vain.
pub async fn a_handle_that_nobody_can_have_is_nobodys<S: UserStore>(store: &S) {
    create(store, user(1, "ada")).await;
    assert_eq!(found(store, "").await, None);
    assert_eq!(found(store, &"a".repeat(1_000)).await, None);
}

/// Pages of any size, one after the other, give every user once, by id.
pub async fn pages_of_users_miss_and_repeat_nobody<S: UserStore>(store: &S) {
    let everyone: Vec<User> = (0..60).map(|n| user(n, &format!("user{}", 99 - n))).collect();
    for user in everyone.iter().rev() {
        create(store, user.clone()).await;
    }
    for limit in [1, 7, 60, 100] {
        let (mut read, mut after) = (vec![], None);
        loop {
            let page = store.users(after, limit).await.expect("the page is read");
            assert!(page.len() <= limit && page.iter().all(|user| Some(user.id) > after));
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            read.extend(page);
        }
        assert_eq!(read, everyone, "pages of {limit}");
    }
}

/// A user's devices are listed by id, within the limit, and no neighbour's are among them.
pub async fn a_device_is_not_another_users<S: UserStore>(store: &S) {
    let mine: Vec<Device> = (1..6).map(|n| device(5, n, Some([n; 32]))).collect();
    for device in mine.iter().rev().chain(&[device(4, 1, None), device(6, 1, None)]) {
        add(store, device).await;
    }
    assert_eq!(store.devices(user_id(5), 10).await.expect("the devices are read"), mine);
    assert_eq!(store.devices(user_id(5), 2).await.expect("the devices are read"), mine[..2]);
    assert_eq!(store.devices(user_id(7), 10).await.expect("the devices are read"), []);
    let elsewhere = store.device(user_id(7), mine[0].id).await.expect("the device is read");
    assert_eq!(elsewhere, None);
}

/// Law 3: a secret that is not the newest one replaces nothing; the same replacement again succeeds.
pub async fn a_used_refresh_secret_does_not_replace_a_device<S: UserStore>(store: &S) {
    let first = device(1, 1, Some([1; 32]));
    let second = Device { refresh_hash: Some([2; 32]), previous_hash: first.refresh_hash, ..first.clone() };
    let third = Device { refresh_hash: Some([3; 32]), previous_hash: second.refresh_hash, ..first.clone() };
    add(store, &first).await;
    for _ in 0..2 {
        store.replace_device(first.refresh_hash, second.clone()).await.expect("the device is replaced");
    }
    for used in [first.refresh_hash, None, Some([9; 32])] {
        let refused = store.replace_device(used, third.clone()).await;
        assert!(matches!(refused, Err(ReplaceError::Changed)), "{refused:?}");
        assert_eq!(stored(store, &first).await, Some(second.clone()));
    }
    store.replace_device(second.refresh_hash, third.clone()).await.expect("the device is replaced");
    assert_eq!(stored(store, &first).await, Some(third));
}

/// Law 3: of two replacements with one secret at the same instant one succeeds, whole.
pub async fn two_refreshes_with_one_secret_do_not_both_succeed<S: UserStore>(store: &S) {
    let mut newest = device(1, 1, Some([0; 32]));
    add(store, &newest).await;
    for n in 1..20 {
        let next = |hash: u8| Device {
            refresh_hash: Some([hash; 32]),
            previous_hash: newest.refresh_hash,
            ..newest.clone()
        };
        let (one, other) = (next(2 * n), next(2 * n + 1));
        let (first, second) = tokio::join!(
            store.replace_device(newest.refresh_hash, one.clone()),
            store.replace_device(newest.refresh_hash, other.clone())
        );
        let winner = match (first, second) {
            (Ok(()), Err(ReplaceError::Changed)) => one,
            (Err(ReplaceError::Changed), Ok(())) => other,
            both => panic!("one of two succeeds: {both:?}"),
        };
        assert_eq!(stored(store, &winner).await.as_ref(), Some(&winner));
        newest = winner;
    }
}

/// A removed device is gone, a refresh does not bring it back, and removing it again succeeds.
pub async fn a_signed_out_device_does_not_come_back<S: UserStore>(store: &S) {
    let (gone, kept) = (device(1, 1, Some([1; 32])), device(1, 2, Some([2; 32])));
    add(store, &gone).await;
    add(store, &kept).await;
    for _ in 0..2 {
        store.remove_device(gone.user, gone.id).await.expect("the device is removed");
    }
    let refused = store.replace_device(gone.refresh_hash, gone.clone()).await;
    assert!(matches!(refused, Err(ReplaceError::Changed)), "{refused:?}");
    assert_eq!(stored(store, &gone).await, None);
    assert_eq!(stored(store, &kept).await, Some(kept));
}

/// Law 3: a row that is not the newest one is replaced by nothing; the same replacement again succeeds.
pub async fn a_user_is_not_replaced_by_who_saw_an_older_row<S: UserStore>(store: &S) {
    let ada = user(1, "ada");
    let nobody = store.replace_user(&ada, changed(&ada, 1), None).await;
    assert!(matches!(nobody, Err(ReplaceError::Changed)), "{nobody:?}");
    create(store, ada.clone()).await;
    let second = changed(&ada, 1);
    for _ in 0..2 {
        store.replace_user(&ada, second.clone(), None).await.expect("the user is replaced");
    }
    let refused = store.replace_user(&ada, changed(&ada, 2), None).await;
    assert!(matches!(refused, Err(ReplaceError::Changed)), "{refused:?}");
    assert_eq!(by_id(store, 1).await, Some(second.clone()));
    assert_eq!(found(store, "ada").await, Some(second));
}

/// Law 3: of two replacements of one row at the same instant one succeeds, whole: a recovery code is used once.
pub async fn two_changes_of_one_user_do_not_both_succeed<S: UserStore>(store: &S) {
    let mut newest = user(1, "ada");
    create(store, newest.clone()).await;
    for n in 1..20 {
        let (one, other) = (changed(&newest, 2 * n), changed(&newest, 2 * n + 1));
        let (first, second) = tokio::join!(
            store.replace_user(&newest, one.clone(), None),
            store.replace_user(&newest, other.clone(), None)
        );
        let winner = match (first, second) {
            (Ok(()), Err(ReplaceError::Changed)) => one,
            (Err(ReplaceError::Changed), Ok(())) => other,
            both => panic!("one of two succeeds: {both:?}"),
        };
        assert_eq!(by_id(store, 1).await.as_ref(), Some(&winner));
        newest = winner;
    }
}

/// Law 3: in the step that begins an era, the device that is kept comes along, and no other.
pub async fn a_kept_device_is_not_left_in_an_earlier_era<S: UserStore>(store: &S) {
    let (ada, kept, left) = (user(1, "ada"), device(1, 1, Some([1; 32])), device(1, 2, Some([2; 32])));
    create(store, ada.clone()).await;
    add(store, &kept).await;
    add(store, &left).await;
    let next = changed(&ada, 1);
    store.replace_user(&ada, next.clone(), Some(kept.id)).await.expect("the user is replaced");
    let came = Device { era: next.era, ..kept };
    assert_eq!(stored(store, &came).await, Some(came.clone()));
    assert_eq!(stored(store, &left).await, Some(left.clone()));
    assert!(next.lets_in(&came) && !next.lets_in(&left));
}

/// Law 3: a device that is signed out, or was left behind, is not kept, and then nothing is written.
pub async fn a_device_that_cannot_be_kept_lets_nothing_be_replaced<S: UserStore>(store: &S) {
    let ada = User { era: 1, ..user(1, "ada") };
    let (gone, left) = (device(1, 1, None), device(1, 2, None));
    create(store, ada.clone()).await;
    add(store, &left).await;
    for device in [&gone, &left] {
        let refused = store.replace_user(&ada, changed(&ada, 1), Some(device.id)).await;
        assert!(matches!(refused, Err(ReplaceError::Changed)), "{refused:?}");
        assert_eq!(by_id(store, 1).await, Some(ada.clone()));
    }
    assert_eq!(stored(store, &left).await, Some(left));
}
