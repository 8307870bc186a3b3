//! A group as its log up to one position makes it, and the rows that keep it. Pure: entries in, rows out.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::Arc;

use contracts::services::{GroupInfo, Standing};
use domain::{Content, ConversationId, Entry, Member, Position, Roster, UserId};
use store_group::Group;

/// A group as its log up to one position makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// What it is called.
    pub name: String,
    /// Who is a member. Its position is that of the projection.
    pub roster: Arc<Roster>,
}

/// One write: it leads the rows of a group from one position to a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the stored rows are as of.
    pub from: Position,
    /// The group's row.
    pub group: Group,
    /// The rows of the members that changed on the way.
    pub members: Vec<(UserId, Member)>,
}

impl Projection {
    /// What is known before the first entry.
    pub fn initial(conversation: &ConversationId) -> Self {
        Self { name: String::new(), roster: Arc::new(Roster::initial(conversation)) }
    }

    /// What these rows keep: a group's, and those of everyone who is or was in.
    pub fn from_rows(group: Group, members: Vec<(UserId, Member)>) -> Self {
        let roster = Roster::from_rows(group.as_of, group.history, group.large, members);
        Self { name: group.name, roster: Arc::new(roster) }
    }

    /// What it is called and how large it is.
    pub fn info(&self) -> GroupInfo {
        let Roster { active, history, .. } = *self.roster;
        GroupInfo { name: self.name.clone(), active, history }
    }

    /// What a person is to it.
    pub fn standing(&self, user: UserId) -> Option<Standing> {
        let member = self.roster.member(user)?.clone();
        Some(Standing { roster: self.roster.position, member, group: self.info() })
    }

    /// The newest entry that went into it.
    pub fn as_of(&self) -> Position {
        self.roster.position
    }

    /// The group's row.
    pub fn group(&self) -> Group {
        Group {
            as_of: self.roster.position,
            roster: self.roster.position,
            name: self.name.clone(),
            active: self.roster.active,
            admins: self.roster.admins,
            history: self.roster.history,
            large: self.roster.large,
        }
    }

    /// Takes in entries, oldest first; those that it holds already, and those that change no group, are passed over.
    /// Gives the writes that lead the rows after it: a new one begins once `members_max` members have changed.
    pub fn advance(&mut self, entries: &[Arc<Entry>], members_max: usize) -> Vec<Step> {
        let (mut steps, mut from, mut changed) = (vec![], self.as_of(), BTreeSet::new());
        for entry in entries {
            if !self.take_in(entry) {
                continue;
            }
            changed.extend(named(entry));
            if changed.len() >= members_max {
                steps.push(self.step(from, take(&mut changed)));
                from = self.as_of();
            }
        }
        if self.as_of() > from {
            steps.push(self.step(from, changed));
        }
        steps
    }

    fn take_in(&mut self, entry: &Entry) -> bool {
        if entry.position <= self.as_of() || !entry.kind.is_membership() {
            return false;
        }
        Arc::make_mut(&mut self.roster).apply(entry);
        match content(entry) {
            Some(Content::Created(created)) => self.name = created.name,
            Some(Content::Renamed(renamed)) => self.name = renamed.name,
            _ => {}
        }
        true
    }

    fn step(&self, from: Position, changed: BTreeSet<UserId>) -> Step {
        let row = |user: UserId| self.roster.member(user).map(|member| (user, member.clone()));
        Step { from, group: self.group(), members: changed.into_iter().filter_map(row).collect() }
    }
}

/// What an entry says; `None` if it was erased or only a newer version can read it.
fn content(entry: &Entry) -> Option<Content> {
    let body = entry.body.as_ref()?;
    Content::parse(&entry.kind, body.as_str()).ok()
}

/// Whose rows an entry may change.
fn named(entry: &Entry) -> Vec<UserId> {
    match content(entry) {
        Some(Content::Created(created)) => [vec![entry.sender], created.users].concat(),
        Some(Content::Joined(users) | Content::Removed(users)) => users.users,
        Some(Content::Left(_)) => vec![entry.sender],
        Some(Content::Role(set)) => vec![set.user],
        Some(Content::Message(_) | Content::Renamed(_) | Content::History(_)) | None => vec![],
    }
}

/// Whose membership these entries ended, if it did not begin again: who is out by `roster`.
pub fn dismissed(entries: &[Arc<Entry>], roster: &Roster) -> Vec<UserId> {
    let gone = |entry: &Entry| match content(entry) {
        Some(Content::Left(_)) => vec![entry.sender],
        Some(Content::Removed(users)) => users.users,
        _ => vec![],
    };
    let users: BTreeSet<UserId> = entries.iter().flat_map(|entry| gone(entry)).collect();
    users.into_iter().filter(|user| !roster.is_active(*user)).collect()
}
