//! What the tests of this crate stand on: a clock that is set by hand, people named by numbers, and a small Messaging
//! behind an embedded bus.

pub(crate) mod fakes;
pub(crate) mod messaging;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::embedded::{Options, Topic};
use contracts::records::{Announcement, Command, Delivery};
use contracts::{Ambient, Clock, NoFailPoints, Random};
use domain::{ClientId, ConversationId, DeviceId, Entry, Moment, Position, Region, Timestamp, UserId};

use crate::{Config, Gateway, Handle, Services, Topics};

/// When the tests begin.
pub(crate) const START: Timestamp = Timestamp::from_unix_ms(1_764_000_000_000);

/// The moment at which the tests begin. It has nothing to do with the time.
pub(crate) const FIRST: Moment = Moment::from_ms(5_000);

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct HandClock {
    time_ms: AtomicU64,
    moment_ms: AtomicU64,
}

impl HandClock {
    fn new() -> Self {
        Self { time_ms: AtomicU64::new(START.unix_ms()), moment_ms: AtomicU64::new(FIRST.ms()) }
    }

    /// Time passes.
    pub(crate) fn advance_ms(&self, ms: u64) {
        self.time_ms.fetch_add(ms, Ordering::SeqCst);
        self.moment_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets the clock; no time passes.
    pub(crate) fn step_ms(&self, ms: i64) {
        self.time_ms.fetch_add(ms.cast_unsigned(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.time_ms.load(Ordering::SeqCst))
    }

    fn moment(&self) -> Moment {
        Moment::from_ms(self.moment_ms.load(Ordering::SeqCst))
    }
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        bytes.iter_mut().zip(n.iter().rev().cycle()).for_each(|(byte, n)| *byte = *n);
    }
}

pub(crate) fn user(n: u8) -> UserId {
    UserId::new(Region(1), [n; 15])
}

pub(crate) fn device(n: u8) -> DeviceId {
    DeviceId::new(Region(1), [n; 15])
}

pub(crate) fn client_id(n: u8) -> ClientId {
    ClientId::new(START.unix_ms(), [n; 10])
}

pub(crate) fn direct(one: u8, other: u8) -> ConversationId {
    ConversationId::direct(user(one), user(other))
}

pub(crate) fn group(n: u8) -> ConversationId {
    ConversationId::Group([n; 16])
}

/// An entry at `seq` of a conversation, by user 1.
pub(crate) fn entry(
    conversation: ConversationId,
    seq: u64,
    roster: u64,
    content: &domain::Content,
) -> Arc<Entry> {
    Arc::new(Entry {
        conversation,
        position: Position::new(1, seq),
        kind: content.kind(),
        sender: user(1),
        device: device(1),
        client_id: ClientId::new(START.unix_ms(), [u8::try_from(seq % 250).unwrap(); 10]),
        time: START,
        ordinal: seq,
        roster: Position::new(1, roster),
        was: None,
        body: Some(content.to_body()),
    })
}

/// A gateway with fakes around it.
pub(crate) struct World {
    pub(crate) gateway: Handle,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) accounts: Arc<fakes::Accounts>,
    pub(crate) slots: Arc<fakes::Slots>,
    pub(crate) messaging: Arc<messaging::Messaging>,
    pub(crate) topics: Topics,
}

pub(crate) fn topics(submit_bytes_max: usize) -> Topics {
    let options = |groups, partition_bytes_max| Options { partitions: 2, partition_bytes_max, groups };
    Topics {
        submit: Arc::new(Topic::<Command>::new(options(&["messaging"], submit_bytes_max))),
        deliver: Arc::new(Topic::<Delivery>::new(options(&[], 64 << 20))),
        sessions: Arc::new(Topic::<Announcement>::new(options(&["messaging"], 1 << 20))),
    }
}

impl World {
    /// A world whose Messaging works.
    pub(crate) async fn new(config: Config) -> Self {
        let world = Self::silent(config, topics(8 << 20)).await;
        messaging::run(&world.messaging, &world.topics);
        world
    }

    /// A world whose Messaging does nothing by itself.
    pub(crate) async fn silent(config: Config, topics: Topics) -> Self {
        let clock = Arc::new(HandClock::new());
        let ambient = Ambient { clock: clock.clone(), random: Arc::new(Counting(AtomicU64::new(1))) };
        let accounts = Arc::new(fakes::Accounts::new(clock.clone()));
        let slots = Arc::new(fakes::Slots::new());
        let messaging = Arc::new(messaging::Messaging::default());
        let services = Services {
            accounts: accounts.clone(),
            catch_up: messaging.clone(),
            slots: slots.clone(),
            notifications: Arc::new(fakes::Notifications),
        };
        let gateway =
            Gateway::start(config, services, topics.clone(), ambient, Arc::new(NoFailPoints)).await.unwrap();
        Self { gateway, clock, accounts, slots, messaging, topics }
    }
}

/// Waits until one more session was announced than `before`, where nobody takes announcements.
pub(crate) async fn announced(world: &World, before: u64) {
    eventually("announced", || world.topics.sessions.lag("messaging") > before).await;
}

/// Waits for something that others bring about.
pub(crate) async fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never: {what}");
}
