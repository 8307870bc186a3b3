//! Looks over all sessions every few seconds, so that none needs a timer: who says no hello, is not heard, does not read,
//! whose token expired; and large groups that nobody here is in any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Hub;

/// An unfollow is waited for this long, so that the sweep goes on.
const UNFOLLOW: Duration = Duration::from_secs(2);

/// Sweeps for ever; whoever spawned it ends it.
pub(crate) async fn run(hub: Arc<Hub>) {
    let mut ticks = interval(Duration::from_millis(hub.config.sweep_ms.max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sweep(&hub).await;
    }
}

/// Sweeps once.
pub(super) async fn sweep(hub: &Hub) {
    let (now, time) = (hub.moment(), hub.time());
    let due: Vec<_> =
        hub.seats().values().filter(|seat| seat.is_due(now, time, &hub.config)).map(Arc::clone).collect();
    due.iter().for_each(|seat| seat.outbox.tick());
    hub.meters.now(&hub.config, hub.places.available_permits(), hub.budget.used());
    unfollow(hub).await;
}

/// Lets go of the large groups that nobody here has been in for a while.
async fn unfollow(hub: &Hub) {
    let Some(lease) = hub.lease() else { return };
    let gone = hub.large().leave(hub.moment(), hub.config.unfollow_after_ms);
    for conversation in gone {
        let asked = hub.services.slots.unfollow(conversation, lease.slot, lease.generation);
        match tokio::time::timeout(UNFOLLOW, asked).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%conversation, %error, "perhaps not unfollowed; tried again at its next entry")
            }
            Err(_elapsed) => tracing::warn!(%conversation, "perhaps not unfollowed: no answer"),
        }
        let came_meanwhile = hub.large().left(conversation, hub.announcer.count(), hub.moment());
        came_meanwhile.iter().for_each(|seat| hub.announce_anew(seat));
    }
}
