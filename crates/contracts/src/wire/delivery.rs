//! Topic `deliver`: the record and the small things in it. [`super::event`] is what its events say.

use domain::{Generation, Timestamp};

use super::error::Error;
use super::fields::{conversation, required, slot};
use crate::proto::{self, envelope};
use crate::records::{Delivery, LargeGroup, Stored};
use crate::trace::Trace;

impl super::Record for Delivery {
    fn to_wire(&self) -> envelope::Record {
        envelope::Record::Delivery(self.into())
    }

    fn from_wire(record: envelope::Record) -> Result<Self, Error> {
        match record {
            envelope::Record::Delivery(delivery) => delivery.try_into(),
            _ => Err(Error::Topic { topic: <Self as bus::Record>::TOPIC }),
        }
    }
}

impl From<&Delivery> for proto::Delivery {
    fn from(delivery: &Delivery) -> Self {
        Self {
            slot: delivery.slot.0.into(),
            generation: delivery.generation.0,
            events: delivery.events.iter().map(Into::into).collect(),
            traces: delivery.traces.iter().copied().map(Into::into).collect(),
        }
    }
}

impl TryFrom<proto::Delivery> for Delivery {
    type Error = Error;

    fn try_from(delivery: proto::Delivery) -> Result<Self, Error> {
        Ok(Self {
            slot: slot(delivery.slot)?,
            generation: Generation(delivery.generation),
            events: delivery.events.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            traces: delivery.traces.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<Trace> for proto::Trace {
    fn from(trace: Trace) -> Self {
        Self { id_high: (trace.id >> 64) as u64, id_low: trace.id as u64, step: trace.step }
    }
}

impl From<proto::Trace> for Trace {
    fn from(trace: proto::Trace) -> Self {
        Self { id: u128::from(trace.id_high) << 64 | u128::from(trace.id_low), step: trace.step }
    }
}

impl From<Stored> for proto::Stored {
    fn from(stored: Stored) -> Self {
        Self {
            position: Some(stored.position.into()),
            ordinal: stored.ordinal,
            time_ms: stored.time.unix_ms(),
        }
    }
}

impl TryFrom<proto::Stored> for Stored {
    type Error = Error;

    fn try_from(stored: proto::Stored) -> Result<Self, Error> {
        Ok(Self {
            position: required("stored.position", stored.position)?.into(),
            ordinal: stored.ordinal,
            time: Timestamp::from_unix_ms(stored.time_ms),
        })
    }
}

impl From<&LargeGroup> for proto::LargeGroup {
    fn from(group: &LargeGroup) -> Self {
        Self {
            conversation: group.conversation.to_key(),
            roster: Some(group.roster.into()),
            from: Some(group.from.into()),
        }
    }
}

impl TryFrom<proto::LargeGroup> for LargeGroup {
    type Error = Error;

    fn try_from(group: proto::LargeGroup) -> Result<Self, Error> {
        Ok(Self {
            conversation: conversation(&group.conversation)?,
            roster: required("large_group.roster", group.roster)?.into(),
            from: required("large_group.from", group.from)?.into(),
        })
    }
}
