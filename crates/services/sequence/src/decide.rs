//! The decision: a stored reign and a region, to a grant or a refusal. Pure.

use contracts::services::{Grant, SequenceError};
use domain::{ConversationId, Epoch, Position, Region};
use store_sequence::Reign;

/// Whether `region` may number the conversation whose reign is stored as `stored`. Without one its home leads, in the
/// home's first epoch and from the log's start.
pub(crate) fn grant(
    conversation: ConversationId,
    stored: Option<Reign>,
    region: Region,
) -> Result<Grant, SequenceError> {
    let first = || Reign { epoch: Epoch::first(conversation.home()), since: Position::START };
    let Reign { epoch, since } = stored.unwrap_or_else(first);
    if epoch.region() == region { Ok(Grant { epoch, since }) } else { Err(SequenceError::NotLeader(epoch)) }
}

#[cfg(test)]
mod tests {
    use domain::UserId;

    use super::*;

    fn direct(lower: u8, higher: u8) -> ConversationId {
        let user = |region| UserId::new(Region(region), [region; 15]);
        ConversationId::direct(user(higher), user(lower))
    }

    #[test]
    fn a_conversation_without_a_row_has_no_leader_or_two() {
        let leads = |region| grant(direct(1, 2), None, Region(region));
        assert_eq!(leads(1), Ok(Grant { epoch: Epoch(1), since: Position::START }));
        assert_eq!(leads(2), Err(SequenceError::NotLeader(Epoch(1))));
        assert_eq!(leads(3), Err(SequenceError::NotLeader(Epoch(1))));
    }

    #[test]
    fn a_home_that_handed_over_goes_on_numbering() {
        let reign = Reign { epoch: Epoch(0x0102), since: Position::new(1, 900) };
        let leads = |region| grant(direct(1, 2), Some(reign), Region(region));
        assert_eq!(leads(1), Err(SequenceError::NotLeader(reign.epoch)));
        assert_eq!(leads(2), Ok(Grant { epoch: reign.epoch, since: reign.since }));
    }
}
