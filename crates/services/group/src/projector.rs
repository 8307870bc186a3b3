//! Brings what is known of a group up to its log: from the cache, the rows and the log, in this order; and the rows
//! forward with it.
//!
//! What the log says beyond the rows (a crash may have come between an append and its projection, or the rows were lost)
//! is taken in on the way, so that an answer is at least as new as it was asked to be, whatever the store holds. One task
//! at a time loads or projects a group; who waits for it finds the answer in the cache.
//!
//! Deliberately absent: links. Messaging links a person before the entry that lets them in, and until that is appended
//! whoever reads the log still sees them out: a reader must not tidy up.

use std::sync::{Arc, Mutex, MutexGuard};

use contracts::FailPoints;
use contracts::services::{GroupInfo, Log, Standing};
use domain::{ConversationId, Entry, PortError, Position, UserId};
use store_group::{Group, GroupStore, ProjectError};
use tokio::time::Instant;

use crate::cache::Cache;
use crate::meters::Meters;
use crate::projection::{Projection, Step};

/// Members' rows that are read at once, and after which a write is not made larger.
const ROWS_MAX: usize = 1_000;

/// Tries of a load or a write between which somebody else's writes come.
const TRIES: u32 = 8;

/// Groups that are loaded at once at most. A load holds up the groups that share its lock, one in this many.
const LOCKS: usize = 1_024;

/// The rows of all groups, and what is remembered of them.
pub struct Projector {
    store: Arc<dyn GroupStore>,
    log: Arc<dyn Log>,
    fail: Arc<dyn FailPoints>,
    cache: Mutex<Cache>,
    locks: Vec<tokio::sync::Mutex<()>>,
    meters: Meters,
}

/// The right to load and project the groups that share a lock.
pub struct Alone<'a> {
    projector: &'a Projector,
    conversation: ConversationId,
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

impl Projector {
    /// A projector of these logs into these rows, which remembers groups of `members_max` members in all.
    pub fn new(
        store: Arc<dyn GroupStore>,
        log: Arc<dyn Log>,
        fail: Arc<dyn FailPoints>,
        members_max: usize,
    ) -> Self {
        let locks = (0..LOCKS).map(|_| tokio::sync::Mutex::default()).collect();
        Self { store, log, fail, cache: Mutex::new(Cache::new(members_max)), locks, meters: Meters::new() }
    }

    /// A conversation as of `at_least` or later. One that is no group is the same for ever and touches no store.
    pub async fn projection(
        &self,
        conversation: ConversationId,
        at_least: Position,
    ) -> Result<Arc<Projection>, PortError> {
        if !matches!(conversation, ConversationId::Group(_)) {
            return Ok(Arc::new(Projection::initial(&conversation)));
        }
        match self.known(conversation, at_least) {
            Some(known) => {
                self.meters.hits.increment(1);
                Ok(known)
            }
            None => {
                self.meters.misses.increment(1);
                let began = Instant::now();
                let loaded = self.alone(conversation).await.projection(at_least).await;
                self.meters.loads.record(began.elapsed());
                loaded
            }
        }
    }

    /// What a person is to a conversation, as of `at_least` or later: from what is remembered, or from their row alone.
    /// Only if the rows are behind is the whole group brought up to its log.
    pub async fn standing(
        &self,
        conversation: ConversationId,
        user: UserId,
        at_least: Position,
    ) -> Result<Option<Standing>, PortError> {
        let is_group = matches!(conversation, ConversationId::Group(_));
        if is_group && self.known(conversation, at_least).is_none() {
            // The group's row first: the member's may then be newer than it, and never older.
            let row = self.store.group(conversation).await?.filter(|row| row.as_of >= at_least);
            if let Some(Group { as_of, name, active, history, .. }) = row {
                let member = self.store.member(conversation, user).await?;
                let group = GroupInfo { name, active, history };
                return Ok(member.map(|member| Standing { roster: as_of, member, group }));
            }
        }
        Ok(self.projection(conversation, at_least).await?.standing(user))
    }

