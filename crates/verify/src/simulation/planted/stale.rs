//! A planted bug: membership read from an old roster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use contracts::services::{GroupInfo, Groups, Standing};
use domain::{ConversationId, Entry, Mark, PortError, Position, Role, Roster, UserId};

/// Groups whose every roster is the first one that was asked for, with its position made to look new enough.
pub(super) struct StaleGroups {
    real: Arc<dyn Groups>,
    first: OldRosters,
}

/// The first roster that was ever asked for of each conversation, over all lives.
pub(in super::super) type OldRosters = Arc<Mutex<BTreeMap<ConversationId, Arc<Roster>>>>;

impl StaleGroups {
    pub(super) fn new(real: Arc<dyn Groups>, first: OldRosters) -> Self {
        Self { real, first }
    }
}

#[async_trait]
impl Groups for StaleGroups {
    async fn roster(
        &self,
        conversation: ConversationId,
        at_least: Position,
    ) -> Result<Arc<Roster>, PortError> {
        let real = self.real.roster(conversation, at_least).await?;
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if real.active == 0 {
            return Ok(real);
        }
        let kept = first.entry(conversation).or_insert_with(|| Arc::clone(&real));
        Ok(Arc::new(Roster { position: real.position, ..(**kept).clone() }))
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        user: UserId,
        at_least: Position,
    ) -> Result<Option<Standing>, PortError> {
        let real = self.real.standing(conversation, user, at_least).await?;
        let stale = self.roster(conversation, at_least).await?;
        Ok(real.zip(stale.member(user).cloned()).map(|(real, member)| Standing { member, ..real }))
    }

    async fn info(&self, conversation: ConversationId) -> Result<GroupInfo, PortError> {
        self.real.info(conversation).await
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<(UserId, Role, Mark)>, Position), PortError> {
        self.real.members(conversation, after, limit).await
    }

    async fn link(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        large: bool,
    ) -> Result<(), PortError> {
        self.real.link(conversation, users, large).await
    }

    async fn applied(&self, entries: &[Arc<Entry>], roster: Arc<Roster>) -> Result<(), PortError> {
        self.real.applied(entries, roster).await
    }

    async fn conversations(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, bool)>, PortError> {
        self.real.conversations(user, after, limit).await
    }
}
