//! The row as it is stored: a version byte and a prost message. The tags are for ever; a field that nobody writes any more
//! keeps its tag unused.

use domain::{ConversationId, Mark, PortError, Position, Timestamp};
use prost::Message;
use store_kv::format;

use super::failed;
use crate::Missed;

/// The version that is written. Every version up to it is read.
const VERSION: u8 = 1;

/// `missed`: one row for each conversation in which a person missed something, under the user's id and the
/// conversation's key.
#[derive(Clone, PartialEq, Message)]
struct MissedRow {
    #[prost(message, optional, tag = "1")]
    delivered: Option<MarkRow>,
    #[prost(message, optional, tag = "2")]
    as_of: Option<MarkRow>,
    #[prost(uint64, tag = "3")]
    time_unix_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct MarkRow {
    #[prost(uint32, tag = "1")]
    epoch: u32,
    #[prost(uint64, tag = "2")]
    seq: u64,
    #[prost(uint64, tag = "3")]
    ordinal: u64,
}

impl From<Mark> for MarkRow {
    fn from(mark: Mark) -> Self {
        Self { epoch: mark.position.epoch.0, seq: mark.position.seq, ordinal: mark.ordinal }
    }
}

fn mark(row: Option<MarkRow>) -> Mark {
    row.map_or(Mark::START, |row| Mark::new(Position::new(row.epoch, row.seq), row.ordinal))
}

pub(super) fn encode(missed: &Missed) -> Vec<u8> {
    let row = MissedRow {
        delivered: Some(missed.delivered.into()),
        as_of: Some(missed.as_of.into()),
        time_unix_ms: missed.time.unix_ms(),
    };
    format::encode(VERSION, &row)
}

pub(super) fn decode(conversation: ConversationId, value: &[u8]) -> Result<Missed, PortError> {
    let row: MissedRow = format::decode(VERSION, value).map_err(failed)?;
    Ok(Missed {
        conversation,
        delivered: mark(row.delivered),
        as_of: mark(row.as_of),
        time: Timestamp::from_unix_ms(row.time_unix_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_row_of_version_1_is_read_for_ever() {
        let fixture = [1, 0x0a, 0x00, 0x12, 0x07, 0x08, 0x81, 0x02, 0x10, 0x09, 0x18, 0x05, 0x18, 0xac, 0x02];
        let missed = Missed {
            conversation: ConversationId::Group([1; 16]),
            delivered: Mark::START,
            as_of: Mark::new(Position::new(257, 9), 5),
            time: Timestamp::from_unix_ms(300),
        };
        assert_eq!(encode(&missed), fixture);
        assert_eq!(decode(missed.conversation, &fixture).unwrap(), missed);
        assert_eq!(decode(missed.conversation, &[1]).unwrap().as_of, Mark::START);
    }
}
