//! Planted bugs in what is delivered: two deliveries of a conversation change places, and what was known already is not
//! delivered again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bus::{Consumer, Error, MessageBus, Refused, Source};
use contracts::records::{Delivery, Event};
use domain::{ConversationId, Position};

type Deliver = Arc<dyn MessageBus<Delivery>>;

/// Entries that were looked up by their identity and found, over all lives.
pub(in super::super) type KnownEntries = Arc<Mutex<BTreeSet<(ConversationId, Position)>>>;

/// What a planted bug makes of each delivery: those to publish in its place, in order.
trait Fault: Send + Sync + 'static {
    fn instead(&self, delivery: Delivery) -> Vec<Delivery>;
}

/// A topic with a fault in it.
pub(super) struct Faulty<F> {
    real: Deliver,
    fault: F,
}

/// Every other delivery of entries comes after the next one of its conversation.
pub(super) type Reordered = Faulty<Held>;

/// The delivery that is held back.
#[derive(Default)]
pub(super) struct Held(Mutex<Option<Delivery>>);

/// Entries that were known when they were submitted are delivered to nobody.
pub(super) type WithoutKnown = Faulty<Known>;

/// What is not delivered.
pub(super) struct Known(KnownEntries);

impl Reordered {
    pub(super) fn new(real: Deliver) -> Self {
        Self { real, fault: Held::default() }
    }
}

impl WithoutKnown {
    pub(super) fn new(real: Deliver, known: KnownEntries) -> Self {
        Self { real, fault: Known(known) }
    }
}

fn conversation(delivery: &Delivery) -> Option<ConversationId> {
    let of =
        |event: &Event| if let Event::Entry { entry, .. } = event { Some(entry.conversation) } else { None };
    delivery.events.iter().find_map(of)
}

impl Fault for Held {
    fn instead(&self, delivery: Delivery) -> Vec<Delivery> {
        let Some(id) = conversation(&delivery) else { return vec![delivery] };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.take_if(|held| conversation(held) == Some(id)) {
            Some(before) => vec![delivery, before],
            None => held.replace(delivery).into_iter().collect(),
        }
    }
}

impl Fault for Known {
    fn instead(&self, mut delivery: Delivery) -> Vec<Delivery> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        delivery.events.retain(|event| match event {
            Event::Entry { entry, .. } => !known.contains(&(entry.conversation, entry.position)),
            _ => true,
        });
        vec![delivery]
    }
}

impl<F: Fault> Source<Delivery> for Faulty<F> {
    fn subscribe(&self, group: &'static str) -> Result<Box<dyn Consumer<Delivery>>, Error> {
        self.real.subscribe(group)
    }

    fn lag(&self, group: &str) -> u64 {
        self.real.lag(group)
    }
}

#[async_trait]
impl<F: Fault> MessageBus<Delivery> for Faulty<F> {
    async fn publish(&self, record: Delivery) -> Result<(), Error> {
        for delivery in self.fault.instead(record) {
            self.real.publish(delivery).await?;
        }
        Ok(())
    }

    fn try_publish(&self, record: Delivery) -> Result<(), Refused<Delivery>> {
        self.real.try_publish(record)
    }

    fn assign(&self, group: &'static str, partition: u32) -> Result<Box<dyn Consumer<Delivery>>, Error> {
        self.real.assign(group, partition)
    }

    fn partitions(&self) -> u32 {
        self.real.partitions()
    }

    fn close(&self) {
        self.real.close();
    }
}
