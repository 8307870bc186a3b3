//! Who is absent or behind: what Notification asks.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::services::{Absence, Groups, Standing};
use domain::{ConversationId, Entry, Head, Mark, PortError, Rejection, UserId};

use crate::catch_up::all_conversations;
use crate::own::past_own;
use store_chat::ChatStore;
use store_registry::Registry;

/// Messaging's word on absence. Made before Messaging, since Notification is built on it and Messaging tells
/// Notification of cursors.
pub struct AbsenceTeller {
    chat: Arc<dyn ChatStore>,
    registry: Arc<dyn Registry>,
    groups: Arc<dyn Groups>,
}

impl AbsenceTeller {
    /// Tells by the cursors, the registered sessions and the rosters.
    pub fn new(chat: Arc<dyn ChatStore>, registry: Arc<dyn Registry>, groups: Arc<dyn Groups>) -> Self {
        Self { chat, registry, groups }
    }

    /// How far a member is: where they were delivered, or where they joined.
    async fn marks(&self, entry: &Entry, users: &[UserId]) -> Result<Vec<Mark>, PortError> {
        let of: Vec<_> = users.iter().map(|user| (entry.conversation, *user)).collect();
        let cursors = self.chat.cursors(&of).await?;
        let roster = self.groups.roster(entry.conversation, entry.roster).await?;
        let joined = |user: &UserId| roster.member(*user).map_or(Mark::START, |member| member.joined);
        Ok(cursors.iter().zip(users).map(|(cursor, user)| cursor.delivered.max(joined(user))).collect())
    }
}

#[async_trait]
impl Absence for AbsenceTeller {
    async fn absent(&self, entry: &Entry) -> Result<Vec<(UserId, Mark)>, Rejection> {
        let roster = self.groups.roster(entry.conversation, entry.roster).await?;
        if roster.large {
            return Ok(vec![]);
        }
        let others: Vec<UserId> = roster
            .active_users()
            .filter(|user| *user != entry.sender && roster.sees(*user, entry.position))
            .collect();
        let sessions = self.registry.sessions(&others).await?;
        let absent: Vec<UserId> = others
            .into_iter()
            .zip(sessions)
            .filter(|(_, sessions)| sessions.is_empty())
            .map(|(user, _)| user)
            .collect();
        if absent.is_empty() {
            return Ok(vec![]);
        }
        let marks = self.marks(entry, &absent).await?;
        Ok(absent.into_iter().zip(marks).filter(|(_, mark)| mark.position < entry.position).collect())
    }

    async fn behind(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Mark, Head)>, Rejection> {
        let conversations = all_conversations(&*self.groups, user, None).await?;
        let of: Vec<_> = conversations.iter().map(|(conversation, _)| (*conversation, user)).collect();
        let cursors = self.chat.cursors(&of).await?;
        let mut behind = vec![];
        for ((conversation, _), cursor) in of.iter().zip(cursors) {
            let head = self.chat.head(*conversation).await?.unwrap_or_default();
            let standing = self.groups.standing(*conversation, user, head.roster).await?;
            let Some(Standing { member, .. }) = standing.filter(|standing| standing.member.is_active())
            else {
                continue;
            };
            let mark = cursor.delivered.max(member.joined);
            let mark = past_own(&*self.chat, *conversation, user, mark, head).await?;
            if mark.ordinal < head.ordinal {
                behind.push((*conversation, mark, head));
            }
        }
        behind.sort_unstable_by_key(|(conversation, _, head)| (std::cmp::Reverse(head.time), *conversation));
        behind.truncate(limit);
        Ok(behind)
    }

    async fn present(&self, user: UserId) -> Result<bool, Rejection> {
        let sessions = self.registry.sessions(&[user]).await?;
        Ok(sessions.iter().any(|sessions| !sessions.is_empty()))
    }
}
