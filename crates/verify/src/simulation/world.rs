//! One life of the simulated server: from its start to the crash that ends it. Only the disk outlives it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bus::embedded::{Options, Topic};
use bus::{Consumer, MessageBus, Refused, Source};
use contracts::records::{Announcement, Command, Delivery};
use contracts::services::{Accounts, CatchUp, Ended, Groups, Notifications, OlderKeys, Principal, Slots};
use contracts::{Ambient, FailPoints, NoFailPoints};
use domain::{Code, ConversationId, DeviceId, Mark, Region, Rejection, UserId};
use gateway::{Gateway, Handle};
use protocol::http;
use service_messaging::{Context, GROUP, LogReader, Service, Tasks};
use store_chat::ChatStore;

use super::chance::Chance;
use super::disk::Disk;
use super::registry::SlowRegistry;
use super::{Plan, planted};

/// A server that lives.
pub(crate) struct Life {
    pub(crate) gateway: Handle,
    pub(crate) catch_up: Arc<dyn CatchUp>,
    pub(crate) submit: Arc<dyn MessageBus<Command>>,
    workers: Mutex<Vec<Tasks>>,
}

impl Life {
    /// Starts a server on the disk, with everything forgotten that is not on it.
    pub(crate) async fn start(plan: &Plan, disk: &Disk, ambient: &Ambient, chance: &Chance) -> Self {
        let chat: Arc<dyn ChatStore> = Arc::new(disk.clone());
        let log = Arc::new(LogReader::new(Arc::clone(&chat)));
        let fail: Arc<dyn FailPoints> = Arc::new(NoFailPoints);
        let group_store = Arc::clone(&disk.groups);
        if plan.loses_groups {
            group_store.wipe();
        }
        let groups = service_group::Service::new(
            group_store,
            log,
            Arc::clone(&fail),
            &service_group::Config::default(),
        );
        let groups = planted::groups(plan.bug, Arc::new(groups), disk);
        if plan.loses_groups {
            relink(disk, &*groups).await;
        }
        let registry = SlowRegistry::new(chance.clone(), plan.bug);
        let deliver = planted::deliver(plan.bug, Arc::new(topic::<Delivery>(1, &[])), disk);
        let sessions: Arc<dyn MessageBus<Announcement>> = Arc::new(topic(2, &[GROUP]));
        let submits: Vec<Arc<dyn MessageBus<Command>>> =
            (0..plan.rivals).map(|_| Arc::new(topic::<Command>(2, &[GROUP])) as _).collect();
        let context = Context {
            config: Arc::new(config()),
            chat,
            registry: Arc::new(registry),
            groups,
            sequences: Arc::new(FirstEpoch),
            notifications: Arc::new(Nobody),
            submit: Arc::clone(&submits[0]),
            deliver: Arc::clone(&deliver),
            sessions: Arc::clone(&sessions),
            ambient: ambient.clone(),
            fail: Arc::clone(&fail),
        };
        let queries = Service::new(&context);
        let mut workers = vec![];
        for submit in &submits {
            // A rival is a worker that believes it has the same conversations: only the store's fence tells them apart.
            let context = Context { submit: Arc::clone(submit), ..context.clone() };
            let followed =
                if workers.is_empty() { Service::start(&context) } else { Service::start_workers(&context) };
            workers.push(followed.expect("the topics of a life that begins are open"));
        }
        let submit: Arc<dyn MessageBus<Command>> = Arc::new(Scatter { submits, chance: chance.clone() });
        let services = gateway::Services {
            accounts: Arc::new(Everybody(ambient.clone())),
            catch_up: Arc::clone(&queries.catch_up),
            slots: Arc::clone(&queries.slots) as Arc<dyn Slots>,
            notifications: Arc::new(Nobody),
        };
        let topics = gateway::Topics { submit: Arc::clone(&submit), deliver, sessions };
        let gateway = Gateway::start(gateway::Config::default(), services, topics, ambient.clone(), fail)
            .await
            .expect("a fresh registry has a free slot");
        Self { gateway, catch_up: queries.catch_up, submit, workers: Mutex::new(workers) }
    }

    /// Ends it as `kill -9` would.
    pub(crate) fn crash(&self) {
        self.gateway.kill();
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.iter_mut().for_each(Tasks::abort_all);
    }
}

