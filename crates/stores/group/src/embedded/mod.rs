//! The embedded engine: rows in the one key-value store of the process.
//!
//! Keys: `groups` by the conversation's key; `members` by the conversation's key and the user's id; `links` by the user's
//! id and the conversation's key. A page is one range scan.

#[doc(hidden)]
pub mod fuzz;
mod row;

use std::fmt::Display;
use std::ops::Bound;

use async_trait::async_trait;
use domain::{ConversationId, Member, PortError, Position, UserId};
use store_kv::{Batch, Kv, Space, Value, write};

use crate::{Group, GroupStore, Link, ProjectError};

/// The Group DB in the process's key-value store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    kv: Kv,
    groups: Space,
    members: Space,
    links: Space,
}

fn failed(error: impl Display) -> PortError {
    PortError::lasting("group store", error)
}

impl Store {
    /// The Group DB kept in `kv`.
    pub fn open(kv: &Kv) -> Result<Self, PortError> {
        let space = |name| kv.space(name).map_err(failed);
        Ok(Self {
            groups: space("groups")?,
            members: space("members")?,
            links: space("links")?,
            kv: kv.clone(),
        })
    }

    /// The stored row with its bytes, to require them.
    fn row(&self, conversation: ConversationId) -> Result<Option<(Group, Value)>, PortError> {
        let Some(value) = self.groups.get(conversation.to_key()).map_err(failed)? else { return Ok(None) };
        Ok(Some((row::decode_group(&value)?, value)))
    }
}

fn member_key(conversation: ConversationId, user: UserId) -> Vec<u8> {
    let mut key = conversation.to_key();
    key.extend_from_slice(user.as_bytes());
    key
}

fn link_key(user: UserId, conversation: ConversationId) -> Vec<u8> {
    let mut key = user.as_bytes().to_vec();
    conversation.write_key(&mut key);
    key
}

fn member_row(key: &[u8], value: &[u8]) -> Result<(UserId, Member), PortError> {
    let user = key.last_chunk().ok_or_else(|| failed("a member's key is too short"))?;
    Ok((UserId::from_bytes(*user), row::decode_member(value)?))
}

fn link_row(key: &[u8], value: &[u8]) -> Result<Link, PortError> {
    let conversation = key.get(16..).and_then(ConversationId::split_key).map(|(id, _)| id);
    let conversation = conversation.ok_or_else(|| failed("a link's key names no conversation"))?;
    Ok(Link { conversation, large: row::decode_link(value)? })
}

/// The rows under `prefix` after the key `after`, read by `read`, at most `limit`.
fn page<T>(
    space: &Space,
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
    limit: usize,
    read: impl Fn(&[u8], &[u8]) -> Result<T, PortError>,
) -> Result<Vec<T>, PortError> {
    let from = after.map_or(Bound::Included(prefix.clone()), Bound::Excluded);
    let mut rows = vec![];
    for row in space.scan::<Vec<u8>>((from, Bound::Unbounded)).take(limit) {
        let (key, value) = row.map_err(failed)?;
        if !key.starts_with(&prefix) {
            break;
        }
        rows.push(read(&key, &value)?);
    }
    Ok(rows)
}

#[async_trait]
impl GroupStore for Store {
    async fn group(&self, conversation: ConversationId) -> Result<Option<Group>, PortError> {
        Ok(self.row(conversation)?.map(|(group, _)| group))
    }

    async fn member(&self, conversation: ConversationId, user: UserId) -> Result<Option<Member>, PortError> {
        let value = self.members.get(member_key(conversation, user)).map_err(failed)?;
        value.map(|value| row::decode_member(&value)).transpose()
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Member)>, PortError> {
        let after = after.map(|user| member_key(conversation, user));
        page(&self.members, conversation.to_key(), after, limit, member_row)
    }

    async fn project(
        &self,
        conversation: ConversationId,
        from: Position,
        group: Group,
        members: Vec<(UserId, Member)>,
    ) -> Result<(), ProjectError> {
        let (as_of, stored) = match self.row(conversation)? {
            Some((stored, value)) => (stored.as_of, Some(value)),
            None => (Position::START, None),
        };
        if as_of != from {
            return Err(ProjectError::Conflict { as_of });
        }
        let (key, mut batch) = (conversation.to_key(), Batch::new());
        match stored {
            Some(value) => batch.require(&self.groups, key.clone(), value),
            None => batch.require_absent(&self.groups, key.clone()),
        };
        batch.put(&self.groups, key, row::encode_group(&group));
        for (user, member) in &members {
            batch.put(&self.members, member_key(conversation, *user), row::encode_member(member));
        }
        match self.kv.write(batch).await {
            Err(write::Error::Conflict { found, .. }) => {
                let found = found.map(|value| row::decode_group(&value)).transpose()?;
                Err(ProjectError::Conflict { as_of: found.map_or(Position::START, |group| group.as_of) })
            }
            written => Ok(written.map_err(failed)?),
        }
    }

    async fn link(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        large: bool,
    ) -> Result<(), PortError> {
        let mut batch = Batch::new();
        for user in users {
            // A link that cannot be read is replaced: it is derived.
            batch.update(&self.links, link_key(*user, conversation), move |stored| {
                let was_large = stored.is_some_and(|value| row::decode_link(value).unwrap_or(false));
                Some(row::encode_link(large || was_large))
            });
        }
        self.kv.write(batch).await.map_err(failed)
    }

    async fn unlink(&self, conversation: ConversationId, users: &[UserId]) -> Result<(), PortError> {
        let mut batch = Batch::new();
        for user in users {
            batch.delete(&self.links, link_key(*user, conversation));
        }
        self.kv.write(batch).await.map_err(failed)
    }

    async fn forget(&self, conversation: ConversationId) -> Result<(), PortError> {
        let mut batch = Batch::new();
        batch.delete(&self.groups, conversation.to_key());
        for row in self.members.scan_prefix(conversation.to_key()) {
            batch.delete(&self.members, row.map_err(failed)?.0);
        }
        self.kv.write(batch).await.map_err(failed)
    }

    async fn linked(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<bool>>, PortError> {
        let link = |user: &UserId| {
            let row = self.links.get(link_key(*user, conversation)).map_err(failed)?;
            row.map(|row| row::decode_link(&row)).transpose()
        };
        users.iter().map(link).collect()
    }

    async fn links(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Link>, PortError> {
        let after = after.map(|conversation| link_key(user, conversation));
        page(&self.links, user.as_bytes().to_vec(), after, limit, link_row)
    }
}
