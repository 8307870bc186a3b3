//! The store alone: the product's own `ChatStore::append`, in this process, with entries as the server makes them and as
//! many of them in a batch.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use domain::{
    Body, ClientId, Content, ConversationId, DeviceId, Entry, Kind, Position, Region, Timestamp, UserId,
};
use node::{Config, Stores};
use tokio::task::JoinSet;

use crate::bench::server::scratch_folder;

/// Messages a second that the store takes, in so many conversations at once, each with one append of `batch` messages
/// under way.
pub(in crate::bench) async fn appends(
    scratch: &Path,
    conversations: usize,
    batch: u64,
    text_bytes: usize,
    time: Duration,
) -> Result<f64> {
    let folder = scratch_folder(scratch)?;
    let config = Config { data: folder.path().to_owned(), ..Config::default() };
    let stores = tokio::task::spawn_blocking(move || Stores::open(&config)).await??;
    let body = Content::message("x".repeat(text_bytes)).to_body();
    let begin = Instant::now();
    let mut writing = JoinSet::new();
    for _ in 0..conversations {
        let log = Log::new(body.clone());
        writing.spawn(log.write(stores.clone(), batch.max(1), begin + time));
    }
    let mut messages = 0;
    while let Some(written) = writing.join_next().await {
        messages += written??;
    }
    let per_s = messages as f64 / begin.elapsed().as_secs_f64();
    stores.kv.close().await;
    Ok(per_s)
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
