//! The simulation: gateway sessions, bus, Messaging and a store, whole, in virtual time, from one seed.
//!
//! The product's own code runs: sessions over in-memory streams, the embedded bus, the workers, the registry. Simulated are
//! the disk (delays, appends that fail after or before they happened), how long a registration takes, the clock, chance,
//! and the people. The server crashes; everything but the disk is lost; devices come back by themselves. A failure prints
//! its seed.
//!
//! Deliberately absent: the embedded store, whose thread lives in real time (the crash harness has it), and HTTP.

mod admin;
pub(crate) mod chance;
mod device;
mod disk;
mod planted;
mod registry;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::services::PageEdge;
use domain::{ConversationId, DeviceId, Entry, Position, UserId};
use protocol::view::Conversation;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::checker::{Delivery, Expected, Finding, Found, Law, Logs, check};
use crate::history::{Event, History};
use admin::Admin;
use chance::{Chance, ambient};
use device::Device;
use disk::Disk;
use world::{HOME, Life, Lives};

/// A bug that is planted to see that it is found: in the simulated disk, or around a port. Nothing in the product knows of
/// it.
///
/// Planted elsewhere, where it can be seen: an ack before the fsync needs a disk that forgets (`crash::Bug`), and a queue
/// without a bound is found by the suite of the bus, whose law bounds are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// An append says that it is stored, and is not.
    AckBeforeStored,
    /// Nobody remembers what was appended before.
    ForgottenIdentity,
    /// An append overwrites what is at its position.
    NoFence,
    /// Membership is read from an old roster.
    StaleRoster,
    /// A stored cursor is overwritten instead of merged.
    CursorGoesBack,
    /// The head of a log is told to be one further than it is: the next entry leaves a hole.
    SkippedSeq,
    /// A submission that was known already is acked, and its entry delivered to nobody.
    KnownWithoutEffects,
    /// A delivery overtakes the one before it.
    ReorderedDelivery,
    /// A session is echoed, and reads heads, before it is registered.
    LiveBeforeRegistered,
}

/// What one simulation is like.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Everything follows from it.
    pub seed: u64,
    /// Workers that believe they have the same conversations; 1 is as it should be.
    pub rivals: usize,
    /// Members of the larger group beside those who talk.
    pub silent_members: u8,
    /// Whether the Group DB is lost at each crash.
    pub loses_groups: bool,
    /// What is planted.
    pub bug: Option<Bug>,
}

impl Plan {
    /// A plan that varies with its seed: two rivals in one of four, a crowd that crosses the line to
    /// large in one of four, a Group DB that is lost at each crash in one of five.
    pub const fn of(seed: u64) -> Self {
        let rivals = if seed.is_multiple_of(4) { 2 } else { 1 };
        let silent_members = if seed % 4 == 1 { 62 } else { 3 };
        Self { seed, rivals, silent_members, loses_groups: seed.is_multiple_of(5), bug: None }
    }

    /// The same with a bug planted.
    #[must_use]
    pub const fn with(self, bug: Bug) -> Self {
        Self { bug: Some(bug), ..self }
    }
}

/// What one simulation did and found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Every log at the end.
    pub logs: Logs,
    /// What devices saw.
    pub history: History,
    /// Times that the server crashed.
    pub crashes: u32,
    /// Laws that were broken.
    pub findings: Vec<Finding>,
}

impl Outcome {
    /// Entries in all logs.
    pub fn entries(&self) -> usize {
        self.logs.values().map(Vec::len).sum()
    }

    /// Pushes to devices.
    pub fn pushes(&self) -> usize {
        self.history.count(|event| matches!(event, Event::Pushed(_)))
    }
}

/// How long a simulated story lasts; the last [`CALM`] of it is without crashes.
const STORY: Duration = Duration::from_secs(30);
const CALM: Duration = Duration::from_secs(12);

/// People who talk; each has two devices.
const PEOPLE: u8 = 3;

/// Runs one simulation, in virtual time on a thread of its own choosing.
pub fn run(plan: Plan) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO can always be built")
        .block_on(story(plan))
}

