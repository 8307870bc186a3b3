//! Laws of sessions.

use std::sync::Arc;

use domain::{DeviceId, Region};

use super::{ANSWERS, group, leased, leased_again, registered, session, sessions, user};
use crate::{LeaseError, Registry, Session};

/// No registry is asked to hold more sessions of one user than this.
const SESSIONS_PER_USER_MAX: u64 = 100_000;

/// One person's frames would go to another.
pub async fn a_mark_never_mixes_up_users(registry: Arc<dyn Registry>) {
    let lease = leased(&registry).await;
    let first = registered(&registry, lease, user(1), 1).await;
    let third = registered(&registry, lease, user(3), 2).await;
    let asked = [user(3), user(2), user(1), user(3)];
    let answer = vec![vec![third], vec![], vec![first], vec![third]];
    assert_eq!(registry.mark(group(1), &asked).await.expect(ANSWERS), answer, "in the order asked");
    assert_eq!(registry.sessions(&asked).await.expect(ANSWERS), answer);
}

/// A device would get every frame twice after a retried registration.
pub async fn a_session_registered_twice_is_never_two(registry: Arc<dyn Registry>) {
    let lease = leased(&registry).await;
    let one = registered(&registry, lease, user(1), 1).await;
    registered(&registry, lease, user(1), 1).await;
    assert_eq!(sessions(&registry, user(1)).await, [one]);
    let other = Session { device: DeviceId::new(Region::ONLY, [9; 15]), ..one };
    registry.register(user(1), other).await.expect(ANSWERS);
    assert_eq!(sessions(&registry, user(1)).await, [other], "the newer word counts");
}

/// An absent person would never be pushed to, because the answer that they went was lost on its way.
pub async fn a_retried_unregister_never_hides_that_nobody_is_left(registry: Arc<dyn Registry>) {
    let lease = leased(&registry).await;
    let (one, two) =
        (registered(&registry, lease, user(1), 1).await, registered(&registry, lease, user(1), 2).await);
    assert!(!registry.unregister(user(1), one.id).await.expect(ANSWERS), "another is left");
    assert!(!registry.unregister(user(1), one.id).await.expect(ANSWERS), "another is still left");
    assert!(registry.unregister(user(1), two.id).await.expect(ANSWERS));
    assert!(registry.unregister(user(1), two.id).await.expect(ANSWERS));
    assert_eq!(sessions(&registry, user(1)).await, []);
}

/// One user could fill the memory, and make each of their messages cost as much as a large group's.
pub async fn a_user_never_has_more_sessions_than_allowed(registry: Arc<dyn Registry>) {
    let lease = leased(&registry).await;
    let mut refused = None;
    for number in 0..SESSIONS_PER_USER_MAX {
        if let Err(error) = registry.register(user(1), session(lease, number)).await {
            refused = Some((number, error));
            break;
        }
    }
    let (held, error) = refused.expect("there is a bound");
    assert!(matches!(error, LeaseError::TooManySessions), "{error}");
    assert_eq!(sessions(&registry, user(1)).await.len() as u64, held);
    registered(&registry, lease, user(1), 0).await;
    registry.unregister(user(1), session(lease, 0).id).await.expect(ANSWERS);
    registered(&registry, lease, user(1), held).await;
}

/// A gateway that was given up would receive what nobody hands on.
pub async fn a_session_of_an_ended_lease_is_never_registered(registry: Arc<dyn Registry>) {
    let old = leased(&registry).await;
    registry.release(old.slot, old.generation).await.expect(ANSWERS);
    for held_by_another in [false, true] {
        if held_by_another {
            leased_again(&registry, old.slot).await;
        }
        let refused = registry.register(user(1), session(old, 1)).await;
        assert!(matches!(refused, Err(LeaseError::Lost)), "{refused:?}");
        assert_eq!(sessions(&registry, user(1)).await, []);
    }
}

/// A session whose gateway is gone would count as presence, and swallow what is sent to it.
pub async fn a_session_never_outlives_its_lease(registry: Arc<dyn Registry>) {
    let (one, two) = (leased(&registry).await, leased(&registry).await);
    registered(&registry, one, user(1), 1).await;
    let kept = registered(&registry, two, user(1), 1).await;
    registry.release(one.slot, one.generation).await.expect(ANSWERS);
    assert_eq!(sessions(&registry, user(1)).await, [kept], "after a release");
    leased_again(&registry, two.slot).await;
    assert_eq!(sessions(&registry, user(1)).await, [], "after the slot was leased again");
    assert_eq!(registry.mark(group(1), &[user(1)]).await.expect(ANSWERS), [vec![]]);
}

/// A late good-bye of an earlier gateway would end a living session of the same number.
pub async fn an_older_session_never_ends_its_successor(registry: Arc<dyn Registry>) {
    let old = leased(&registry).await;
    let ended = registered(&registry, old, user(1), 1).await;
    let new = leased_again(&registry, old.slot).await;
    let living = registered(&registry, new, user(1), 1).await;
    assert!(!registry.unregister(user(1), ended.id).await.expect(ANSWERS), "one is left");
    assert_eq!(sessions(&registry, user(1)).await, [living]);
}
