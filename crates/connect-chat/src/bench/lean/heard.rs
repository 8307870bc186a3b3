//! What a meter needs to know of a frame, read in place. Pure.

use anyhow::{Context, Result};
use domain::Position;
use protocol::frame;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A frame, as far as a meter needs it.
#[derive(Debug)]
pub(in crate::bench) enum Heard<'a> {
    Welcome,
    /// A submission was stored.
    Sent {
        client_id: &'a str,
    },
    /// An entry.
    Entry(Entry<'a>),
    /// A submission, or another frame, was refused.
    Error(Box<frame::Error>),
    /// The answer to `sync`.
    Changes(Box<Changes<'a>>),
    /// The session missed something.
    Lagged,
    /// The server ends the session.
    Goodbye(Box<frame::Goodbye>),
    /// Anything else.
    Other,
}

/// An entry, as far as a meter needs it.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Entry<'a> {
    pub(in crate::bench) conversation: &'a str,
    pub(in crate::bench) client_id: &'a str,
    pub(in crate::bench) position: Position,
    pub(in crate::bench) kind: &'a str,
    #[serde(borrow)]
    pub(in crate::bench) body: Option<&'a RawValue>,
}

/// What changed, as far as a meter needs it.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Changes<'a> {
    pub(in crate::bench) token: &'a str,
    pub(in crate::bench) more: bool,
    #[serde(borrow)]
    pub(in crate::bench) conversations: Vec<Shown<'a>>,
}

/// A conversation in it.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Shown<'a> {
    /// The newest entries, oldest first.
    #[serde(borrow)]
    pub(in crate::bench) entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    r#type: &'a str,
    client_id: Option<&'a str>,
    #[serde(borrow)]
    entry: Option<Entry<'a>>,
}

/// Reads a frame.
pub(in crate::bench) fn parse(bytes: &[u8]) -> Result<Heard<'_>> {
    let frame: Frame<'_> = serde_json::from_slice(bytes).with_context(|| {
        format!("not a frame: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]))
    })?;
    Ok(match frame.r#type {
        "entry" => Heard::Entry(frame.entry.context("an entry frame without an entry")?),
        "sent" => Heard::Sent { client_id: frame.client_id.context("a sent frame without a client id")? },
        "welcome" => Heard::Welcome,
        "error" => Heard::Error(Box::new(serde_json::from_slice(bytes)?)),
        "changes" => Heard::Changes(Box::new(serde_json::from_slice(bytes)?)),
        "lagged" => Heard::Lagged,
        "goodbye" => Heard::Goodbye(Box::new(serde_json::from_slice(bytes)?)),
        _ => Heard::Other,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{ClientId, Content, ConversationId, DeviceId, Kind, Region, Timestamp, UserId};
    use protocol::frame::{FromServer, Sent};

    use super::*;

    fn json(frame: &FromServer) -> Vec<u8> {
        serde_json::to_vec(frame).unwrap()
    }

    #[test]
    fn what_the_server_writes_is_what_the_meter_reads() {
        let user = UserId::new(Region::ONLY, [1; 15]);
        let entry = domain::Entry {
            conversation: ConversationId::Own(user),
            position: Position::new(1, 7),
            kind: Kind::Message,
            sender: user,
            device: DeviceId::new(Region::ONLY, [2; 15]),
            client_id: super::super::numbered(5, 42),
            time: Timestamp::default(),
            ordinal: 3,
            roster: Position::START,
            was: None,
            body: Some(Content::message("a \"b\" \u{1F980}").to_body()),
        };
        let bytes = json(&FromServer::Entry { entry: Arc::new(entry) });
        let Heard::Entry(read) = parse(&bytes).unwrap() else { panic!() };
        assert_eq!((read.position, read.kind), (Position::new(1, 7), "message"));
        assert_eq!(read.conversation.parse(), Ok(ConversationId::Own(user)));
        assert_eq!(super::super::number_of(read.client_id), Some(42));
        let sent = FromServer::Sent(Sent {
            conversation: ConversationId::Own(user),
            client_id: ClientId::new(5, [0; 10]),
            position: Position::new(1, 7),
            ordinal: 3,
            time: Timestamp::default(),
        });
        assert!(matches!(parse(&json(&sent)).unwrap(), Heard::Sent { .. }));
        assert!(matches!(parse(&json(&FromServer::Lagged {})).unwrap(), Heard::Lagged));
        assert!(matches!(parse(&json(&FromServer::Pong {})).unwrap(), Heard::Other));
        assert!(parse(b"{").is_err());
    }
}
