//! Large groups: which local sessions are given a group's entries, by the roster that this gateway holds of it.
//!
//! A gateway holds of a roster only its position and its own sessions. Each membership entry moves it on; whoever finds
//! that one was missed (the entry names a roster that is not held) is announced anew, because only Messaging knows the
//! roster. Deliberately absent: judgement of who is a member.

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::records::LargeGroup;
use domain::{Content, ConversationId, Entry, Moment, Position, UserId};

use super::Seat;

/// For how long it is remembered that a group is followed no more: longer than a registration takes.
const REMEMBERED_MS: u64 = 300_000;

/// The large groups of this gateway.
#[derive(Debug, Default)]
pub(super) struct Large {
    groups: BTreeMap<ConversationId, Group>,
    /// Groups that the slot follows no more. A registration that was asked for before that may have been followed by it,
    /// so it does not count.
    unfollowed: BTreeMap<ConversationId, Unfollowed>,
}

#[derive(Debug)]
struct Group {
    /// The newest membership entry that the members are right for.
    roster: Position,
    members: BTreeMap<u64, Local>,
    empty_since: Option<Moment>,
}

#[derive(Debug)]
struct Local {
    seat: Arc<Seat>,
    /// The first entry that it may be given.
    from: Position,
    /// The roster that it was registered by: membership entries up to it say nothing new of it.
    as_of: Position,
}

#[derive(Debug)]
struct Unfollowed {
    /// How many announcements there were when it was done; all that there will be, while it is being done.
    announcements: u64,
    at: Moment,
}

impl Group {
    const fn new(roster: Position, now: Moment) -> Self {
        Self { roster, members: BTreeMap::new(), empty_since: Some(now) }
    }

    fn admit(&mut self, seat: &Arc<Seat>, from: Position, as_of: Position) {
        self.empty_since = None;
        self.members.insert(seat.id.number, Local { seat: Arc::clone(seat), from, as_of });
    }

    /// A membership entry was missed before `roster`: nobody is known to be in any more.
    fn forget(&mut self, roster: Position, now: Moment) -> Vec<Arc<Seat>> {
        self.roster = self.roster.max(roster);
        self.empty_since = Some(now);
        std::mem::take(&mut self.members).into_values().map(|local| local.seat).collect()
    }

    /// Whether a membership entry before `entry` is missing here.
    fn misses(&self, entry: &Entry, roster_before: Position) -> bool {
        if entry.kind.is_membership() {
            roster_before > self.roster || (entry.position > self.roster && roster_before != self.roster)
        } else {
            roster_before.max(entry.roster) > self.roster
        }
    }

    fn add(&mut self, entry: &Entry, seats: Vec<Arc<Seat>>) {
        for seat in
            seats.iter().filter(|seat| !self.members.contains_key(&seat.id.number)).collect::<Vec<_>>()
        {
            self.admit(seat, entry.position, entry.position);
        }
    }

    fn remove(&mut self, entry: &Entry, seats: Vec<Arc<Seat>>) {
        for seat in seats {
            let number = seat.id.number;
            if self.members.get(&number).is_some_and(|local| local.as_of < entry.position) {
                self.members.remove(&number);
            }
        }
    }
}

impl Large {
    /// Hands an entry to the local members by `give`, and lets its own membership take effect. Gives the sessions that
    /// have to be announced anew, to whom it was not handed.
    pub(super) fn entry(
        &mut self,
        entry: &Entry,
        roster_before: Position,
        now: Moment,
        seats_of: impl Fn(UserId) -> Vec<Arc<Seat>>,
        mut give: impl FnMut(&Arc<Seat>),
    ) -> Vec<Arc<Seat>> {
        let Some(group) = self.groups.get_mut(&entry.conversation) else {
            // Nobody here is in it, or nobody's registration was echoed yet; if so, that brings a roster.
            self.groups.insert(entry.conversation, Group::new(entry.roster, now));
            return vec![];
        };
        if group.misses(entry, roster_before) {
            return group.forget(roster_before.max(entry.roster), now);
        }
        let news = entry.position > group.roster;
        let content = entry.body.as_ref().filter(|_| news && entry.kind.is_membership());
        let content = content.and_then(|body| Content::parse(&entry.kind, body.as_str()).ok());
        if let Some(Content::Joined(joined)) = &content {
            joined.users.iter().for_each(|user| group.add(entry, seats_of(*user)));
        }
        group
            .members
            .values()
            .filter(|local| local.from <= entry.position)
            .for_each(|local| give(&local.seat));
        match &content {
            Some(Content::Removed(removed)) => {
                removed.users.iter().for_each(|user| group.remove(entry, seats_of(*user)));
            }
            Some(Content::Left(_)) => group.remove(entry, seats_of(entry.sender)),
            _ => {}
        }
        group.roster = group.roster.max(entry.roster);
        vec![]
    }

