//! The Sequence DB: who leads a conversation, in which epoch, since which seq.
//!
//! A conversation without a row is led by its home region in that region's first epoch. One region alone writes none.
//!
//! A store that was restored from a backup is older than what devices may hold of it. So every restore is counted, and no
//! conversation goes on in an epoch of before it: a position that was given once is never given again.
//!
//! The laws, which every engine passes in one suite ([`suite`]): a row is durable once `Ok`; it is replaced only if it is
//! still the one that the change was decided on; epochs and the count of restores only grow.

pub mod embedded;
pub mod suite;

use async_trait::async_trait;
use domain::{ConversationId, Epoch, PortError, Position};

/// A reign: the epoch, whose low byte names the leading region, and where it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reign {
    /// The epoch.
    pub epoch: Epoch,
    /// The last position before it.
    pub since: Position,
}

/// Why a reign did not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Another reign is stored than the one it should follow. Nothing was written.
    #[error("the conversation is in the reign {found:?} already")]
    Conflict {
        /// What is stored.
        found: Option<Reign>,
    },
    /// The epoch does not follow the stored one.
    #[error("epoch {0:?} does not follow the stored one")]
    NotLater(Epoch),
    /// The engine failed. Whether it happened is not known.
    #[error(transparent)]
    Store(#[from] PortError),
}

/// The Sequence DB. See the laws at the top of this crate.
#[async_trait]
pub trait SequenceStore: Send + Sync + 'static {
    /// The stored reign; `None` means the home's first epoch.
    async fn reign(&self, conversation: ConversationId) -> Result<Option<Reign>, PortError>;

    /// Stores `reign` if `follows` is what is stored.
    async fn begin(
        &self,
        conversation: ConversationId,
        follows: Option<Reign>,
        reign: Reign,
    ) -> Result<(), BeginError>;

    /// How often this store was restored from a backup.
    async fn restores(&self) -> Result<u32, PortError>;

    /// Counts a restore, and gives the count. Tried again it may count twice, which does no harm.
    async fn restored(&self) -> Result<u32, PortError>;
}

/// Whether `reign` is later than the one it follows: what every engine checks before it stores it.
pub fn follows_on(
    conversation: ConversationId,
    follows: Option<Reign>,
    reign: Reign,
) -> Result<(), BeginError> {
    let before = follows.map_or(Epoch::first(conversation.home()), |reign| reign.epoch);
    if reign.epoch > before { Ok(()) } else { Err(BeginError::NotLater(reign.epoch)) }
}