async fn story(plan: Plan) -> Outcome {
    let chance = Chance::new(plan.seed);
    let ambient = ambient(&chance);
    let disk = Disk::new(chance.clone(), plan.bug);
    let history = History::default();
    let people: Vec<UserId> = (1..=PEOPLE).map(|n| UserId::new(HOME, [n; 15])).collect();
    let group = Admin::group(&ambient, people[0]);
    let end = Instant::now() + STORY;
    let lives = Lives::default();
    let mut devices = JoinSet::new();
    for (number, user) in people.iter().enumerate() {
        for n in 0..2 {
            let device = DeviceId::new(HOME, [u8::try_from(number * 2 + n).unwrap_or(0) + 1; 15]);
            let talks = conversations(&people, *user, group.1);
            let to_send = u32::try_from(chance.below(12)).unwrap_or(0);
            let (history, chance, ambient) = (history.clone(), chance.clone(), ambient.clone());
            let device = Device::new((*user, device), talks, history, chance, ambient, to_send);
            devices.spawn(device.run(lives.clone(), end));
        }
    }
    let admin = Admin::new(
        people.clone(),
        group,
        plan.silent_members,
        history.clone(),
        chance.clone(),
        ambient.clone(),
    );
    let admin = tokio::spawn(admin.run(lives.clone(), end.checked_sub(CALM).unwrap_or(end)));
    let crashes = live_and_die(&plan, &disk, &ambient, &chance, &lives, end).await;
    let devices = devices.join_all().await;
    drop(admin.await);
    let last = lives.now();
    let life = last.expect("the last life goes on to the end");
    judge(&plan, &disk, &history, &devices, &life, crashes, &people).await
}

/// Whom each person talks with: everybody, and the group.
fn conversations(people: &[UserId], user: UserId, group: ConversationId) -> Vec<ConversationId> {
    let mut talks: Vec<_> = people.iter().map(|other| ConversationId::direct(user, *other)).collect();
    talks.push(group);
    talks
}

async fn live_and_die(
    plan: &Plan,
    disk: &Disk,
    ambient: &contracts::Ambient,
    chance: &Chance,
    lives: &Lives,
    end: Instant,
) -> u32 {
    let mut crashes = 0;
    loop {
        lives.set(Some(Arc::new(Life::start(plan, disk, ambient, chance).await)));
        let lasts = Duration::from_millis(1_000 + chance.below(8_000));
        if Instant::now() + lasts + CALM > end {
            tokio::time::sleep_until(end).await;
            return crashes;
        }
        tokio::time::sleep(lasts).await;
        if let Some(life) = lives.set(None) {
            life.crash();
        }
        crashes += 1;
        tokio::time::sleep(Duration::from_millis(chance.below(500))).await;
    }
}

async fn judge(
    plan: &Plan,
    disk: &Disk,
    history: &History,
    devices: &[Device],
    life: &Life,
    crashes: u32,
    people: &[UserId],
) -> Outcome {
    let logs = disk.logs();
    let expected: Vec<Expected> = devices
        .iter()
        .map(|device| Expected { user: device.user, device: device.device, has_everything: true })
        .collect();
    let empty = find_everything(life, people, &logs).await;
    let delivery = if plan.rivals == 1 { Delivery::InOrder } else { Delivery::Contended };
    let mut findings = check(history, &logs, &expected, &empty, delivery);
    for device in devices.iter().filter(|device| !device.has_sent_all()) {
        let what = format!("{} has not sent all though nothing is wrong any more", device.device);
        findings.push(Law::EverySubmissionIsSettled.broken(what));
    }
    Outcome { logs, history: history.clone(), crashes, findings }
}

/// What an empty device of each person finds: by sync, and then all there is by pages.
async fn find_everything(life: &Life, people: &[UserId], logs: &Logs) -> BTreeMap<UserId, Found> {
    let mut all = BTreeMap::new();
    for user in people {
        let mut pulled = vec![];
        for conversation in logs.keys() {
            pulled.extend(pages(life, *user, *conversation).await);
        }
        all.insert(*user, Found { shown: whole_list(life, *user).await, pulled });
    }
    all
}

/// A read that fails in passing is tried again, so often at most.
const TRIES: usize = 20;

async fn whole_list(life: &Life, user: UserId) -> Vec<Conversation> {
    let (mut shown, mut token, mut tries) = (vec![], None, 0);
    loop {
        match life.catch_up.sync(user, token.as_deref()).await {
            Ok(changes) => {
                shown.extend(changes.conversations);
                token = Some(changes.token);
                if !changes.more {
                    return shown;
                }
            }
            Err(error) if error.code.retryable() && tries < TRIES => tries += 1,
            Err(_) => return shown,
        }
    }
}

async fn pages(life: &Life, user: UserId, conversation: ConversationId) -> Vec<Arc<Entry>> {
    let (mut entries, mut at, mut tries) = (vec![], Position::START, 0);
    loop {
        match life.catch_up.entries(user, conversation, PageEdge::After(at), 50).await {
            Ok(page) => {
                let Some(last) = page.entries.last() else { return entries };
                at = last.position;
                entries.extend(page.entries);
            }
            Err(error) if error.code.retryable() && tries < TRIES => tries += 1,
            Err(_) => return entries,
        }
    }
}
