//! Hands out what the bus delivers to the slot, in order. It never waits for a session: what does not fit in a queue
//! makes that session lag.

use std::cell::OnceCell;
use std::sync::Arc;

use bus::Consumer;
use bytes::Bytes;
use contracts::records::{Audience, Delivery, Event, LargeGroup, Moved, Stored};
use contracts::services::SlotLease;
use contracts::trace::Steps;
use domain::{ClientId, ConversationId, Cursor, DeviceId, Entry, Moment, Position, Rejection, UserId};
use protocol::frame::{self, FromServer, Reason};

use super::{Hub, Seat};
use crate::frames;
use crate::meters::Meters;
use crate::session::{Goodbye, Pushed};

/// Hands out deliveries until they cannot be read any more.
pub(super) async fn follow(
    hub: &Hub,
    lease: SlotLease,
    consumer: &mut Box<dyn Consumer<Delivery>>,
) -> bus::Error {
    loop {
        if let Err(error) = take(hub, lease, consumer).await {
            return error;
        }
    }
}

async fn take(
    hub: &Hub,
    lease: SlotLease,
    consumer: &mut Box<dyn Consumer<Delivery>>,
) -> Result<(), bus::Error> {
    let messages = consumer.next(hub.config.deliveries_max).await?;
    let now = hub.moment();
    let mut done = None;
    for message in messages {
        done = Some((message.partition, message.offset + 1));
        let Delivery { slot, generation, events, traces } = message.record;
        if (slot, generation) != (lease.slot, lease.generation) {
            hub.meters.void_deliveries.increment(1);
            continue;
        }
        let mut steps = Steps::after(traces);
        steps.next("gateway.deliver");
        for (index, event) in events.into_iter().enumerate() {
            if index > 0 {
                hub.fail.hit("between_events");
            }
            hub.happened(event, now);
        }
    }
    match done {
        Some((partition, offset)) => consumer.commit(partition, offset).await,
        None => Ok(()),
    }
}

impl Hub {
    fn happened(&self, event: Event, now: Moment) {
        match event {
            Event::Outcome { to, conversation, client_id, result } => {
                self.outcome(to, conversation, client_id, result, now);
            }
            Event::Entry { entry, to: Audience::Sessions(to), except } => {
                self.entry(&entry, &to, except, now)
            }
            Event::Entry { entry, to: Audience::Members { roster_before }, except } => {
                self.large_entry(&entry, roster_before, except, now);
            }
            Event::Cursor { conversation, user, cursor, to } => {
                self.cursor(conversation, user, cursor, &to, now)
            }
            Event::MoveRefused { to, conversation, moved, rejection } => {
                self.move_refused(to, conversation, moved, rejection, now);
            }
            Event::Registered { session, large, refused } => self.registered(session, &large, refused, now),
            Event::Large { conversation, roster, members } => {
                self.enlarged(conversation, roster, &members, now)
            }
            Event::Lagged { to } => to.iter().for_each(|number| self.lag(*number)),
            Event::SignedOut { device } => self.end_device(device),
        }
    }

    fn seat(&self, number: u64) -> Option<Arc<Seat>> {
        self.seats().get(&number).map(Arc::clone)
    }

    fn give(&self, seat: &Seat, frame: &Bytes, now: Moment) {
        if seat.outbox.event(frame, &self.budget, now) == Pushed::Lagged {
            self.meters.lagged.increment(1);
            tracing::debug!(session = %seat.id, "a session lags: its queue is full");
        }
    }

    fn give_entry(&self, seat: &Seat, frame: &Bytes, now: Moment) {
        match &self.faults {
            None => self.give(seat, frame, now),
            Some(faults) => {
                faults.instead(seat.id.number, frame).iter().for_each(|frame| self.give(seat, frame, now));
            }
        }
    }

    fn outcome(
        &self,
        to: u64,
        conversation: ConversationId,
        client_id: ClientId,
        result: Result<Stored, Rejection>,
        now: Moment,
    ) {
        let Some(seat) = self.seat(to) else { return self.requests.resolve(to, result) };
        match result {
            Ok(Stored { position, ordinal, time }) => {
                let sent = frame::Sent { conversation, client_id, position, ordinal, time };
                self.give(&seat, &frames::encode(&FromServer::Sent(sent), 256), now);
            }
            Err(error) => {
                let (client_id, conversation) = (Some(client_id), Some(conversation));
                let frame = Some("send".to_owned());
                self.give_refusal(&seat, frame::Error { error, client_id, conversation, frame }, now);
            }
        }
    }

