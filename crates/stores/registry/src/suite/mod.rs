//! The laws of the registry as one suite that every engine passes. Each law is named after the failure it prevents, and
//! is given a registry that knows nobody, with at least two slots.
//!
//! [`registry_laws!`](crate::registry_laws) makes a test of each law.
//!
//! Deliberately absent: how much time anything takes, and what survives a restart (nothing has to).

mod changes;
mod leases;
mod sessions;

use std::sync::Arc;

use domain::{ConversationId, DeviceId, Moment, Region, SessionId, UserId};

use crate::{Lease, Registry, Session};

pub use self::{changes::*, leases::*, sessions::*};

/// Makes a test of each law. `$engine` is an async expression that gives a new registry, as an `Arc<dyn Registry>`.
#[macro_export]
macro_rules! registry_laws {
    ($engine:expr) => {
        $crate::registry_laws! { @each $engine;
            a_change_is_never_listed_twice
            a_page_of_changes_never_skips_or_repeats
            a_forgotten_change_is_never_passed_over
            a_stamp_from_the_future_is_never_known
            a_change_never_shows_for_another_user
            marks_at_once_never_share_a_stamp
            a_registered_session_is_never_left_untold
            a_mark_never_mixes_up_users
            a_session_registered_twice_is_never_two
            a_retried_unregister_never_hides_that_nobody_is_left
            a_user_never_has_more_sessions_than_allowed
            a_session_of_an_ended_lease_is_never_registered
            a_session_never_outlives_its_lease
            an_older_session_never_ends_its_successor
            a_held_slot_is_never_leased_again
            an_expired_slot_never_stays_taken
            a_lease_renewed_in_time_is_never_lost
            a_lease_renewed_too_late_is_never_kept
            an_older_generation_never_ends_a_newer_lease
            a_release_never_forgets_a_user
            a_follower_never_outlives_its_lease
            an_ended_lease_never_follows
            an_older_generation_never_unfollows_for_a_newer
        }
    };
    (@each $engine:expr; $($law:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $law() {
            $crate::suite::$law($engine.await).await;
        }
    )+};
}

/// What every law assumes of an engine under test.
const ANSWERS: &str = "an engine under test answers";

/// The moment the laws begin at.
const NOW: Moment = Moment::from_ms(1_000_000);

/// How long the laws lease for, in milliseconds.
const LEASE_MS: u64 = 10_000;

fn user(n: u8) -> UserId {
    UserId::new(Region::ONLY, [n; 15])
}

fn group(n: u16) -> ConversationId {
    let mut bytes = [1; 16];
    bytes[14..].copy_from_slice(&n.to_be_bytes());
    ConversationId::Group(bytes)
}

fn session(lease: Lease, number: u64) -> Session {
    let id = SessionId { slot: lease.slot, generation: lease.generation, number };
    Session { id, device: DeviceId::new(Region::ONLY, [number as u8; 15]) }
}

async fn leased(registry: &Arc<dyn Registry>) -> Lease {
    registry.lease(NOW, LEASE_MS).await.expect(ANSWERS)
}

async fn registered(registry: &Arc<dyn Registry>, lease: Lease, user: UserId, number: u64) -> Session {
    let session = session(lease, number);
    registry.register(user, session).await.expect(ANSWERS);
    session
}

async fn sessions(registry: &Arc<dyn Registry>, user: UserId) -> Vec<Session> {
    registry.sessions(&[user]).await.expect(ANSWERS).remove(0)
}

/// Lets every lease there is expire, and leases slots again until `slot` comes up. Once in a law.
async fn leased_again(registry: &Arc<dyn Registry>, slot: domain::Slot) -> Lease {
    for _ in 0..=u16::MAX {
        let lease = registry.lease(NOW.plus_ms(LEASE_MS), LEASE_MS).await.expect(ANSWERS);
        if lease.slot == slot {
            return lease;
        }
    }
    panic!("an expired slot is never leased again")
}
