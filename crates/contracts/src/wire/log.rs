//! What a log holds and what stands in it (`entry.proto`).

use domain::{
    Body, Cursor, Entry, Epoch, Generation, Head, Identity, Kind, Mark, Position, SessionId, Submission,
    Timestamp,
};

use super::error::Error;
use super::fields::{client_id, conversation, device, required, slot, user};
use crate::proto;

impl From<Position> for proto::Position {
    fn from(position: Position) -> Self {
        Self { epoch: position.epoch.0, seq: position.seq }
    }
}

impl From<proto::Position> for Position {
    fn from(position: proto::Position) -> Self {
        Self { epoch: Epoch(position.epoch), seq: position.seq }
    }
}

impl From<Mark> for proto::Mark {
    fn from(mark: Mark) -> Self {
        Self { position: Some(mark.position.into()), ordinal: mark.ordinal }
    }
}

impl TryFrom<proto::Mark> for Mark {
    type Error = Error;

    fn try_from(mark: proto::Mark) -> Result<Self, Error> {
        Ok(Self::new(required("mark.position", mark.position)?.into(), mark.ordinal))
    }
}

impl From<Cursor> for proto::Cursor {
    fn from(cursor: Cursor) -> Self {
        Self { delivered: Some(cursor.delivered.into()), read: Some(cursor.read.into()) }
    }
}

impl TryFrom<proto::Cursor> for Cursor {
    type Error = Error;

    fn try_from(cursor: proto::Cursor) -> Result<Self, Error> {
        Ok(Self {
            delivered: required("cursor.delivered", cursor.delivered)?.try_into()?,
            read: required("cursor.read", cursor.read)?.try_into()?,
        })
    }
}

impl From<Head> for proto::Head {
    fn from(head: Head) -> Self {
        Self {
            position: Some(head.position.into()),
            ordinal: head.ordinal,
            roster: Some(head.roster.into()),
            time_ms: head.time.unix_ms(),
        }
    }
}

impl TryFrom<proto::Head> for Head {
    type Error = Error;

    fn try_from(head: proto::Head) -> Result<Self, Error> {
        Ok(Self {
            position: required("head.position", head.position)?.into(),
            ordinal: head.ordinal,
            roster: required("head.roster", head.roster)?.into(),
            time: Timestamp::from_unix_ms(head.time_ms),
        })
    }
}

impl From<&Identity> for proto::Identity {
    fn from(identity: &Identity) -> Self {
        Self {
            conversation: identity.conversation.to_key(),
            sender: identity.sender.as_bytes().to_vec(),
            device: identity.device.as_bytes().to_vec(),
            client_id: identity.client_id.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<proto::Identity> for Identity {
    type Error = Error;

    fn try_from(identity: proto::Identity) -> Result<Self, Error> {
        Ok(Self {
            conversation: conversation(&identity.conversation)?,
            sender: user("sender", &identity.sender)?,
            device: device(&identity.device)?,
            client_id: client_id("client_id", &identity.client_id)?,
        })
    }
}

impl From<&Submission> for proto::Submission {
    fn from(submission: &Submission) -> Self {
        Self {
            identity: Some((&submission.identity).into()),
            kind: submission.kind.as_str().to_owned(),
            body: submission.body.as_str().to_owned(),
            after: submission.after.map(|after| after.as_bytes().to_vec()),
        }
    }
}

impl TryFrom<proto::Submission> for Submission {
    type Error = Error;

    fn try_from(submission: proto::Submission) -> Result<Self, Error> {
        Ok(Self {
            identity: required("submission.identity", submission.identity)?.try_into()?,
            kind: Kind::parse(&submission.kind),
            body: body(submission.body)?,
            after: submission.after.map(|after| client_id("after", &after)).transpose()?,
        })
    }
}

impl From<&Entry> for proto::Entry {
    fn from(entry: &Entry) -> Self {
        Self {
            conversation: entry.conversation.to_key(),
            position: Some(entry.position.into()),
            kind: entry.kind.as_str().to_owned(),
            sender: entry.sender.as_bytes().to_vec(),
            device: entry.device.as_bytes().to_vec(),
            client_id: entry.client_id.as_bytes().to_vec(),
            time_ms: entry.time.unix_ms(),
            ordinal: entry.ordinal,
            roster: Some(entry.roster.into()),
            was: entry.was.map(Into::into),
            body: entry.body.as_ref().map(|body| body.as_str().to_owned()),
        }
    }
}

impl TryFrom<proto::Entry> for Entry {
    type Error = Error;

    fn try_from(entry: proto::Entry) -> Result<Self, Error> {
        Ok(Self {
            conversation: conversation(&entry.conversation)?,
            position: required("entry.position", entry.position)?.into(),
            kind: Kind::parse(&entry.kind),
            sender: user("sender", &entry.sender)?,
            device: device(&entry.device)?,
            client_id: client_id("client_id", &entry.client_id)?,
            time: Timestamp::from_unix_ms(entry.time_ms),
            ordinal: entry.ordinal,
            roster: required("entry.roster", entry.roster)?.into(),
            was: entry.was.map(Into::into),
            body: entry.body.map(body).transpose()?,
        })
    }
}

/// The body, checked to be JSON: whoever passes it on pastes it into frames as it is.
fn body(json: String) -> Result<Body, Error> {
    Body::from_json(json).map_err(|error| Error::Value { field: "body", what: error.to_string() })
}

impl From<SessionId> for proto::SessionId {
    fn from(session: SessionId) -> Self {
        Self { slot: session.slot.0.into(), generation: session.generation.0, number: session.number }
    }
}

impl TryFrom<proto::SessionId> for SessionId {
    type Error = Error;

    fn try_from(session: proto::SessionId) -> Result<Self, Error> {
        Ok(Self {
            slot: slot(session.slot)?,
            generation: Generation(session.generation),
            number: session.number,
        })
    }
}
