//! Rosters: who is a member, as the log up to one position says. Membership decides, in the log.
//!
//! A roster is a persistent map: a copy costs a pointer, so that every reader may keep the one it decided by.
//! Deliberately absent: names, and anything else that membership does not depend on.

use std::collections::BTreeSet;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::content::{Content, Created};
use crate::conversation::ConversationId;
use crate::cursor::Mark;
use crate::entry::Entry;
use crate::error::{Code, Rejection};
use crate::id::UserId;
use crate::limits::SMALL_MEMBERS_MAX;
use crate::position::Position;

/// What a member may do: a member reads and writes, an admin also decides who is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides who is in, their roles, the name and the settings.
    Admin,
    /// Reads and writes.
    Member,
}

/// A stretch of the log that a person sees, both edges included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first entry seen: the one that let them in, or `(0,0)` where newcomers see history.
    pub from: Position,
    /// The last entry seen: the one that ended it; `None` while it lasts.
    pub to: Option<Position>,
}

impl Span {
    /// Whether the entry at `position` is in it.
    pub fn holds(&self, position: Position) -> bool {
        self.from <= position && self.to.is_none_or(|to| position <= to)
    }
}

/// Spans kept for one person. Who comes and goes more often loses sight of the oldest.
pub const SPANS_MAX: usize = 100;

/// What the log says of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their role; `None` once they are out.
    pub role: Option<Role>,
    /// Where they last joined: unread counts begin there.
    pub joined: Mark,
    /// What they see, oldest first, at most [`SPANS_MAX`].
    pub spans: Vec<Span>,
}

impl Member {
    /// Whether they see the entry at `position`.
    pub fn sees(&self, position: Position) -> bool {
        self.spans.iter().any(|span| span.holds(position))
    }

    /// Whether they are in.
    pub const fn is_active(&self) -> bool {
        self.role.is_some()
    }
}

/// Who is a member, and what may be done, as of one position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// The newest membership entry that it knows.
    pub position: Position,
    /// Everyone who is or was in.
    pub members: OrdMap<UserId, Member>,
    /// How many are in.
    pub active: usize,
    /// How many of those are admins.
    pub admins: usize,
    /// Whether people who join see what came before.
    pub history: bool,
    /// Whether it ever had more than [`SMALL_MEMBERS_MAX`] members: large stays large.
    pub large: bool,
}

impl Roster {
    /// The roster that a conversation has before its first entry: of a direct or own one, for ever.
    pub fn initial(conversation: &ConversationId) -> Self {
        let users = match *conversation {
            ConversationId::Direct(lower, higher) => vec![lower, higher],
            ConversationId::Own(user) => vec![user],
            ConversationId::Group(_) => vec![],
        };
        let mut roster = Self { history: true, ..Self::default() };
        for user in users {
            roster.admit(user, Role::Member, Mark::START);
        }
        roster
    }

    /// The roster that was kept as rows: what the log up to `position` says of everyone who is or was in.
    pub fn from_rows(
        position: Position,
        history: bool,
        large: bool,
        rows: impl IntoIterator<Item = (UserId, Member)>,
    ) -> Self {
        let mut roster = Self { position, history, large, ..Self::default() };
        for (user, member) in rows {
            roster.active += usize::from(member.is_active());
            roster.admins += usize::from(member.role == Some(Role::Admin));
            roster.members.insert(user, member);
        }
        roster
    }

