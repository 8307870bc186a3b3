//! Bugs that are planted around the ports that Messaging is handed, so that nothing in the product knows of them. Those of
//! the Chat DB and of the Session Registry are in the simulated ones.

mod post;
mod stale;

use std::sync::Arc;

use bus::MessageBus;
use contracts::records::Delivery;
use contracts::services::Groups;

use super::Bug;
use super::disk::Disk;
use post::{Reordered, WithoutKnown};
use stale::StaleGroups;

pub(super) use post::KnownEntries;
pub(super) use stale::OldRosters;

/// Group, or one that is wrong.
pub(super) fn groups(bug: Option<Bug>, real: Arc<dyn Groups>, disk: &Disk) -> Arc<dyn Groups> {
    match bug {
        Some(Bug::StaleRoster) => Arc::new(StaleGroups::new(real, Arc::clone(&disk.old_rosters))),
        _ => real,
    }
}

/// The topic `deliver`, or one that is wrong.
pub(super) fn deliver(
    bug: Option<Bug>,
    real: Arc<dyn MessageBus<Delivery>>,
    disk: &Disk,
) -> Arc<dyn MessageBus<Delivery>> {
    match bug {
        Some(Bug::ReorderedDelivery) => Arc::new(Reordered::new(real)),
        Some(Bug::KnownWithoutEffects) => Arc::new(WithoutKnown::new(real, Arc::clone(&disk.known))),
        _ => real,
    }
}