    /// A session was registered, and is in these groups. Says whether it has to be announced anew, because what was read
    /// for it is older than what is known here.
    pub(super) fn registered(&mut self, seat: &Arc<Seat>, groups: &[LargeGroup], now: Moment) -> bool {
        let mut anew = false;
        for LargeGroup { conversation, roster, from } in groups {
            let unfollowed = self.unfollowed.get(conversation);
            anew |= unfollowed.is_some_and(|unfollowed| seat.announced() <= unfollowed.announcements);
            let group = self.groups.entry(*conversation).or_insert_with(|| Group::new(*roster, now));
            if *roster < group.roster {
                anew = true;
            } else {
                group.admit(seat, *from, *roster);
            }
        }
        anew
    }

    /// A group is large, and these sessions are in it. Gives those that have to be announced anew.
    pub(super) fn enlarged(
        &mut self,
        conversation: ConversationId,
        roster: Position,
        members: &[(Arc<Seat>, Position)],
        now: Moment,
    ) -> Vec<Arc<Seat>> {
        let fresh = !self.groups.contains_key(&conversation);
        let group = self.groups.entry(conversation).or_insert_with(|| Group::new(roster, now));
        let newcomers = members.iter().filter(|(seat, _)| !group.members.contains_key(&seat.id.number));
        let newcomers: Vec<&(Arc<Seat>, Position)> = newcomers.collect();
        if roster < group.roster {
            return newcomers.into_iter().map(|(seat, _)| Arc::clone(seat)).collect();
        }
        let mut anew = if roster > group.roster { group.forget(roster, now) } else { vec![] };
        newcomers.iter().for_each(|(seat, from)| group.admit(seat, *from, roster));
        if fresh && self.unfollowed.contains_key(&conversation) {
            anew.extend(newcomers.into_iter().map(|(seat, _)| Arc::clone(seat)));
        }
        anew
    }

    /// Forgets sessions that are gone, and gives the groups that nobody has been in for `after_ms`: the slot is to follow
    /// them no more.
    pub(super) fn leave(&mut self, now: Moment, after_ms: u64) -> Vec<ConversationId> {
        let mut gone = vec![];
        for (conversation, group) in &mut self.groups {
            group.members.retain(|_, local| !local.seat.is_gone());
            if group.members.is_empty() && now.since_ms(*group.empty_since.get_or_insert(now)) >= after_ms {
                gone.push(*conversation);
            }
        }
        self.unfollowed.retain(|_, unfollowed| now.since_ms(unfollowed.at) < REMEMBERED_MS);
        for conversation in &gone {
            self.groups.remove(conversation);
            self.unfollowed.insert(*conversation, Unfollowed { announcements: u64::MAX, at: now });
        }
        gone
    }

    /// The slot follows a group no more, or may not. Gives the sessions that came into it meanwhile: they have to be
    /// announced anew.
    pub(super) fn left(
        &mut self,
        conversation: ConversationId,
        announcements: u64,
        now: Moment,
    ) -> Vec<Arc<Seat>> {
        self.unfollowed.insert(conversation, Unfollowed { announcements, at: now });
        let members = self.groups.get(&conversation).into_iter().flat_map(|group| group.members.values());
        members.map(|local| Arc::clone(&local.seat)).collect()
    }

    /// Forgets everything: the slot is lost.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
