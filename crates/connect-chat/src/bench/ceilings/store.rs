//! The store alone: the product's own `ChatStore::append`, in this process, with entries as the server makes them and as
//! many of them in a batch.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use domain::{
    Body, ClientId, Content, ConversationId, DeviceId, Entry, Kind, Position, Region, Timestamp, UserId,
};
use node::config::Layers;
use node::{Config, Stores};
use tokio::task::JoinSet;

use crate::bench::server::scratch_folder;

/// Where a store is, and how it is set: as that of the server.
#[derive(Debug, Clone)]
pub(in crate::bench) struct Place {
    /// On the disk that is measured.
    pub(in crate::bench) scratch: PathBuf,
    /// Settings of the server; those of its store count.
    pub(in crate::bench) settings: Vec<String>,
}

/// Messages that are appended.
#[derive(Debug, Clone, Copy)]
pub(in crate::bench) struct Appends {
    /// At once, each with one append under way.
    pub(in crate::bench) conversations: usize,
    /// Messages in an append.
    pub(in crate::bench) batch: u64,
    pub(in crate::bench) text_bytes: usize,
    pub(in crate::bench) time: Duration,
}

impl Place {
    /// Messages a second that a new store takes here.
    pub(super) async fn per_s(&self, appends: Appends) -> Result<f64> {
        let folder = scratch_folder(&self.scratch)?;
        let config = self.config(folder.path())?;
        let stores = tokio::task::spawn_blocking(move || Stores::open(&config)).await??;
        let body = Content::message("x".repeat(appends.text_bytes)).to_body();
        let begin = Instant::now();
        let mut writing = JoinSet::new();
        for _ in 0..appends.conversations {
            let log = Log::new(body.clone());
            writing.spawn(log.write(stores.clone(), appends.batch.max(1), begin + appends.time));
        }
        let mut messages = 0;
        while let Some(written) = writing.join_next().await {
            messages += written??;
        }
        let per_s = messages as f64 / begin.elapsed().as_secs_f64();
        stores.kv.close().await;
        Ok(per_s)
    }

    fn config(&self, data: &Path) -> Result<Config> {
        let mut layers = Layers::default();
        for setting in self.settings.iter().filter(|setting| setting.starts_with("store.")) {
            let (key, value) = setting.split_once('=').context("--set wants SECTION.KEY=VALUE")?;
            layers.set(key, value, "--set")?;
        }
        Ok(Config { data: data.to_owned(), ..layers.into_config()? })
    }
}

/// The log of one conversation of two people.
struct Log {
    conversation: ConversationId,
    sender: UserId,
    device: DeviceId,
    body: Body,
    head: u64,
}

impl Log {
    fn new(body: Body) -> Self {
        let sender = UserId::new(Region::ONLY, rand::random());
        let other = UserId::new(Region::ONLY, rand::random());
        let device = DeviceId::new(Region::ONLY, rand::random());
        Self { conversation: ConversationId::direct(sender, other), sender, device, body, head: 0 }
    }

    /// Appends until `end`; how many.
    async fn write(mut self, stores: Stores, batch: u64, end: Instant) -> Result<u64> {
        while Instant::now() < end {
            let after = if self.head == 0 { Position::START } else { Position::new(1, self.head) };
            let entries = (1..=batch).map(|n| Arc::new(self.entry(self.head + n))).collect();
            stores.chat.append(self.conversation, after, entries).await.context("the store failed")?;
            self.head += batch;
        }
        Ok(self.head)
    }

    fn entry(&self, seq: u64) -> Entry {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let unix_ms = now.as_millis() as u64;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&seq.to_be_bytes());
        Entry {
            conversation: self.conversation,
            position: Position::new(1, seq),
            kind: Kind::Message,
            sender: self.sender,
            device: self.device,
            client_id: ClientId::new(unix_ms, random),
            time: Timestamp::from_unix_ms(unix_ms),
            ordinal: seq,
            roster: Position::START,
            was: None,
            body: Some(self.body.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_alone_is_set_otherwise_than_that_of_the_server() {
        let settings = ["store.queue_mib=3", "limits.text_bytes_max=7"].map(str::to_owned).to_vec();
        let config = Place { scratch: PathBuf::new(), settings }.config(Path::new("data")).unwrap();
        assert_eq!((config.store.queue_mib, config.data.as_path()), (3, Path::new("data")));
        assert_eq!(config.limits.text_bytes_max, Config::default().limits.text_bytes_max);
    }
}
