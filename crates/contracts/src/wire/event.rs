//! The events of a delivery.

use std::sync::Arc;

use domain::Position;

use super::error::Error;
use super::fields::{client_id, conversation, device, required, user};
use crate::proto::{self, appended, event::What, outcome};
use crate::records::{Audience, Event, Moved};

impl From<&Event> for proto::Event {
    fn from(event: &Event) -> Self {
        let what = match event {
            Event::Outcome { to, conversation, client_id, result } => What::Outcome(proto::Outcome {
                to: *to,
                conversation: conversation.to_key(),
                client_id: client_id.as_bytes().to_vec(),
                result: Some(match result {
                    Ok(stored) => outcome::Result::Stored((*stored).into()),
                    Err(rejection) => outcome::Result::Rejected(rejection.into()),
                }),
            }),
            Event::Entry { entry, to, except } => What::Appended(proto::Appended {
                entry: Some((&**entry).into()),
                to: Some(to.into()),
                except: *except,
            }),
            Event::Cursor { conversation, user, cursor, to } => What::CursorMoved(proto::CursorMoved {
                conversation: conversation.to_key(),
                user: user.as_bytes().to_vec(),
                cursor: Some((*cursor).into()),
                to: to.clone(),
            }),
            Event::MoveRefused { to, conversation, moved, rejection } => {
                What::MoveRefused(proto::MoveRefused {
                    to: *to,
                    conversation: conversation.to_key(),
                    moved: proto::Moved::from(*moved).into(),
                    rejection: Some(rejection.into()),
                })
            }
            Event::Registered { session, large, refused } => What::Registered(proto::Registered {
                session: *session,
                large: large.iter().map(Into::into).collect(),
                refused: refused.as_ref().map(Into::into),
            }),
            Event::Large { conversation, roster, members } => What::Large(proto::Large {
                conversation: conversation.to_key(),
                roster: Some((*roster).into()),
                members: members.iter().map(newcomer).collect(),
            }),
            Event::Lagged { to } => What::Lagged(proto::Lagged { to: to.clone() }),
            Event::SignedOut { device } => {
                What::SignedOut(proto::SignedOut { device: device.as_bytes().to_vec() })
            }
        };
        Self { what: Some(what) }
    }
}

impl TryFrom<proto::Event> for Event {
    type Error = Error;

    fn try_from(event: proto::Event) -> Result<Self, Error> {
        match required("event", event.what)? {
            What::Outcome(outcome) => outcome.try_into(),
            What::Appended(appended) => appended.try_into(),
            What::CursorMoved(moved) => moved.try_into(),
            What::MoveRefused(refused) => refused.try_into(),
            What::Registered(registered) => registered.try_into(),
            What::Large(large) => large.try_into(),
            What::Lagged(lagged) => Ok(Self::Lagged { to: lagged.to }),
            What::SignedOut(out) => Ok(Self::SignedOut { device: device(&out.device)? }),
        }
    }
}

impl TryFrom<proto::Outcome> for Event {
    type Error = Error;

    fn try_from(outcome: proto::Outcome) -> Result<Self, Error> {
        Ok(Self::Outcome {
            to: outcome.to,
            conversation: conversation(&outcome.conversation)?,
            client_id: client_id("client_id", &outcome.client_id)?,
            result: match required("outcome.result", outcome.result)? {
                outcome::Result::Stored(stored) => Ok(stored.try_into()?),
                outcome::Result::Rejected(rejection) => Err(rejection.into()),
            },
        })
    }
}

impl TryFrom<proto::Appended> for Event {
    type Error = Error;

    fn try_from(appended: proto::Appended) -> Result<Self, Error> {
        Ok(Self::Entry {
            entry: Arc::new(required("appended.entry", appended.entry)?.try_into()?),
            to: required("appended.to", appended.to)?.try_into()?,
            except: appended.except,
        })
    }
}

impl From<&Audience> for appended::To {
    fn from(audience: &Audience) -> Self {
        match audience {
            Audience::Sessions(numbers) => Self::Sessions(proto::Sessions { numbers: numbers.clone() }),
            Audience::Members { roster_before } => {
                Self::Members(proto::Members { roster_before: Some((*roster_before).into()) })
            }
        }
    }
}

impl TryFrom<appended::To> for Audience {
    type Error = Error;

    fn try_from(to: appended::To) -> Result<Self, Error> {
        Ok(match to {
            appended::To::Sessions(sessions) => Self::Sessions(sessions.numbers),
            appended::To::Members(members) => Self::Members {
                roster_before: required("members.roster_before", members.roster_before)?.into(),
            },
        })
    }
}

impl TryFrom<proto::CursorMoved> for Event {
    type Error = Error;

    fn try_from(moved: proto::CursorMoved) -> Result<Self, Error> {
        Ok(Self::Cursor {
            conversation: conversation(&moved.conversation)?,
            user: user("user", &moved.user)?,
            cursor: required("cursor_moved.cursor", moved.cursor)?.try_into()?,
            to: moved.to,
        })
    }
}

impl From<Moved> for proto::Moved {
    fn from(moved: Moved) -> Self {
        match moved {
            Moved::Delivered => Self::Delivered,
            Moved::Read => Self::Read,
        }
    }
}

impl TryFrom<proto::MoveRefused> for Event {
    type Error = Error;

    fn try_from(refused: proto::MoveRefused) -> Result<Self, Error> {
        let moved = match proto::Moved::try_from(refused.moved) {
            Ok(proto::Moved::Delivered) => Moved::Delivered,
            Ok(proto::Moved::Read) => Moved::Read,
            Ok(proto::Moved::Unspecified) | Err(_) => return Err(Error::Missing("move_refused.moved")),
        };
        Ok(Self::MoveRefused {
            to: refused.to,
            conversation: conversation(&refused.conversation)?,
            moved,
            rejection: required("move_refused.rejection", refused.rejection)?.into(),
        })
    }
}

impl TryFrom<proto::Registered> for Event {
    type Error = Error;

    fn try_from(registered: proto::Registered) -> Result<Self, Error> {
        Ok(Self::Registered {
            session: registered.session,
            large: registered.large.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            refused: registered.refused.map(Into::into),
        })
    }
}

impl TryFrom<proto::Large> for Event {
    type Error = Error;

    fn try_from(large: proto::Large) -> Result<Self, Error> {
        let member = |newcomer: proto::Newcomer| {
            Ok((newcomer.session, required("newcomer.from", newcomer.from)?.into()))
        };
        Ok(Self::Large {
            conversation: conversation(&large.conversation)?,
            roster: required("large.roster", large.roster)?.into(),
            members: large.members.into_iter().map(member).collect::<Result<_, Error>>()?,
        })
    }
}

fn newcomer(&(session, from): &(u64, Position)) -> proto::Newcomer {
    proto::Newcomer { session, from: Some(from.into()) }
}
