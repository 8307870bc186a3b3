//! The decision: a stored reign and a region, to a grant or a refusal. Pure.

use contracts::services::{Grant, SequenceError};
use domain::{ConversationId, Epoch, Position, Region};
use store_sequence::Reign;

/// Whether `region` may number the conversation whose reign is stored as `stored`. Without one its home leads, in the
/// home's first epoch and from the log's start. A store that was restored `restores` times numbers in an epoch that no
/// earlier life of it has numbered in: devices may hold entries that the backup does not.
pub(crate) fn grant(
    conversation: ConversationId,
    stored: Option<Reign>,
    restores: u32,
    region: Region,
) -> Result<Grant, SequenceError> {
    let first = || Reign { epoch: Epoch::first(conversation.home()), since: Position::START };
    let Reign { epoch, since } = stored.unwrap_or_else(first);
    if epoch.region() != region {
        return Err(SequenceError::NotLeader(epoch));
    }
    Ok(Grant { epoch: epoch.max(Epoch::after_restores(restores, region)), since })
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
        let leads = |region| grant(direct(1, 2), None, 0, Region(region));
        assert_eq!(leads(1), Ok(Grant { epoch: Epoch(1), since: Position::START }));
        assert_eq!(leads(2), Err(SequenceError::NotLeader(Epoch(1))));
        assert_eq!(leads(3), Err(SequenceError::NotLeader(Epoch(1))));
    }

    #[test]
    fn a_home_that_handed_over_goes_on_numbering() {
        let reign = Reign { epoch: Epoch(0x0102), since: Position::new(1, 900) };
        let leads = |region| grant(direct(1, 2), Some(reign), 0, Region(region));
        assert_eq!(leads(1), Err(SequenceError::NotLeader(reign.epoch)));
        assert_eq!(leads(2), Ok(Grant { epoch: reign.epoch, since: reign.since }));
    }

    #[test]
    fn a_restored_store_gives_a_position_twice_or_leads_what_it_did_not() {
        let late = Reign { epoch: Epoch(0x0901), since: Position::new(1, 900) };
        let leads = |stored, restores, region| grant(direct(1, 2), stored, restores, Region(region));
        assert_eq!(leads(None, 1, 1), Ok(Grant { epoch: Epoch(0x0101), since: Position::START }));
        assert_eq!(leads(None, 2, 1), Ok(Grant { epoch: Epoch(0x0201), since: Position::START }));
        assert_eq!(leads(Some(late), 2, 1), Ok(Grant { epoch: late.epoch, since: late.since }));
        assert_eq!(leads(None, 2, 2), Err(SequenceError::NotLeader(Epoch(1))));
    }
}
