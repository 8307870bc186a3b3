//! The Chat DB of a simulation: what is on its disk survives a crash, what was under way may or may not be there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::{ConversationId, Cursor, Entry, Head, Identity, PortError, Position, UserId};
use store_chat::{AppendError, ChatStore, CursorMove, Edge};

use super::Bug;
use super::chance::Chance;
use super::planted::{KnownEntries, OldRosters};

#[derive(Debug, Default)]
struct Rows {
    logs: BTreeMap<ConversationId, BTreeMap<Position, Arc<Entry>>>,
    identities: BTreeMap<Identity, Position>,
    cursors: BTreeMap<(ConversationId, UserId), Cursor>,
}

/// A disk, and chance in how long it takes and whether its answers arrive. A clone is another handle to the same disk.
#[derive(Clone)]
pub(crate) struct Disk {
    rows: Arc<Mutex<Rows>>,
    chance: Chance,
    bug: Option<Bug>,
    /// The Group DB, which is on the same disk.
    pub(super) groups: Arc<store_group::memory::Store>,
    /// Where a planted bug keeps old rosters.
    pub(super) old_rosters: OldRosters,
    /// What was found by its identity, for a planted bug.
    pub(super) known: KnownEntries,
}

impl Disk {
    pub(crate) fn new(chance: Chance, bug: Option<Bug>) -> Self {
        let (rows, groups, old_rosters, known) = Default::default();
        Self { rows, chance, bug, groups, old_rosters, known }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every log, whole.
    pub(crate) fn logs(&self) -> crate::checker::Logs {
        self.rows().logs.iter().map(|(id, log)| (*id, log.values().cloned().collect())).collect()
    }

    async fn read(&self) -> Result<(), PortError> {
        if self.chance.one_in(8) {
            self.chance.pause(4).await;
        }
        if self.chance.one_in(400) {
            return Err(PortError::passing("chat store", "a read that failed in the simulation"));
        }
        Ok(())
    }

    fn head_in(&self, rows: &Rows, conversation: ConversationId) -> Option<Head> {
        let mut head = rows.logs.get(&conversation)?.values().next_back()?.head();
        head.position.seq += u64::from(self.bug == Some(Bug::SkippedSeq));
        Some(head)
    }

    fn write(
        &self,
        conversation: ConversationId,
        after: Position,
        entries: &[Arc<Entry>],
    ) -> Result<(), AppendError> {
        let mut rows = self.rows();
        let head = self.head_in(&rows, conversation);
        let fits = head.unwrap_or_default().position == after;
        if !fits && self.bug != Some(Bug::NoFence) {
            return Err(AppendError::Conflict { head });
        }
        for entry in entries {
            rows.identities.insert(entry.identity(), entry.position);
            rows.logs.entry(conversation).or_default().insert(entry.position, Arc::clone(entry));
        }
        Ok(())
    }
}

#[async_trait]
impl ChatStore for Disk {
    async fn head(&self, conversation: ConversationId) -> Result<Option<Head>, PortError> {
        self.read().await?;
        Ok(self.head_in(&self.rows(), conversation))
    }

    async fn append(
        &self,
        conversation: ConversationId,
        after: Position,
        entries: Vec<Arc<Entry>>,
    ) -> Result<(), AppendError> {
        self.chance.pause(6).await;
        if self.chance.one_in(60) {
            return Err(PortError::passing("chat store", "an append that did not happen").into());
        }
        if self.bug == Some(Bug::AckBeforeStored) && self.chance.one_in(4) {
            return Ok(());
        }
        self.write(conversation, after, &entries)?;
        self.chance.pause(6).await;
        if self.chance.one_in(60) {
            return Err(PortError::passing("chat store", "an append whose answer was lost").into());
        }
        Ok(())
    }

    async fn find(&self, identities: &[Identity]) -> Result<Vec<Option<Arc<Entry>>>, PortError> {
        self.read().await?;
        if self.bug == Some(Bug::ForgottenIdentity) {
            return Ok(vec![None; identities.len()]);
        }
        let rows = self.rows();
        let entry = |identity: &Identity| {
            let position = rows.identities.get(identity)?;
            rows.logs.get(&identity.conversation)?.get(position).cloned()
        };
        let found: Vec<Option<Arc<Entry>>> = identities.iter().map(entry).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(found.iter().flatten().map(|entry| (entry.conversation, entry.position)));
        Ok(found)
    }

    async fn entry(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<Arc<Entry>>, PortError> {
        self.read().await?;
        Ok(self.rows().logs.get(&conversation).and_then(|log| log.get(&at).cloned()))
    }

    async fn page(
        &self,
        conversation: ConversationId,
        edge: Edge,
        count_max: usize,
        _bytes_max: usize,
    ) -> Result<Vec<Arc<Entry>>, PortError> {
        self.read().await?;
        let rows = self.rows();
        let Some(log) = rows.logs.get(&conversation) else { return Ok(vec![]) };
        Ok(match edge {
            Edge::After(after) => {
                let ahead = log.iter().filter(|(position, _)| **position > after);
                ahead.take(count_max).map(|(_, entry)| Arc::clone(entry)).collect()
            }
            Edge::Before(before) => {
                log.range(..before).rev().take(count_max).map(|(_, e)| Arc::clone(e)).collect()
            }
        })
    }

    async fn move_cursors(&self, moves: Vec<CursorMove>) -> Result<Vec<Cursor>, PortError> {
        self.chance.pause(6).await;
        let mut rows = self.rows();
        let merged = |CursorMove { conversation, user, cursor }: CursorMove| {
            let stored = rows.cursors.entry((conversation, user)).or_default();
            *stored = if self.bug == Some(Bug::CursorGoesBack) { cursor } else { stored.merge(cursor) };
            *stored
        };
        Ok(moves.into_iter().map(merged).collect())
    }

    async fn cursors(&self, of: &[(ConversationId, UserId)]) -> Result<Vec<Cursor>, PortError> {
        self.read().await?;
        let rows = self.rows();
        if self.bug == Some(Bug::CursorGoesBack) {
            return Ok(vec![Cursor::default(); of.len()]);
        }
        Ok(of.iter().map(|key| rows.cursors.get(key).copied().unwrap_or_default()).collect())
    }

    async fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, PortError> {
        let rows = self.rows();
        Ok(rows
            .logs
            .keys()
            .filter(|id| after.is_none_or(|after| **id > after))
            .take(limit)
            .copied()
            .collect())
    }
}
