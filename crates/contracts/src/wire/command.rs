//! Topic `submit`.

use super::error::Error;
use super::fields::{conversation, required, user};
use crate::proto::{self, command::What, envelope};
use crate::records::{Append, Command, Move};

impl super::Record for Command {
    fn to_wire(&self) -> envelope::Record {
        envelope::Record::Command(self.into())
    }

    fn from_wire(record: envelope::Record) -> Result<Self, Error> {
        match record {
            envelope::Record::Command(command) => command.try_into(),
            _ => Err(Error::Topic { topic: <Self as bus::Record>::TOPIC }),
        }
    }
}

impl From<&Command> for proto::Command {
    fn from(command: &Command) -> Self {
        let what = match command {
            Command::Append(append) => What::Append(append.into()),
            Command::Move(moved) => What::Move(moved.into()),
        };
        Self { what: Some(what) }
    }
}

impl TryFrom<proto::Command> for Command {
    type Error = Error;

    fn try_from(command: proto::Command) -> Result<Self, Error> {
        Ok(match required("command", command.what)? {
            What::Append(append) => Self::Append(append.try_into()?),
            What::Move(moved) => Self::Move(moved.try_into()?),
        })
    }
}

impl From<&Append> for proto::Append {
    fn from(append: &Append) -> Self {
        Self {
            submission: Some((&append.submission).into()),
            origin: Some(append.origin.into()),
            trace: append.trace.as_deref().copied().map(Into::into),
        }
    }
}

impl TryFrom<proto::Append> for Append {
    type Error = Error;

    fn try_from(append: proto::Append) -> Result<Self, Error> {
        Ok(Self {
            submission: required("append.submission", append.submission)?.try_into()?,
            origin: required("append.origin", append.origin)?.try_into()?,
            trace: append.trace.map(|trace| Box::new(trace.into())),
        })
    }
}

impl From<&Move> for proto::Move {
    fn from(moved: &Move) -> Self {
        Self {
            conversation: moved.conversation.to_key(),
            user: moved.user.as_bytes().to_vec(),
            delivered: moved.delivered.map(Into::into),
            read: moved.read.map(Into::into),
            origin: Some(moved.origin.into()),
        }
    }
}

impl TryFrom<proto::Move> for Move {
    type Error = Error;

    fn try_from(moved: proto::Move) -> Result<Self, Error> {
        Ok(Self {
            conversation: conversation(&moved.conversation)?,
            user: user("user", &moved.user)?,
            delivered: moved.delivered.map(Into::into),
            read: moved.read.map(Into::into),
            origin: required("move.origin", moved.origin)?.try_into()?,
        })
    }
}
