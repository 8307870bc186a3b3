//! Who holds which slot, and what goes with a lease: its sessions, and the large groups it follows.
//!
//! Nothing is kept of an ended lease but its generation, which is never given again.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConversationId, Generation, Moment, SessionId, Slot, UserId};

use crate::Lease;

/// A live lease.
#[derive(Debug)]
pub(super) struct Held {
    generation: Generation,
    expires: Moment,
    /// The sessions registered under it, by user and number.
    pub(super) sessions: BTreeSet<(UserId, u64)>,
    follows: BTreeSet<ConversationId>,
}

/// A lease that ended, with the sessions that end with it.
#[derive(Debug)]
pub(super) struct Ended {
    slot: Slot,
    generation: Generation,
    sessions: BTreeSet<(UserId, u64)>,
}

impl Ended {
    /// The sessions, by user.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (UserId, SessionId)> {
        self.sessions.iter().map(|(user, number)| {
            (*user, SessionId { slot: self.slot, generation: self.generation, number: *number })
        })
    }
}

/// All slots.
#[derive(Debug)]
pub(super) struct Leases {
    slots_max: u16,
    /// The newest generation of each slot that was ever leased.
    generations: BTreeMap<Slot, Generation>,
    held: BTreeMap<Slot, Held>,
    followers: BTreeMap<ConversationId, BTreeMap<Slot, Generation>>,
}

impl Leases {
    pub(super) fn new(slots_max: u16) -> Self {
        Self { slots_max, generations: BTreeMap::new(), held: BTreeMap::new(), followers: BTreeMap::new() }
    }

    /// Slots leased, and sessions under them.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.held.len(), self.held.values().map(|held| held.sessions.len()).sum())
    }

    /// Leases the lowest free slot; `None` if there is none.
    pub(super) fn lease(&mut self, expires: Moment) -> Option<Lease> {
        let slot = (0..self.slots_max).map(Slot).find(|slot| !self.held.contains_key(slot))?;
        let generation = Generation(self.generations.get(&slot).map_or(1, |last| last.0 + 1));
        self.generations.insert(slot, generation);
        let held = Held { generation, expires, sessions: BTreeSet::new(), follows: BTreeSet::new() };
        self.held.insert(slot, held);
        Some(Lease { slot, generation, expires })
    }

    /// Lets a live lease last until `expires`, and not shorter than it did; `None` if it has ended.
    pub(super) fn renew(&mut self, slot: Slot, generation: Generation, expires: Moment) -> Option<Lease> {
        let held = self.current(slot, generation)?;
        held.expires = held.expires.max(expires);
        Some(Lease { slot, generation, expires: held.expires })
    }

    /// The live lease of this generation.
    pub(super) fn current(&mut self, slot: Slot, generation: Generation) -> Option<&mut Held> {
        self.held.get_mut(&slot).filter(|held| held.generation == generation)
    }

    /// Ends a live lease, and its subscriptions; the caller ends the sessions.
    pub(super) fn end(&mut self, slot: Slot, generation: Generation) -> Option<Ended> {
        self.current(slot, generation)?;
        let held = self.held.remove(&slot)?;
        for conversation in held.follows {
            self.drop_follower(conversation, slot);
        }
        Some(Ended { slot, generation, sessions: held.sessions })
    }

    /// Ends every lease that has expired at `now`.
    pub(super) fn end_expired(&mut self, now: Moment) -> Vec<Ended> {
        let expired = self.held.iter().filter(|(_, held)| held.expires <= now);
        let expired: Vec<_> = expired.map(|(slot, held)| (*slot, held.generation)).collect();
        expired.into_iter().filter_map(|(slot, generation)| self.end(slot, generation)).collect()
    }

    /// Subscribes a slot; `false` if its lease has ended.
    pub(super) fn follow(
        &mut self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> bool {
        let Some(held) = self.current(slot, generation) else { return false };
        held.follows.insert(conversation);
        self.followers.entry(conversation).or_default().insert(slot, generation);
        true
    }

    /// Ends a subscription, unless it is that of another lease.
    pub(super) fn unfollow(&mut self, conversation: ConversationId, slot: Slot, generation: Generation) {
        let Some(held) = self.current(slot, generation) else { return };
        if held.follows.remove(&conversation) {
            self.drop_follower(conversation, slot);
        }
    }

    /// The slots that follow `conversation`, lowest first.
    pub(super) fn followers(&self, conversation: ConversationId) -> Vec<(Slot, Generation)> {
        let slots = self.followers.get(&conversation).into_iter().flatten();
        slots.map(|(slot, generation)| (*slot, *generation)).collect()
    }

    fn drop_follower(&mut self, conversation: ConversationId, slot: Slot) {
        if let Some(slots) = self.followers.get_mut(&conversation) {
            slots.remove(&slot);
            if slots.is_empty() {
                self.followers.remove(&conversation);
            }
        }
    }
}
