//! How large the frames of a message are, by the types that they are made of.

use std::sync::Arc;

use anyhow::Result;
use domain::{ClientId, Content, ConversationId, DeviceId, Entry, Kind, Position, Region, Timestamp, UserId};
use protocol::frame::{FromDevice, FromServer, Send, Sent};
use serde::Serialize;
use serde_json::value::RawValue;

/// Bytes of the frames of one message between two people, WebSocket headers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) struct Sizes {
    /// What the sender writes.
    pub(in crate::bench) send: usize,
    /// What a receiver is given.
    pub(in crate::bench) entry: usize,
    /// What the sender is answered.
    pub(in crate::bench) sent: usize,
}

/// Headers: of a server's frame between 126 bytes and 64 KiB, and of a device's, which has a mask.
const HEADER_BYTES: usize = 4;
const MASKED_HEADER_BYTES: usize = 8;

impl Sizes {
    /// Those of a message with a text of so many bytes.
    pub(in crate::bench) fn of(text_bytes: usize) -> Result<Self> {
        let entry = entry(text_bytes, 100_000);
        let (conversation, client_id) = (entry.conversation, entry.client_id);
        let body = entry.body.as_ref().map_or("{}", |body| body.as_str()).to_owned();
        let send = Send { conversation, client_id, body: RawValue::from_string(body)?, after: None };
        let (position, ordinal, time) = (entry.position, entry.ordinal, entry.time);
        let sent = Sent { conversation, client_id, position, ordinal, time };
        let json = |frame: &FromServer| bytes(frame).map(|bytes| bytes + HEADER_BYTES);
        Ok(Self {
            send: bytes(&FromDevice::Send(send))? + MASKED_HEADER_BYTES,
            sent: json(&FromServer::Sent(sent))?,
            entry: json(&FromServer::Entry { entry: Arc::new(entry) })?,
        })
    }
}

fn bytes(frame: &impl Serialize) -> Result<usize> {
    Ok(serde_json::to_vec(frame)?.len())
}

/// A message between two people, as they come.
fn entry(text_bytes: usize, seq: u64) -> Entry {
    let user = |n| UserId::new(Region::ONLY, [n; 15]);
    Entry {
        conversation: ConversationId::direct(user(1), user(2)),
        position: Position::new(1, seq),
        kind: Kind::Message,
        sender: user(1),
        device: DeviceId::new(Region::ONLY, [3; 15]),
        client_id: ClientId::new(1_764_000_000_000, [4; 10]),
        time: Timestamp::from_unix_ms(1_764_000_000_000),
        ordinal: seq,
        roster: Position::START,
        was: None,
        body: Some(Content::message("x".repeat(text_bytes)).to_body()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_text_does_not_make_longer_frames() {
        let (short, long) = (Sizes::of(100).unwrap(), Sizes::of(1_100).unwrap());
        assert_eq!((long.send - short.send, long.entry - short.entry), (1_000, 1_000));
        assert_eq!(short.sent, long.sent);
        assert!(short.send > 200 && short.entry > short.send && short.sent > 150, "{short:?}");
    }
}
