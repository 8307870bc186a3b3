//! The services of one process, wired to each other by their contracts.

use std::sync::Arc;

use bus::embedded::view::View;
use bus::embedded::{Load, Options, Topic};
use bus::{MessageBus, Source};
use contracts::Ambient;
use contracts::records::{Announcement, Command, Delivery};
use contracts::services::{Accounts, Groups};
use domain::{Entry, Region};
use service_messaging::AbsenceTeller;
use service_notification::{Notification, Parts};
use service_sequence::Generator;
use store_registry::Registry;

use crate::config::{Config, DeliverFault};
use crate::faults::fail_points;
use crate::secrets::Secrets;
use crate::stores::{FeedLog, Stores};

/// The group that Notification reads topics in.
const NOTIFICATION: &str = service_notification::GROUP;

/// The group that Messaging reads topics in.
const MESSAGING: &str = service_messaging::GROUP;

/// The topics of the process. A clone is the same ones.
#[derive(Clone)]
pub(crate) struct Topics {
    pub(crate) submit: Arc<Topic<Command>>,
    pub(crate) deliver: Arc<Topic<Delivery>>,
    pub(crate) sessions: Arc<Topic<Announcement>>,
    pub(crate) entries: Arc<View<Arc<Entry>, FeedLog>>,
}

impl Topics {
    pub(crate) async fn open(config: &Config, stores: &Stores) -> anyhow::Result<Self> {
        let partition_bytes_max = config.bus.partition_mib << 20;
        let options = |partitions, groups| Options { partitions, partition_bytes_max, groups };
        Ok(Self {
            submit: Arc::new(Topic::new(options(config.bus.partitions, &[MESSAGING]))),
            deliver: Arc::new(Topic::new(options(1, &[]))),
            sessions: Arc::new(Topic::new(options(config.bus.partitions, &[MESSAGING, NOTIFICATION]))),
            entries: Arc::new(View::open(FeedLog(Arc::clone(&stores.feed)), &[NOTIFICATION]).await?),
        })
    }

    /// How many records each reader has still to finish.
    pub(crate) fn lag(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("submit/messaging", self.submit.lag(MESSAGING)),
            ("deliver/gateways", self.deliver.lag(gateway::GROUP)),
            ("sessions/messaging", self.sessions.lag(MESSAGING)),
            ("sessions/notification", self.sessions.lag(NOTIFICATION)),
            ("entries/notification", self.entries.lag(NOTIFICATION)),
        ]
    }

    /// How full each topic is that lies in memory.
    pub(crate) fn load(&self) -> [(&'static str, Load); 3] {
        [("submit", self.submit.load()), ("deliver", self.deliver.load()), ("sessions", self.sessions.load())]
    }
}

/// The services of the process.
pub(crate) struct Services {
    pub(crate) messaging: service_messaging::Context,
    pub(crate) queries: service_messaging::Service,
    pub(crate) notification: Notification,
    pub(crate) accounts: Arc<dyn Accounts>,
    /// The registry, as operators see it.
    pub(crate) registry: Arc<store_registry::embedded::Registry>,
}

impl Services {
    pub(crate) fn new(
        config: &Config,
        stores: &Stores,
        topics: &Topics,
        secrets: &Secrets,
        ambient: &Ambient,
    ) -> anyhow::Result<Self> {
        let fail = fail_points(&config.faults)?;
        let accounts = accounts(config, stores, topics, secrets, ambient)?;
        let log = Arc::new(service_messaging::LogReader::new(Arc::clone(&stores.chat)));
        let groups: Arc<dyn Groups> = Arc::new(service_group::Service::new(
            Arc::clone(&stores.group),
            log,
            Arc::clone(&fail),
            &service_group::Config::default(),
        ));
        let sequences = Arc::new(Generator::new(Arc::clone(&stores.sequence), Region::ONLY));
        let held = Arc::new(store_registry::embedded::Registry::new(
            u64::from_le_bytes(ambient.bytes()),
            store_registry::embedded::Config::default(),
        ));
        let registry = Arc::clone(&held) as Arc<dyn Registry>;
        let notification = Notification::new(Parts {
            store: Arc::clone(&stores.offline),
            absence: Arc::new(AbsenceTeller::new(
                Arc::clone(&stores.chat),
                Arc::clone(&registry),
                Arc::clone(&groups),
            )),
            entries: Arc::clone(&topics.entries) as Arc<dyn Source<Arc<Entry>>>,
            sessions: Arc::clone(&topics.sessions) as Arc<dyn Source<Announcement>>,
            ambient: ambient.clone(),
            fail: Arc::clone(&fail),
        });
        let messaging = service_messaging::Context {
            config: Arc::new(messaging_config(config)),
            chat: Arc::clone(&stores.chat),
            registry,
            groups,
            sequences,
            notifications: Arc::new(notification.clone()),
            submit: Arc::clone(&topics.submit) as Arc<dyn MessageBus<Command>>,
            deliver: Arc::clone(&topics.deliver) as Arc<dyn MessageBus<Delivery>>,
            sessions: Arc::clone(&topics.sessions) as Arc<dyn MessageBus<Announcement>>,
            ambient: ambient.clone(),
            fail,
        };
        let queries = service_messaging::Service::new(&messaging);
        Ok(Self { messaging, queries, notification, accounts, registry: held })
    }
}

fn accounts(
    config: &Config,
    stores: &Stores,
    topics: &Topics,
    secrets: &Secrets,
    ambient: &Ambient,
) -> anyhow::Result<Arc<dyn Accounts>> {
    let defaults = service_account::Config::default();
    let accounts = service_account::Config {
        access_token_ms: config.accounts.access_token_ms,
        refresh_token_ms: config.accounts.refresh_token_ms,
        cost: service_account::Cost {
            memory_kib: config.accounts.password_memory_kib,
            passes: config.accounts.password_passes,
        },
        rate_by_address: service_account::Rate {
            burst: config.accounts.tries_by_address,
            ..defaults.rate_by_address
        },
        name_bytes_max: config.limits.name_bytes_max,
        ..defaults
    };
    let keys = secrets.keyring(ambient)?;
    let store = Arc::clone(&stores.user);
    let sessions = Arc::clone(&topics.sessions) as Arc<dyn MessageBus<Announcement>>;
    let keep = secrets.keep_keyring();
    Ok(Arc::new(service_account::Service::new(accounts, store, sessions, ambient.clone(), keys, keep)?))
}

fn messaging_config(config: &Config) -> service_messaging::Config {
    service_messaging::Config {
        limits: config.limits.clone(),
        workers: config.workers(),
        batch_entries_max: config.messaging.batch_entries_max,
        cursor_flush_ms: config.messaging.cursor_flush_ms,
        ..service_messaging::Config::default()
    }
}

/// What a gateway is told to get wrong, if anything.
pub(crate) fn delivery_faults(config: &Config) -> Option<gateway::Faults> {
    let fault = match config.faults.deliver {
        DeliverFault::None => return None,
        DeliverFault::Drop => gateway::Fault::Drop,
        DeliverFault::Dup => gateway::Fault::Duplicate,
        DeliverFault::Swap => gateway::Fault::Swap,
    };
    tracing::warn!(
        ?fault,
        every = config.faults.deliver_every,
        "will get deliveries wrong, for trying meters"
    );
    Some(gateway::Faults { fault, every: config.faults.deliver_every })
}