fn topic<R: bus::Record>(partitions: u32, groups: &[&'static str]) -> Topic<R> {
    Topic::new(Options { partitions, partition_bytes_max: 1 << 20, groups })
}

fn config() -> service_messaging::Config {
    service_messaging::Config {
        workers: 1,
        retry_ms: 2,
        retry_ms_max: 20,
        append_tries: 20,
        ..Default::default()
    }
}

/// The Group DB was lost: the links are made again from the logs, as a rebuild does, for everyone who is or was in, since
/// who is out may not know it yet.
async fn relink(disk: &Disk, groups: &dyn Groups) {
    for (conversation, log) in disk.logs() {
        let roster = crate::checker::roster(conversation, &log);
        let users: Vec<UserId> = roster.members.keys().copied().collect();
        groups.link(conversation, &users, roster.large).await.expect("links in memory are always taken");
    }
}

/// Commands go to any of the rivals.
struct Scatter {
    submits: Vec<Arc<dyn MessageBus<Command>>>,
    chance: Chance,
}

impl Scatter {
    fn any(&self) -> &Arc<dyn MessageBus<Command>> {
        let index = usize::try_from(self.chance.below(self.submits.len() as u64)).unwrap_or(0);
        &self.submits[index]
    }
}

impl Source<Command> for Scatter {
    fn subscribe(&self, group: &'static str) -> Result<Box<dyn Consumer<Command>>, bus::Error> {
        self.submits[0].subscribe(group)
    }

    fn lag(&self, group: &str) -> u64 {
        self.submits.iter().map(|submit| submit.lag(group)).sum()
    }
}

#[async_trait]
impl MessageBus<Command> for Scatter {
    async fn publish(&self, record: Command) -> Result<(), bus::Error> {
        // A bus may deliver twice.
        if self.chance.one_in(10) {
            self.any().publish(record.clone()).await?;
        }
        self.any().publish(record).await
    }

    fn try_publish(&self, record: Command) -> Result<(), Refused<Command>> {
        if self.chance.one_in(10) {
            self.any().try_publish(record.clone())?;
        }
        self.any().try_publish(record)
    }

    fn assign(&self, group: &'static str, partition: u32) -> Result<Box<dyn Consumer<Command>>, bus::Error> {
        self.submits[0].assign(group, partition)
    }

    fn partitions(&self) -> u32 {
        self.submits[0].partitions()
    }

    fn close(&self) {
        self.submits.iter().for_each(|submit| submit.close());
    }
}

/// The Sequence Generator of one region alone.
struct FirstEpoch;

#[async_trait]
impl contracts::services::Sequences for FirstEpoch {
    async fn grant(
        &self,
        conversation: ConversationId,
    ) -> Result<contracts::services::Grant, contracts::services::SequenceError> {
        let epoch = domain::Epoch::first(conversation.home());
        Ok(contracts::services::Grant { epoch, since: domain::Position::START })
    }
}

/// Accounts in which everybody is who they say: a token is a user's and a device's id.
struct Everybody(Ambient);

/// The token of a user on a device.
pub(crate) fn token(user: UserId, device: DeviceId) -> String {
    format!("{user}.{device}")
}

fn absent<T>() -> Result<T, Rejection> {
    Err(Rejection::new(Code::Unsupported, "not simulated"))
}

#[async_trait]
impl Accounts for Everybody {
    async fn authenticate(&self, access_token: &str) -> Result<Principal, Rejection> {
        let named = access_token
            .split_once('.')
            .and_then(|(user, device)| Some((user.parse().ok()?, device.parse().ok()?)));
        let (user, device) = named.ok_or_else(|| Rejection::new(Code::Unauthenticated, "no such token"))?;
        Ok(Principal { user, device, expires: self.0.now().plus_ms(3_600_000) })
    }

    async fn unknown(&self, _users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        Ok(vec![])
    }

    async fn sign_up(&self, _credentials: http::Credentials, _from: &str) -> Result<http::Tokens, Rejection> {
        absent()
    }

    async fn sign_in(&self, _credentials: http::Credentials, _from: &str) -> Result<http::Tokens, Rejection> {
        absent()
    }

    async fn refresh(&self, _refresh_token: &str) -> Result<http::Tokens, Rejection> {
        absent()
    }

    async fn sign_out(&self, _user: UserId, _device: DeviceId) -> Result<(), Rejection> {
        absent()
    }

    async fn sign_out_everywhere(&self, _user: UserId) -> Result<Ended, Rejection> {
        absent()
    }

    async fn change_password(
        &self,
        _caller: &Principal,
        _change: http::ChangePassword,
        _from: &str,
    ) -> Result<Ended, Rejection> {
        absent()
    }

    async fn make_recovery_codes(
        &self,
        _user: UserId,
        _confirm: http::ConfirmPassword,
        _from: &str,
    ) -> Result<http::RecoveryCodes, Rejection> {
        absent()
    }

    async fn recover(&self, _recovery: http::Recovery, _from: &str) -> Result<Ended, Rejection> {
        absent()
    }

    async fn make_recovery_code(&self, _handle: &str) -> Result<http::RecoveryCodes, Rejection> {
        absent()
    }

    async fn mint(&self, _handle: &str, _create: bool) -> Result<http::Tokens, Rejection> {
        absent()
    }

    async fn end_all_of(&self, _handle: &str) -> Result<Ended, Rejection> {
        absent()
    }

    async fn user(&self, _id: UserId) -> Result<http::User, Rejection> {
        absent()
    }

    async fn by_handle(&self, _handle: &str) -> Result<http::User, Rejection> {
        absent()
    }

    async fn devices(&self, _user: UserId) -> Result<http::Devices, Rejection> {
        absent()
    }

    async fn users(&self, _after: Option<UserId>, _limit: usize) -> Result<Vec<http::User>, Rejection> {
        absent()
    }

    async fn rotate_key(&self, _older: OlderKeys) -> Result<String, Rejection> {
        absent()
    }
}

/// Notification is not simulated: nothing depends on it.
struct Nobody;

#[async_trait]
impl Notifications for Nobody {
    async fn missed(&self, _user: UserId) -> Result<http::MissedList, Rejection> {
        absent()
    }

    async fn seen(&self, _seen: Vec<(UserId, ConversationId, Mark)>) -> Result<(), Rejection> {
        Ok(())
    }
}

/// The region that every id of a simulation is homed in.
pub(crate) const HOME: Region = Region::ONLY;

/// Which life it is now, if any. A clone is another handle. Looked at again and again rather than awaited: what wakes
/// many waiters wakes them in an order of its own.
#[derive(Clone, Default)]
pub(crate) struct Lives(Arc<Mutex<Option<Arc<Life>>>>);

impl Lives {
    /// Another life begins, or this one ends. Gives the one before.
    pub(crate) fn set(&self, life: Option<Arc<Life>>) -> Option<Arc<Life>> {
        std::mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), life)
    }

    /// The life that it is now.
    pub(crate) fn now(&self) -> Option<Arc<Life>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a life.
    pub(crate) async fn next(&self) -> Arc<Life> {
        loop {
            if let Some(life) = self.now() {
                return life;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}
