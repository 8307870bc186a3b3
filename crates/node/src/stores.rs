//! The stores of one process on the embedded engine, and the change feed as the bus reads it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bus::embedded::view::Log;
use domain::{Entry, PortError};
use store_chat::{ChatStore, Derived, Feed};
use store_kv::Kv;

use crate::config::Config;
use crate::restore;

/// Every store of the process.
#[derive(Clone)]
pub struct Stores {
    /// The database that they share.
    pub kv: Kv,
    /// Logs and cursors.
    pub chat: Arc<dyn ChatStore>,
    /// The change feed of all logs.
    pub feed: Arc<dyn Feed>,
    /// What both are derived into, for repairs.
    pub derived: Arc<dyn Derived>,
    /// Groups and links.
    pub group: Arc<dyn store_group::GroupStore>,
    /// Reigns.
    pub sequence: Arc<dyn store_sequence::SequenceStore>,
    /// Accounts and devices.
    pub user: Arc<dyn store_user::UserStore>,
    /// What absent people missed.
    pub offline: Arc<dyn store_offline::OfflineStore>,
}

impl Stores {
    /// Opens the database in the data folder, or makes it. Blocks while it reads back what was not yet sorted.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        restore::refuse_half(&config.data)?;
        Self::open_in(&config.data, options(config))
    }

    /// As [`Self::open`], of a database that is there: a folder that was mistaken for the data folder gets none.
    pub fn open_existing(config: &Config) -> anyhow::Result<Self> {
        anyhow::ensure!(
            folder(&config.data).is_dir(),
            "{} holds no store: name the server's data folder with --data",
            config.data.display()
        );
        Self::open(config)
    }

    /// As [`Self::open`], whatever else is in the data folder.
    pub(crate) fn open_in(data: &Path, options: store_kv::Options) -> anyhow::Result<Self> {
        let kv = Kv::open(&folder(data), options)?;
        let chat = Arc::new(store_chat::embedded::Store::open(&kv)?);
        Ok(Self {
            feed: Arc::clone(&chat) as Arc<dyn Feed>,
            derived: Arc::clone(&chat) as Arc<dyn Derived>,
            chat,
            group: Arc::new(store_group::embedded::Store::open(&kv)?),
            sequence: Arc::new(store_sequence::embedded::Store::open(&kv)?),
            user: Arc::new(store_user::embedded::Store::open(&kv)?),
            offline: Arc::new(store_offline::embedded::Store::open(&kv)?),
            kv,
        })
    }
}

/// Where in the data folder the database is.
pub(crate) fn folder(data: &Path) -> std::path::PathBuf {
    data.join("store")
}

/// How the database is opened.
pub(crate) fn options(config: &Config) -> store_kv::Options {
    store_kv::Options {
        cache_bytes: config.store.cache_mib << 20,
        queue_bytes_max: config.store.queue_mib << 20,
        ..store_kv::Options::default()
    }
}

/// The change feed, as the topic `entries` reads it.
pub(crate) struct FeedLog(pub(crate) Arc<dyn Feed>);

#[async_trait]
impl Log<Arc<Entry>> for FeedLog {
    async fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, Arc<Entry>)>, PortError> {
        self.0.read(from, max).await
    }

    fn newest(&self) -> u64 {
        self.0.newest()
    }

    async fn beyond(&self, offset: u64) {
        self.0.beyond(offset).await;
    }

    async fn position(&self, reader: &str) -> Result<u64, PortError> {
        self.0.position(reader).await
    }

    async fn finish(&self, reader: &str, offset: u64) -> Result<(), PortError> {
        self.0.finish(reader, offset).await
    }
}