    /// A request that asked has its answer, and no seat.
    fn move_refused(
        &self,
        to: u64,
        conversation: ConversationId,
        moved: Moved,
        error: Rejection,
        now: Moment,
    ) {
        let Some(seat) = self.seat(to) else { return };
        let (conversation, frame) = (Some(conversation), Some(moved.frame().to_owned()));
        self.give_refusal(&seat, frame::Error { error, client_id: None, conversation, frame }, now);
    }

    fn give_refusal(&self, seat: &Seat, refusal: frame::Error, now: Moment) {
        Meters::refused(refusal.error.code);
        self.give(seat, &frames::encode(&FromServer::Error(refusal), 256), now);
    }

    fn entry(&self, entry: &Arc<Entry>, to: &[u64], except: Option<u64>, now: Moment) {
        let frame = OnceCell::new();
        let seats = self.seats();
        for seat in to.iter().filter(|number| Some(**number) != except).filter_map(|number| seats.get(number))
        {
            self.give_entry(seat, frame.get_or_init(|| frames::entry(entry)), now);
        }
    }

    fn large_entry(&self, entry: &Arc<Entry>, roster_before: Position, except: Option<u64>, now: Moment) {
        let frame = OnceCell::new();
        let give = |seat: &Arc<Seat>| {
            if Some(seat.id.number) != except {
                self.give_entry(seat, frame.get_or_init(|| frames::entry(entry)), now);
            }
        };
        let anew = self.large().entry(entry, roster_before, now, |user| self.seats_of(user), give);
        if !anew.is_empty() {
            tracing::info!(conversation = %entry.conversation, sessions = anew.len(), "missed a membership entry");
        }
        anew.iter().for_each(|seat| self.announce_anew(seat));
    }

    fn cursor(&self, conversation: ConversationId, user: UserId, cursor: Cursor, to: &[u64], now: Moment) {
        let moved = FromServer::Cursor(frame::CursorMoved { conversation, user, cursor });
        let frame = OnceCell::new();
        let seats = self.seats();
        for seat in to.iter().filter_map(|number| seats.get(number)) {
            self.give(seat, frame.get_or_init(|| frames::encode(&moved, 320)), now);
        }
    }

    /// The first echo makes a session live. A later one that was asked for means that something may have been missed.
    fn registered(&self, session: u64, large: &[LargeGroup], refused: Option<Rejection>, now: Moment) {
        let Some(seat) = self.seat(session) else { return };
        if let Some(rejection) = refused {
            return seat.outbox.refuse(rejection);
        }
        let anew = self.large().registered(&seat, large, now);
        seat.outbox.open();
        if seat.take_anew() {
            self.lag(session);
        }
        if anew {
            self.announce_anew(&seat);
        }
    }

    fn enlarged(
        &self,
        conversation: ConversationId,
        roster: Position,
        members: &[(u64, Position)],
        now: Moment,
    ) {
        let here = members.iter().filter_map(|(number, from)| Some((self.seat(*number)?, *from)));
        let here: Vec<(Arc<Seat>, Position)> = here.collect();
        let anew = self.large().enlarged(conversation, roster, &here, now);
        anew.iter().for_each(|seat| self.announce_anew(seat));
    }

    fn lag(&self, number: u64) {
        if self.seat(number).is_some_and(|seat| seat.outbox.lag(&self.budget)) {
            self.meters.lagged.increment(1);
        }
    }

    fn end_device(&self, device: DeviceId) {
        let of_device = |seat: &&Arc<Seat>| seat.who().is_some_and(|who| who.device == device);
        let seats: Vec<Arc<Seat>> = self.seats().values().filter(of_device).map(Arc::clone).collect();
        seats.iter().for_each(|seat| seat.outbox.end(Goodbye::from(Reason::SignedOut)));
    }

    fn seats_of(&self, user: UserId) -> Vec<Arc<Seat>> {
        let numbers: Vec<u64> =
            self.users().range((user, 0)..=(user, u64::MAX)).map(|(_, number)| *number).collect();
        let seats = self.seats();
        numbers.iter().filter_map(|number| seats.get(number).map(Arc::clone)).collect()
    }
}
