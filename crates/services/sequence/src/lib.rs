//! The Sequence Generator: who leads a conversation, in which epoch, since which seq.
//!
//! It grants a region the right to number a conversation from its head on. It does not count: the seq is counted by
//! whoever holds the log's end, and the Chat DB's conditional append is the fence, so a grant that has gone stale does no
//! harm. Deliberately absent: a cache (callers keep their grant until a conflict), and reigns that begin or end, which
//! come with the second region.

mod decide;
mod meters;

use std::sync::Arc;

use async_trait::async_trait;
use contracts::services::{Grant, SequenceError, Sequences};
use domain::{ConversationId, Region};
use store_sequence::SequenceStore;

use crate::meters::Meters;

/// Grants this region the numbering of the conversations that it leads.
#[derive(Clone)]
pub struct Generator {
    store: Arc<dyn SequenceStore>,
    region: Region,
    meters: Meters,
}

impl Generator {
    /// The generator of `region`.
    pub fn new(store: Arc<dyn SequenceStore>, region: Region) -> Self {
        Self { store, region, meters: Meters::new() }
    }
}

#[async_trait]
impl Sequences for Generator {
    async fn grant(&self, conversation: ConversationId) -> Result<Grant, SequenceError> {
        let granted = self.decided(conversation).await;
        self.meters.asked(&granted);
        granted
    }
}

impl Generator {
    async fn decided(&self, conversation: ConversationId) -> Result<Grant, SequenceError> {
        let stored = self.store.reign(conversation).await?;
        decide::grant(conversation, stored, self.store.restores().await?, self.region)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{Epoch, PortError, Position, UserId};
    use store_sequence::{BeginError, Reign};

    use super::*;

    /// Rows that are there, or a store that is not.
    struct Rows(Option<BTreeMap<ConversationId, Reign>>);

    #[async_trait]
    impl SequenceStore for Rows {
        async fn reign(&self, conversation: ConversationId) -> Result<Option<Reign>, PortError> {
            let rows = self.0.as_ref().ok_or_else(|| PortError::passing("sequence store", "away"))?;
            Ok(rows.get(&conversation).copied())
        }

        async fn begin(
            &self,
            _conversation: ConversationId,
            _follows: Option<Reign>,
            _reign: Reign,
        ) -> Result<(), BeginError> {
            unreachable!("a grant writes nothing")
        }

        async fn restores(&self) -> Result<u32, PortError> {
            Ok(0)
        }

        async fn restored(&self) -> Result<u32, PortError> {
            unreachable!("a grant writes nothing")
        }
    }

    fn own(region: u8) -> ConversationId {
        ConversationId::Own(UserId::new(Region(region), [7; 15]))
    }

    #[tokio::test]
    async fn a_region_numbers_what_another_one_leads() {
        let reign = Reign { epoch: Epoch(0x0101), since: Position::new(2, 40) };
        let store = Arc::new(Rows(Some(BTreeMap::from([(own(2), reign)]))));
        let (one, two) = (Generator::new(store.clone(), Region(1)), Generator::new(store, Region(2)));
        assert_eq!(one.grant(own(2)).await, Ok(Grant { epoch: reign.epoch, since: reign.since }));
        assert_eq!(two.grant(own(2)).await, Err(SequenceError::NotLeader(reign.epoch)));
        assert_eq!(two.grant(own(1)).await, Err(SequenceError::NotLeader(Epoch(1))));
    }

    #[tokio::test]
    async fn a_store_that_is_away_reads_as_a_conversation_without_a_row() {
        let answer = Generator::new(Arc::new(Rows(None)), Region(1)).grant(own(1)).await;
        assert!(matches!(answer, Err(SequenceError::Port(error)) if error.retryable()));
    }
}
