//! The embedded engine: rows in the one key-value store of the process. Key: the conversation's key, in `reigns`; the count
//! of restores is the one row of `restores`.

use std::fmt::Display;

use async_trait::async_trait;
use domain::{ConversationId, Epoch, PortError, Position};
use prost::Message;
use store_kv::{Batch, Kv, Space, Value, format, write};

use crate::{BeginError, Reign, SequenceStore, follows_on};

/// The version that is written. Every version up to it is read.
const VERSION: u8 = 1;

/// `reigns`: one row for each conversation that is past its home's first epoch. The tags are for ever.
#[derive(Clone, PartialEq, Message)]
struct ReignRow {
    #[prost(uint32, tag = "1")]
    epoch: u32,
    #[prost(uint32, tag = "2")]
    since_epoch: u32,
    #[prost(uint64, tag = "3")]
    since_seq: u64,
}

/// `restores`: how often the store was restored.
#[derive(Clone, PartialEq, Message)]
struct RestoresRow {
    #[prost(uint32, tag = "1")]
    count: u32,
}

const RESTORES_KEY: &str = "count";

/// The Sequence DB in the process's key-value store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    kv: Kv,
    reigns: Space,
    restores: Space,
}

fn failed(error: impl Display) -> PortError {
    PortError::lasting("sequence store", error)
}

fn encode(reign: &Reign) -> Vec<u8> {
    let row = ReignRow { epoch: reign.epoch.0, since_epoch: reign.since.epoch.0, since_seq: reign.since.seq };
    format::encode(VERSION, &row)
}

fn decode(value: &[u8]) -> Result<Reign, PortError> {
    let row: ReignRow = format::decode(VERSION, value).map_err(failed)?;
    Ok(Reign { epoch: Epoch(row.epoch), since: Position::new(row.since_epoch, row.since_seq) })
}

impl Store {
    /// The Sequence DB kept in `kv`.
    pub fn open(kv: &Kv) -> Result<Self, PortError> {
        let space = |name| kv.space(name).map_err(failed);
        Ok(Self { kv: kv.clone(), reigns: space("reigns")?, restores: space("restores")? })
    }

    /// The stored row with its bytes, to require them.
    fn row(&self, conversation: ConversationId) -> Result<Option<(Reign, Value)>, PortError> {
        let Some(value) = self.reigns.get(conversation.to_key()).map_err(failed)? else { return Ok(None) };
        Ok(Some((decode(&value)?, value)))
    }
}

#[async_trait]
impl SequenceStore for Store {
    async fn reign(&self, conversation: ConversationId) -> Result<Option<Reign>, PortError> {
        Ok(self.row(conversation)?.map(|(reign, _)| reign))
    }

    async fn begin(
        &self,
        conversation: ConversationId,
        follows: Option<Reign>,
        reign: Reign,
    ) -> Result<(), BeginError> {
        let (found, stored) = self.row(conversation)?.unzip();
        if found != follows {
            return Err(BeginError::Conflict { found });
        }
        follows_on(conversation, follows, reign)?;
        let (key, mut batch) = (conversation.to_key(), Batch::new());
        match stored {
            Some(value) => batch.require(&self.reigns, key.clone(), value),
            None => batch.require_absent(&self.reigns, key.clone()),
        };
        batch.put(&self.reigns, key, encode(&reign));
        match self.kv.write(batch).await {
            Err(write::Error::Conflict { found, .. }) => {
                Err(BeginError::Conflict { found: found.map(|value| decode(&value)).transpose()? })
            }
            written => Ok(written.map_err(failed)?),
        }
    }

    async fn restores(&self) -> Result<u32, PortError> {
        let Some(value) = self.restores.get(RESTORES_KEY).map_err(failed)? else { return Ok(0) };
        Ok(format::decode::<RestoresRow>(VERSION, &value).map_err(failed)?.count)
    }

    async fn restored(&self) -> Result<u32, PortError> {
        let count = self.restores().await?.saturating_add(1);
        let mut batch = Batch::new();
        batch.put(&self.restores, RESTORES_KEY.as_bytes(), format::encode(VERSION, &RestoresRow { count }));
        self.kv.write(batch).await.map_err(failed)?;
        Ok(count)
    }
}

/// What a fuzz target calls: decodes a row, and demands that it survives being written. True if it is one.
///
/// # Panics
/// If it does not.
#[doc(hidden)]
pub fn fuzz_rows(data: &[u8]) -> bool {
    store_kv::fuzz::there_and_back(data, decode, encode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reign_of_version_1_is_read_for_ever() {
        let fixture = [1, 0x08, 0x82, 0x04, 0x10, 0x01, 0x18, 0xac, 0x02];
        let reign = Reign { epoch: Epoch(0x202), since: Position::new(1, 300) };
        assert_eq!(decode(&fixture).unwrap(), reign);
        assert_eq!(encode(&reign), fixture);
        assert_eq!(decode(&[1]).unwrap(), Reign { epoch: Epoch(0), since: Position::START });
    }
}