    /// Waits until nobody else loads or projects this group.
    pub async fn alone(&self, conversation: ConversationId) -> Alone<'_> {
        let mix = |sum: usize, byte: &u8| sum.wrapping_mul(31).wrapping_add(usize::from(*byte));
        let lock = conversation.to_key().iter().fold(0, mix) % LOCKS;
        Alone { projector: self, conversation, _guard: self.locks[lock].lock().await }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().expect("nothing panics while it holds the cache")
    }

    fn known(&self, conversation: ConversationId, at_least: Position) -> Option<Arc<Projection>> {
        self.cache().get(conversation).filter(|known| known.as_of() >= at_least)
    }
}

impl Alone<'_> {
    /// The group as of `at_least` or later.
    pub async fn projection(&self, at_least: Position) -> Result<Arc<Projection>, PortError> {
        let base = match self.projector.known(self.conversation, Position::START) {
            Some(known) => known,
            None => self.load().await?,
        };
        if base.as_of() >= at_least {
            return Ok(base);
        }
        let (newest, steps) = self.advance(&base, &[]).await?;
        if let Err(error) = self.write(steps).await {
            tracing::warn!(conversation = %self.conversation, %error, "could not write a group's rows forward");
        }
        if newest.as_of() >= at_least {
            return Ok(newest);
        }
        let what = format!("the log of {} does not reach {at_least}", self.conversation);
        Err(PortError::passing("group", what))
    }

    /// Brings the stored rows up to these entries, which were appended. Gives what the rows are as of.
    pub async fn project(&self, entries: &[Arc<Entry>]) -> Result<Position, PortError> {
        let last = entries.last().map_or(Position::START, |entry| entry.position);
        for _ in 0..TRIES {
            let as_of = self.stored().await?.map_or(Position::START, |group| group.as_of);
            if as_of >= last {
                return Ok(as_of);
            }
            let known = self.projector.known(self.conversation, as_of).filter(|known| known.as_of() == as_of);
            let base = match known {
                Some(known) => known,
                None => self.load().await?,
            };
            let (newest, steps) = self.advance(&base, entries).await?;
            match self.write(steps).await {
                Ok(()) => return Ok(newest.as_of()),
                Err(ProjectError::Conflict { .. }) => {}
                Err(ProjectError::Store(error)) => return Err(error),
            }
        }
        Err(self.contended())
    }

    /// What the rows keep, whole: if they move on meanwhile they are read again.
    async fn load(&self) -> Result<Arc<Projection>, PortError> {
        for _ in 0..TRIES {
            let Some(group) = self.stored().await? else {
                return Ok(self.remember(Projection::initial(&self.conversation)));
            };
            let projection = self.load_members(group).await?;
            if self.stored().await?.is_some_and(|now| now.as_of == projection.as_of()) {
                return Ok(self.remember(projection));
            }
        }
        Err(self.contended())
    }

    async fn load_members(&self, group: Group) -> Result<Projection, PortError> {
        let mut members = vec![];
        loop {
            let after = members.last().map(|(user, _)| *user);
            let page = self.projector.store.members(self.conversation, after, ROWS_MAX).await?;
            if page.is_empty() {
                return Ok(Projection::from_rows(group, members));
            }
            members.extend(page);
        }
    }

    /// Takes in what the log holds beyond `base`, and then what it should hold but does not show yet. True whatever
    /// becomes of the writes.
    async fn advance(
        &self,
        base: &Projection,
        appended: &[Arc<Entry>],
    ) -> Result<(Arc<Projection>, Vec<Step>), PortError> {
        let mut entries = self.projector.log.projected(self.conversation, base.as_of()).await?;
        entries.extend_from_slice(appended);
        let mut newest = base.clone();
        let steps = newest.advance(&entries, ROWS_MAX);
        Ok((self.remember(newest), steps))
    }

    async fn write(&self, steps: Vec<Step>) -> Result<(), ProjectError> {
        let Projector { store, fail, .. } = self.projector;
        for Step { from, group, members } in steps {
            fail.hit("before_rows");
            store.project(self.conversation, from, group, members).await?;
            fail.hit("after_rows");
        }
        Ok(())
    }

    async fn stored(&self) -> Result<Option<Group>, PortError> {
        self.projector.store.group(self.conversation).await
    }

    fn remember(&self, projection: Projection) -> Arc<Projection> {
        let projection = Arc::new(projection);
        self.projector.cache().put(self.conversation, Arc::clone(&projection));
        projection
    }

    fn contended(&self) -> PortError {
        PortError::passing("group", format!("the rows of {} keep changing", self.conversation))
    }
}
