//! Topic `sessions`.

use super::error::Error;
use super::fields::{device, required, user};
use crate::proto::{self, envelope};
use crate::records::{Announcement, SessionChange};

impl super::Record for Announcement {
    fn to_wire(&self) -> envelope::Record {
        envelope::Record::Announcement(self.into())
    }

    fn from_wire(record: envelope::Record) -> Result<Self, Error> {
        match record {
            envelope::Record::Announcement(announcement) => announcement.try_into(),
            _ => Err(Error::Topic { topic: <Self as bus::Record>::TOPIC }),
        }
    }
}

impl From<&Announcement> for proto::Announcement {
    fn from(announcement: &Announcement) -> Self {
        let change = match announcement.change {
            SessionChange::Began => proto::SessionChange::Began,
            SessionChange::Ended => proto::SessionChange::Ended,
            SessionChange::SignedOut => proto::SessionChange::SignedOut,
        };
        Self {
            user: announcement.user.as_bytes().to_vec(),
            device: announcement.device.as_bytes().to_vec(),
            session: Some(announcement.session.into()),
            change: change.into(),
        }
    }
}

impl TryFrom<proto::Announcement> for Announcement {
    type Error = Error;

    fn try_from(announcement: proto::Announcement) -> Result<Self, Error> {
        let change = match proto::SessionChange::try_from(announcement.change) {
            Ok(proto::SessionChange::Began) => SessionChange::Began,
            Ok(proto::SessionChange::Ended) => SessionChange::Ended,
            Ok(proto::SessionChange::SignedOut) => SessionChange::SignedOut,
            Ok(proto::SessionChange::Unspecified) | Err(_) => {
                return Err(Error::Missing("announcement.change"));
            }
        };
        Ok(Self {
            user: user("user", &announcement.user)?,
            device: device(&announcement.device)?,
            session: required("announcement.session", announcement.session)?.try_into()?,
            change,
        })
    }
}
