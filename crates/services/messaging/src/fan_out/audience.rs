//! Whom an entry concerns: who sees it, who is marked changed, who can be reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{Content, Entry, Position, Roster, UserId};
use store_registry::Session;

use crate::append::joiners;
use crate::decide::Verdict;

/// Members of a group that has just become large, at most: the small one, its creator, and one request's newcomers.
const CROSSING_MAX: usize = domain::limits::SMALL_MEMBERS_MAX + 1_001;

/// An entry whose effects are to run, with the rosters around it.
pub(super) struct Effect {
    pub(super) entry: Arc<Entry>,
    pub(super) before: Arc<Roster>,
    pub(super) after: Arc<Roster>,
    /// It was in the log before this batch.
    pub(super) known: bool,
}

impl Effect {
    /// The effect of a verdict; a known entry is seen by those whom the newest roster lets see it.
    pub(super) fn of(verdict: &Verdict, newest: &Arc<Roster>) -> Option<Self> {
        match verdict {
            Verdict::Append(decided) => Some(Self {
                entry: Arc::clone(&decided.entry),
                before: Arc::clone(&decided.before),
                after: Arc::clone(&decided.after),
                known: false,
            }),
            Verdict::Known(entry) => Some(Self {
                entry: Arc::clone(entry),
                before: Arc::clone(newest),
                after: Arc::clone(newest),
                known: true,
            }),
            Verdict::Refuse(_) => None,
        }
    }

    /// Whether the group becomes large by it. A known membership entry of a group that just did may be the one: it runs
    /// again before any later entry of its conversation.
    pub(super) fn crosses(&self) -> bool {
        let maybe_again =
            || self.known && self.entry.kind.is_membership() && self.after.active <= CROSSING_MAX;
        self.after.large && (!self.before.large || maybe_again())
    }

    /// The roster that a slot must hold to pick its own members.
    pub(super) fn roster_before(&self) -> Position {
        if self.known { Position::START } else { self.before.position }
    }

    /// Who sees the entry, in a small conversation.
    pub(super) fn viewers(&self) -> impl Iterator<Item = UserId> + '_ {
        let sees =
            |(user, member): (&UserId, &domain::Member)| member.sees(self.entry.position).then_some(*user);
        self.after.members.iter().filter_map(sees)
    }

    /// For whom the conversation is marked changed: whoever sees the entry in a small conversation; in a large one only
    /// whom the entry is about, since resuming compares its head.
    fn marked(&self) -> Vec<UserId> {
        if !self.after.large || self.crosses() {
            return self.viewers().collect();
        }
        let mut users = joiners(&self.entry);
        let body = self.entry.body.as_ref();
        match body
            .filter(|_| self.entry.kind.is_membership())
            .map(|body| Content::parse(&self.entry.kind, body.as_str()))
        {
            Some(Ok(Content::Removed(removed))) => users.extend(removed.users),
            Some(Ok(Content::Role(set))) => users.push(set.user),
            Some(Ok(Content::Left(_))) => users.push(self.entry.sender),
            _ => {}
        }
        users.retain(|user| self.after.member(*user).is_some_and(|member| member.sees(self.entry.position)));
        users
    }
}

/// For whom a batch marks the conversation changed, each once.
pub(super) fn marked(effects: &[Effect]) -> Vec<UserId> {
    let mut users = vec![];
    let mut last: Option<&Effect> = None;
    for effect in effects {
        let same = |last: &Effect| Arc::ptr_eq(&last.after, &effect.after) && !last.known && !effect.known;
        if effect.entry.kind.is_membership() || !last.is_some_and(same) {
            users.extend(effect.marked());
        }
        last = Some(effect);
    }
    users.sort_unstable();
    users.dedup();
    users
}

/// The sessions of the people whom a batch concerns.
pub(super) struct Reach(BTreeMap<UserId, Vec<Session>>);

impl Reach {
    pub(super) fn new(users: Vec<UserId>, sessions: Vec<Vec<Session>>) -> Self {
        Self(users.into_iter().zip(sessions).collect())
    }

    pub(super) fn sessions_of<'a>(
        &'a self,
        users: impl IntoIterator<Item = &'a UserId>,
    ) -> impl Iterator<Item = (UserId, Session)> {
        users
            .into_iter()
            .flat_map(|user| self.0.get(user).into_iter().flatten().map(|session| (*user, *session)))
    }

    /// The sessions of those who see an entry.
    pub(super) fn viewers_of(&self, effect: &Effect) -> impl Iterator<Item = Session> {
        self.0
            .iter()
            .filter(|(user, _)| effect.after.sees(**user, effect.entry.position))
            .flat_map(|(_, sessions)| sessions.iter().copied())
    }
}
