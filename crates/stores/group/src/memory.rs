//! The engine for tests: everything in memory, gone with the process. It passes the suite, all but durability.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use domain::{ConversationId, Member, PortError, Position, UserId};

use crate::{Group, GroupStore, Link, ProjectError};

/// A Group DB in memory.
#[derive(Debug, Default)]
pub struct Store {
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    groups: BTreeMap<ConversationId, Group>,
    members: BTreeMap<(ConversationId, UserId), Member>,
    links: BTreeMap<(UserId, ConversationId), bool>,
}

impl Store {
    /// Forgets everything, as if the store had been lost.
    pub fn wipe(&self) {
        *self.rows() = Rows::default();
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().expect("nothing panics while it holds the lock")
    }
}

#[async_trait]
impl GroupStore for Store {
    async fn group(&self, conversation: ConversationId) -> Result<Option<Group>, PortError> {
        Ok(self.rows().groups.get(&conversation).cloned())
    }

    async fn member(&self, conversation: ConversationId, user: UserId) -> Result<Option<Member>, PortError> {
        Ok(self.rows().members.get(&(conversation, user)).cloned())
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Member)>, PortError> {
        let lowest = UserId::from_bytes([0; 16]);
        let from = match after {
            Some(user) => Bound::Excluded((conversation, user)),
            None => Bound::Included((conversation, lowest)),
        };
        let rows = self.rows();
        let of_group =
            rows.members.range((from, Bound::Unbounded)).take_while(|((id, _), _)| *id == conversation);
        Ok(of_group.take(limit).map(|((_, user), member)| (*user, member.clone())).collect())
    }

    async fn project(
        &self,
        conversation: ConversationId,
        from: Position,
        group: Group,
        members: Vec<(UserId, Member)>,
    ) -> Result<(), ProjectError> {
        let mut rows = self.rows();
        let as_of = rows.groups.get(&conversation).map_or(Position::START, |group| group.as_of);
        if as_of != from {
            return Err(ProjectError::Conflict { as_of });
        }
        rows.groups.insert(conversation, group);
        rows.members.extend(members.into_iter().map(|(user, member)| ((conversation, user), member)));
        Ok(())
    }

    async fn link(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        large: bool,
    ) -> Result<(), PortError> {
        let mut rows = self.rows();
        for user in users {
            *rows.links.entry((*user, conversation)).or_default() |= large;
        }
        Ok(())
    }

    async fn unlink(&self, conversation: ConversationId, users: &[UserId]) -> Result<(), PortError> {
        let mut rows = self.rows();
        for user in users {
            rows.links.remove(&(*user, conversation));
        }
        Ok(())
    }

    async fn forget(&self, conversation: ConversationId) -> Result<(), PortError> {
        let mut rows = self.rows();
        rows.groups.remove(&conversation);
        rows.members.retain(|(id, _), _| *id != conversation);
        Ok(())
    }

    async fn linked(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<bool>>, PortError> {
        let rows = self.rows();
        Ok(users.iter().map(|user| rows.links.get(&(*user, conversation)).copied()).collect())
    }

    async fn links(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Link>, PortError> {
        let lowest = UserId::from_bytes([0; 16]);
        let from = match after {
            Some(id) => Bound::Excluded((user, id)),
            None => Bound::Included((user, ConversationId::Direct(lowest, lowest))),
        };
        let rows = self.rows();
        let of_user = rows.links.range((from, Bound::Unbounded)).take_while(|((of, _), _)| *of == user);
        let link = |((_, conversation), large): (&(UserId, ConversationId), &bool)| Link {
            conversation: *conversation,
            large: *large,
        };
        Ok(of_user.take(limit).map(link).collect())
    }
}
