//! Laws of leases, and of the subscriptions that go with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ANSWERS, LEASE_MS, NOW, group, leased, leased_again, registered, sessions, user};
use crate::{LeaseError, Registry};

/// Two gateways would read one slot's records, each of them half.
pub async fn a_held_slot_is_never_leased_again(registry: Arc<dyn Registry>) {
    let mut slots = BTreeSet::new();
    let full = loop {
        match registry.lease(NOW.plus_ms(LEASE_MS - 1), LEASE_MS).await {
            Ok(lease) => assert!(slots.insert(lease.slot), "{lease:?} was held"),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, LeaseError::NoSlot), "{full}");
    assert!(slots.len() >= 2);
}

/// After enough crashes no gateway could start.
pub async fn an_expired_slot_never_stays_taken(registry: Arc<dyn Registry>) {
    let old = leased(&registry).await;
    assert_eq!(old.expires, NOW.plus_ms(LEASE_MS));
    let mut taken = 1;
    while registry.lease(NOW, LEASE_MS).await.is_ok() {
        taken += 1;
        assert!(taken <= 1 << 16, "there are no more slots than numbers");
    }
    let new = leased_again(&registry, old.slot).await;
    assert!(new.generation > old.generation, "{:?} after {:?}", new.generation, old.generation);
}

/// A healthy gateway would lose all its sessions.
pub async fn a_lease_renewed_in_time_is_never_lost(registry: Arc<dyn Registry>) {
    let lease = leased(&registry).await;
    let session = registered(&registry, lease, user(1), 1).await;
    let renewed = registry.renew(lease.slot, lease.generation, NOW.plus_ms(LEASE_MS - 1), LEASE_MS).await;
    let renewed = renewed.expect(ANSWERS);
    assert_eq!((renewed.slot, renewed.generation), (lease.slot, lease.generation));
    assert_eq!(renewed.expires, NOW.plus_ms(2 * LEASE_MS - 1));
    let other = registry.lease(NOW.plus_ms(LEASE_MS), LEASE_MS).await.expect(ANSWERS);
    assert_ne!(other.slot, lease.slot);
    assert_eq!(sessions(&registry, user(1)).await, [session]);
    let early = registry.renew(lease.slot, lease.generation, NOW, 1).await.expect(ANSWERS);
    assert_eq!(early.expires, renewed.expires, "who asks late and is heard early shortens no lease");
}

/// A gateway that slept through its lease would speak for a slot that another may hold by now.
pub async fn a_lease_renewed_too_late_is_never_kept(registry: Arc<dyn Registry>) {
    let old = leased(&registry).await;
    let late = NOW.plus_ms(LEASE_MS);
    for held_by_another in [false, true] {
        if held_by_another {
            leased_again(&registry, old.slot).await;
        }
        let refused = registry.renew(old.slot, old.generation, late, LEASE_MS).await;
        assert!(matches!(refused, Err(LeaseError::Lost)), "{refused:?}");
    }
}

/// A late release, or a late renewal, would act on somebody else's lease.
pub async fn an_older_generation_never_ends_a_newer_lease(registry: Arc<dyn Registry>) {
    let old = leased(&registry).await;
    let new = leased_again(&registry, old.slot).await;
    let session = registered(&registry, new, user(1), 1).await;
    assert_eq!(registry.release(old.slot, old.generation).await.expect(ANSWERS), []);
    assert_eq!(sessions(&registry, user(1)).await, [session]);
    registry
        .renew(new.slot, new.generation, NOW.plus_ms(LEASE_MS), LEASE_MS)
        .await
        .expect("the newer one lives");
}

/// Somebody would be held to be present, who is not, and never be pushed to.
pub async fn a_release_never_forgets_a_user(registry: Arc<dyn Registry>) {
    let lease = leased(&registry).await;
    for (number, n) in [2, 1, 2, 3].into_iter().enumerate() {
        registered(&registry, lease, user(n), number as u64).await;
    }
    let gone = sessions(&registry, user(3)).await[0].id;
    registry.unregister(user(3), gone).await.expect(ANSWERS);
    let mut users = registry.release(lease.slot, lease.generation).await.expect(ANSWERS);
    users.sort_unstable();
    assert_eq!(users, [user(1), user(2)], "each once");
    assert_eq!(
        registry.release(lease.slot, lease.generation).await.expect(ANSWERS),
        [],
        "only the first release"
    );
}

/// A large group would send to slots that nobody reads.
pub async fn a_follower_never_outlives_its_lease(registry: Arc<dyn Registry>) {
    let (one, two) = (leased(&registry).await, leased(&registry).await);
    for lease in [one, two, one] {
        registry.follow(group(1), lease.slot, lease.generation).await.expect(ANSWERS);
    }
    registry.follow(group(2), one.slot, one.generation).await.expect(ANSWERS);
    let mut both = registry.followers(group(1)).await.expect(ANSWERS);
    both.sort_unstable();
    let mut expected = [(one.slot, one.generation), (two.slot, two.generation)];
    expected.sort_unstable();
    assert_eq!(both, expected, "each once");
    registry.unfollow(group(2), one.slot, one.generation).await.expect(ANSWERS);
    assert_eq!(registry.followers(group(2)).await.expect(ANSWERS), [], "after the last member left");
    registry.release(one.slot, one.generation).await.expect(ANSWERS);
    assert_eq!(registry.followers(group(1)).await.expect(ANSWERS), [(two.slot, two.generation)]);
    leased_again(&registry, two.slot).await;
    assert_eq!(registry.followers(group(1)).await.expect(ANSWERS), [], "after the slot was leased again");
}

/// A large group's entries would go to a gateway that was given up.
pub async fn an_ended_lease_never_follows(registry: Arc<dyn Registry>) {
    let old = leased(&registry).await;
    registry.release(old.slot, old.generation).await.expect(ANSWERS);
    for held_by_another in [false, true] {
        if held_by_another {
            leased_again(&registry, old.slot).await;
        }
        let refused = registry.follow(group(1), old.slot, old.generation).await;
        assert!(matches!(refused, Err(LeaseError::Lost)), "{refused:?}");
        assert_eq!(registry.followers(group(1)).await.expect(ANSWERS), []);
    }
}

/// Members on a living gateway would miss every entry of a large group.
pub async fn an_older_generation_never_unfollows_for_a_newer(registry: Arc<dyn Registry>) {
    let old = leased(&registry).await;
    registry.follow(group(1), old.slot, old.generation).await.expect(ANSWERS);
    let new = leased_again(&registry, old.slot).await;
    registry.follow(group(1), new.slot, new.generation).await.expect(ANSWERS);
    registry.unfollow(group(1), old.slot, old.generation).await.expect(ANSWERS);
    assert_eq!(registry.followers(group(1)).await.expect(ANSWERS), [(new.slot, new.generation)]);
}
