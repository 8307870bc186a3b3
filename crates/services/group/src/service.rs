//! What others ask of Group: rosters, what a group is called, its members, and which conversations a user is in.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use contracts::FailPoints;
use contracts::services::{GroupInfo, Groups, Log, Standing};
use domain::{ConversationId, Entry, Mark, PortError, Position, Role, Roster, UserId};
use store_group::GroupStore;

use crate::projection::{Projection, dismissed};
use crate::projector::Projector;

/// Links that are written at once at most.
const LINKS_MAX: usize = 1_000;

/// Settings of Group.
#[derive(Debug, Clone)]
pub struct Config {
    /// Members, of all groups together, that are kept in memory.
    pub cached_members_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { cached_members_max: 1_000_000 }
    }
}

/// Group. Cheap to clone; all clones are one service.
#[derive(Clone)]
pub struct Service {
    projector: Arc<Projector>,
    store: Arc<dyn GroupStore>,
    log: Arc<dyn Log>,
    fail: Arc<dyn FailPoints>,
}

impl Service {
    /// Group over these rows and these logs.
    pub fn new(
        store: Arc<dyn GroupStore>,
        log: Arc<dyn Log>,
        fail: Arc<dyn FailPoints>,
        config: &Config,
    ) -> Self {
        let (rows, logs, points) = (Arc::clone(&store), Arc::clone(&log), Arc::clone(&fail));
        let projector = Projector::new(rows, logs, points, config.cached_members_max);
        Self { projector: Arc::new(projector), store, log, fail }
    }

    /// Lists a conversation again for all who are in, as its log says: for when the rows were lost. Unlists nobody.
    pub async fn relink(&self, conversation: ConversationId) -> Result<(), PortError> {
        if self.log.head(conversation).await?.position == Position::START {
            return Ok(());
        }
        let roster = &self.current(conversation).await?.roster;
        let users: Vec<UserId> = roster.active_users().collect();
        self.link(conversation, &users, roster.large).await
    }

    /// A conversation as of the head of its log, or later.
    async fn current(&self, conversation: ConversationId) -> Result<Arc<Projection>, PortError> {
        let at_least = match conversation {
            ConversationId::Group(_) => self.log.head(conversation).await?.roster,
            ConversationId::Direct(..) | ConversationId::Own(_) => Position::START,
        };
        self.projector.projection(conversation, at_least).await
    }
}

#[async_trait]
impl Groups for Service {
    async fn roster(
        &self,
        conversation: ConversationId,
        at_least: Position,
    ) -> Result<Arc<Roster>, PortError> {
        let projection = self.projector.projection(conversation, at_least).await?;
        Ok(Arc::clone(&projection.roster))
    }

    async fn info(&self, conversation: ConversationId) -> Result<GroupInfo, PortError> {
        Ok(self.current(conversation).await?.info())
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        user: UserId,
        at_least: Position,
    ) -> Result<Option<Standing>, PortError> {
        self.projector.standing(conversation, user, at_least).await
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<(UserId, Role, Mark)>, Position), PortError> {
        let roster = &self.current(conversation).await?.roster;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = roster.members.range((from, Bound::Unbounded));
        let active = rows.filter_map(|(user, member)| Some((*user, member.role?, member.joined)));
        Ok((active.take(limit).collect(), roster.position))
    }

    async fn link(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        large: bool,
    ) -> Result<(), PortError> {
        for users in users.chunks(LINKS_MAX) {
            self.store.link(conversation, users, large).await?;
        }
        Ok(())
    }

    async fn applied(&self, entries: &[Arc<Entry>], roster: Arc<Roster>) -> Result<(), PortError> {
        let moving: Vec<Arc<Entry>> =
            entries.iter().filter(|entry| entry.kind.is_membership()).cloned().collect();
        let Some(conversation) = moving.first().map(|entry| entry.conversation) else { return Ok(()) };
        let alone = self.projector.alone(conversation).await;
        let as_of = alone.project(&moving).await?;
        // Who was let in again since these entries keeps the conversation: the newest roster decides.
        let gone = if as_of > roster.position {
            dismissed(&moving, &alone.projection(as_of).await?.roster)
        } else {
            dismissed(&moving, &roster)
        };
        for users in gone.chunks(LINKS_MAX) {
            self.store.unlink(conversation, users).await?;
            self.fail.hit("after_unlink");
        }
        Ok(())
    }

    async fn conversations(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, bool)>, PortError> {
        let links = self.store.links(user, after, limit).await?;
        Ok(links.into_iter().map(|link| (link.conversation, link.large)).collect())
    }
}