    /// What the log says of `user`.
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user)
    }

    /// Whether `user` is in.
    pub fn is_active(&self, user: UserId) -> bool {
        self.member(user).is_some_and(Member::is_active)
    }

    /// Who is in.
    pub fn active_users(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(|(_, member)| member.is_active()).map(|(user, _)| *user)
    }

    /// Whether `user` sees the entry at `position`.
    pub fn sees(&self, user: UserId, position: Position) -> bool {
        self.member(user).is_some_and(|member| member.sees(position))
    }

    /// Takes in a membership entry. Anything else, and anything at or before [`Self::position`], changes nothing; so
    /// does a body that this version cannot read, which only a newer version can have written.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.position <= self.position || !entry.kind.is_membership() {
            return;
        }
        self.position = entry.position;
        let Some(Ok(content)) = entry.body.as_ref().map(|body| Content::parse(&entry.kind, body.as_str()))
        else {
            return;
        };
        let mark = entry.mark();
        match content {
            Content::Created(Created { users, history, .. }) => {
                self.history = history;
                self.admit(entry.sender, Role::Admin, mark);
                users.into_iter().for_each(|user| self.admit(user, Role::Member, mark));
            }
            Content::Joined(joined) => {
                joined.users.into_iter().for_each(|user| self.admit(user, Role::Member, mark))
            }
            Content::Left(_) => self.dismiss(entry.sender, mark.position),
            Content::Removed(removed) => {
                removed.users.into_iter().for_each(|user| self.dismiss(user, mark.position))
            }
            Content::Role(set) => self.set_role(set.user, set.role),
            Content::History(setting) => self.history = setting.visible,
            Content::Message(_) | Content::Renamed(_) => {}
        }
    }

    fn admit(&mut self, user: UserId, role: Role, mark: Mark) {
        let mut member =
            self.members.get(&user).cloned().unwrap_or(Member { role: None, joined: mark, spans: vec![] });
        if member.is_active() {
            return;
        }
        let from = if self.history { Position::START } else { mark.position };
        if self.history {
            member.spans.clear();
        } else if member.spans.len() >= SPANS_MAX {
            member.spans.remove(0);
        }
        // Almost everybody has one span for ever, and there are many members: a vector that grows makes room for four.
        member.spans.reserve_exact(1);
        member.spans.push(Span { from, to: None });
        (member.role, member.joined) = (Some(role), mark);
        self.members.insert(user, member);
        self.active += 1;
        self.admins += usize::from(role == Role::Admin);
        self.large |= self.active > SMALL_MEMBERS_MAX;
    }

    fn dismiss(&mut self, user: UserId, at: Position) {
        let Some(member) = self.members.get_mut(&user).filter(|member| member.is_active()) else { return };
        self.admins -= usize::from(member.role.take() == Some(Role::Admin));
        self.active -= 1;
        if let Some(last) = member.spans.last_mut() {
            last.to = Some(at);
        }
    }

    fn set_role(&mut self, user: UserId, role: Role) {
        let Some(member) = self.members.get_mut(&user).filter(|member| member.is_active()) else { return };
        self.admins -= usize::from(member.role == Some(Role::Admin));
        self.admins += usize::from(role == Role::Admin);
        member.role = Some(role);
    }

    /// Whether `sender` may append `content` to `conversation` next, by this roster; `members_max` bounds a group.
    pub fn may_append(
        &self,
        conversation: &ConversationId,
        sender: UserId,
        content: &Content,
        members_max: usize,
    ) -> Result<(), Rejection> {
        if let Content::Created(created) = content {
            return self.may_create(conversation, created, members_max);
        }
        let role = self.may_write(sender)?;
        if matches!(content, Content::Message(_)) {
            return Ok(());
        }
        if !matches!(conversation, ConversationId::Group(_)) {
            return Err(Rejection::new(
                Code::BadRequest,
                "only groups have members, roles and names to change",
            ));
        }
        if role != Role::Admin && !matches!(content, Content::Left(_)) {
            return Err(Rejection::new(Code::Forbidden, "only an admin of the group may do this"));
        }
        match content {
            Content::Joined(joined) => self.room_for(&joined.users, members_max),
            Content::Left(_) => self.keeps_an_admin(&[sender]),
            Content::Removed(removed) => self.keeps_an_admin(&removed.users),
            Content::Role(set) => self.may_set_role(set.user, set.role),
            Content::Created(_) | Content::Message(_) | Content::Renamed(_) | Content::History(_) => Ok(()),
        }
    }

    /// Whether `sender` may append a message next, and in what role.
    pub fn may_write(&self, sender: UserId) -> Result<Role, Rejection> {
        match self.member(sender) {
            None => Err(Rejection::not_found()),
            Some(Member { role: None, .. }) => {
                Err(Rejection::new(Code::NotAMember, "you are no longer a member of this conversation"))
            }
            Some(Member { role: Some(role), .. }) => Ok(*role),
        }
    }

    fn may_create(
        &self,
        id: &ConversationId,
        created: &Created,
        members_max: usize,
    ) -> Result<(), Rejection> {
        if !matches!(id, ConversationId::Group(_)) || self.position != Position::START {
            return Err(Rejection::not_found());
        }
        self.room_for(&created.users, members_max.saturating_sub(1))
    }

    fn room_for(&self, users: &[UserId], members_max: usize) -> Result<(), Rejection> {
        let newcomers: BTreeSet<&UserId> = users.iter().filter(|user| !self.is_active(**user)).collect();
        if self.active + newcomers.len() > members_max {
            let message =
                format!("a group holds at most {members_max} members and this one has {}", self.active);
            return Err(Rejection::new(Code::GroupFull, message));
        }
        Ok(())
    }

    fn keeps_an_admin(&self, leaving: &[UserId]) -> Result<(), Rejection> {
        let mut leaving = leaving.to_vec();
        leaving.sort_unstable();
        leaving.dedup();
        let role_of = |user: &UserId| self.member(*user).and_then(|member| member.role);
        let members = leaving.iter().filter(|user| role_of(user).is_some()).count();
        let admins = leaving.iter().filter(|user| role_of(user) == Some(Role::Admin)).count();
        if admins == self.admins && members < self.active {
            let message = "the last admin cannot go while others remain: make somebody else an admin first";
            return Err(Rejection::new(Code::LastAdmin, message));
        }
        Ok(())
    }

    fn may_set_role(&self, user: UserId, role: Role) -> Result<(), Rejection> {
        match self.member(user).and_then(|member| member.role) {
            None => Err(Rejection::new(Code::BadRequest, "only a member of the group can be given a role")),
            Some(Role::Admin) if role == Role::Member && self.admins == 1 => Err(Rejection::new(
                Code::LastAdmin,
                "the last admin cannot stop being one: make another first",
            )),
            Some(_) => Ok(()),
        }
    }
}
