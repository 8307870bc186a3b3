//! The events of a batch, gathered by slot, in order.

use std::collections::BTreeMap;

use contracts::records::{Append, Audience, Delivery, Event, Stored};
use contracts::trace::Trace;
use domain::{ConversationId, Cursor, Generation, Rejection, SessionId, Slot, UserId};
use store_registry::Session;

use super::audience::{Effect, Reach};
use super::entry_event;

type Lease = (Slot, Generation);

/// What is to be delivered.
#[derive(Default)]
pub(crate) struct Post {
    events: BTreeMap<Lease, Vec<Event>>,
    traces: Vec<Trace>,
}

impl Post {
    /// What comes of messages of which the traced ones are here.
    pub(super) fn of(traces: Vec<Trace>) -> Self {
        Self { traces, ..Self::default() }
    }

    /// An event for whoever holds this session's lease.
    pub(crate) fn event(&mut self, session: SessionId, event: Event) {
        self.events.entry((session.slot, session.generation)).or_default().push(event);
    }

    /// The outcome for whoever submitted.
    pub(super) fn outcome(&mut self, append: &Append, result: Result<Stored, Rejection>) {
        let identity = append.submission.identity;
        let (to, conversation, client_id) = (append.origin.number, identity.conversation, identity.client_id);
        self.event(append.origin, Event::Outcome { to, conversation, client_id, result });
    }

    /// An entry of a small conversation, to the sessions of those who see it.
    pub(super) fn hand_to_sessions(&mut self, effect: &Effect, reach: &Reach, origin: SessionId) {
        for (lease, numbers) in by_lease(reach.viewers_of(effect).map(|session| session.id)) {
            let event = entry_event(&effect.entry, Audience::Sessions(numbers), except(lease, origin));
            self.events.entry(lease).or_default().push(event);
        }
    }

    /// The sessions that a large group is new to, to their slots.
    pub(super) fn enlarge(&mut self, effect: &Effect, newcomers: Vec<(UserId, Session)>) {
        let mut members: BTreeMap<Lease, Vec<(u64, domain::Position)>> = BTreeMap::new();
        for (user, session) in newcomers {
            let span = effect.after.member(user).and_then(|member| member.spans.last());
            if let Some(span) = span {
                let lease = (session.id.slot, session.id.generation);
                members.entry(lease).or_default().push((session.id.number, span.from));
            }
        }
        for (lease, members) in members {
            let (conversation, roster) = (effect.entry.conversation, effect.roster_before());
            self.events.entry(lease).or_default().push(Event::Large { conversation, roster, members });
        }
    }

    /// An entry of a large group, to the slots that follow it.
    pub(super) fn hand_to_members(&mut self, effect: &Effect, followers: &[Lease], origin: SessionId) {
        for lease in followers {
            let to = Audience::Members { roster_before: effect.roster_before() };
            let event = entry_event(&effect.entry, to, except(*lease, origin));
            self.events.entry(*lease).or_default().push(event);
        }
    }

    /// A cursor move, to these sessions.
    pub(crate) fn cursor(
        &mut self,
        conversation: ConversationId,
        user: UserId,
        cursor: Cursor,
        to: impl Iterator<Item = SessionId>,
    ) {
        for (lease, to) in by_lease(to) {
            self.events.entry(lease).or_default().push(Event::Cursor { conversation, user, cursor, to });
        }
    }

    /// One delivery a slot.
    pub(super) fn into_deliveries(self) -> impl Iterator<Item = Delivery> {
        let Self { events, traces } = self;
        events.into_iter().map(move |((slot, generation), events)| Delivery {
            slot,
            generation,
            events,
            traces: traces.clone(),
        })
    }
}

fn by_lease(sessions: impl Iterator<Item = SessionId>) -> BTreeMap<Lease, Vec<u64>> {
    let mut leases: BTreeMap<Lease, Vec<u64>> = BTreeMap::new();
    for session in sessions {
        leases.entry((session.slot, session.generation)).or_default().push(session.number);
    }
    leases
}

/// The session that is given `sent` instead, if this lease holds it.
fn except(lease: Lease, origin: SessionId) -> Option<u64> {
    (lease == (origin.slot, origin.generation)).then_some(origin.number)
}
