//! The server that is measured, and the people and groups that are made on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use client::Clock;
use client::http::Http;
use client::tokens::Fixed;
use domain::{ConversationId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::http::{Failure, Tokens};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::Common;
use super::ceilings::Place;
use super::metrics::Metrics;
use super::out::Out;
use super::process;
use super::server::{End, Server};

/// People minted at once.
const MINTS_MAX: usize = 64;

/// Notification has followed everything within this time.
const FOLLOW_PATIENCE: Duration = Duration::from_secs(600);
const FOLLOW_POLL: Duration = Duration::from_millis(20);

/// People named in one request: what a server allows by default.
const NAMED_MAX: usize = 1_000;

/// Why CPU time and memory cannot be measured.
const UNKNOWN_PROCESS: &str = "the server's process is not known, or gone: --server-pid";

/// The server that is measured.
pub(super) struct Target {
    pub(super) url: String,
    pub(super) clock: Clock,
    /// Where a store like that of the server is measured.
    pub(super) place: Place,
    /// It gets deliveries wrong on purpose.
    pub(super) faulty: bool,
    http: Http,
    admin_url: String,
    admin_token: String,
    admin: reqwest::Client,
    server: Option<Server>,
    pid: Option<u32>,
    /// Handles are new in each run.
    run: u32,
}

/// Where a server is found: for devices, for operators, its admin token, its process.
struct Whereabouts {
    url: String,
    admin_url: String,
    admin_token_file: PathBuf,
    pid: Option<u32>,
}

impl Whereabouts {
    fn of(server: &Server) -> Self {
        Self {
            url: format!("http://{}", server.addresses.listen),
            admin_url: format!("http://{}", server.addresses.admin),
            admin_token_file: server.admin_token_file(),
            pid: server.pid(),
        }
    }

    fn named(common: &Common) -> Result<Self> {
        Ok(Self {
            url: common.url.clone().context("--url")?,
            admin_url: common.admin_url.clone().context("--admin-url")?,
            admin_token_file: common.admin_token_file.clone().context("--admin-token-file")?,
            pid: common.server_pid,
        })
    }
}

impl Target {
    /// The server that was named, or a new one.
    pub(super) async fn new(common: &Common) -> Result<Self> {
        let server = if common.url.is_some() { None } else { Some(Server::start(common).await?) };
        let Whereabouts { url, admin_url, admin_token_file, pid } = server
            .as_ref()
            .map_or_else(|| Whereabouts::named(common), |server| Ok(Whereabouts::of(server)))?;
        let admin_token = std::fs::read_to_string(&admin_token_file)
            .with_context(|| format!("{} cannot be read", admin_token_file.display()))?;
        Ok(Self {
            http: Http::new(&url)?,
            clock: Clock::new(),
            place: Place { scratch: common.scratch.clone(), settings: common.set.clone() },
            faulty: common.fault.is_some(),
            admin_url,
            admin_token: admin_token.trim().to_owned(),
            admin: reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?,
            server,
            pid,
            run: rand::random(),
            url,
        })
    }

    /// The server, if it is one of our own.
    pub(super) fn own(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Ends the server and starts it again on what it left, if it is one of our own; says whether it is.
    pub(super) async fn restart(&mut self, end: End) -> Result<bool> {
        let Some(server) = &mut self.server else { return Ok(false) };
        server.restart(end).await?;
        let whereabouts = Whereabouts::of(server);
        self.http = Http::new(&whereabouts.url)?;
        (self.url, self.admin_url, self.pid) = (whereabouts.url, whereabouts.admin_url, whereabouts.pid);
        Ok(true)
    }

    /// Mints a token, on a new device, for the person `name` of this run, who is made if need be.
    pub(super) async fn mint(&self, name: &str) -> Result<Tokens> {
        let handle = format!("{name}-{:08x}", self.run);
        let body = json!({ "handle": handle, "create": true });
        let request =
            self.admin.post(format!("{}/admin/token", self.admin_url)).bearer_auth(&self.admin_token);
        let response = request.json(&body).send().await.context("the admin listener cannot be reached")?;
        if !response.status().is_success() {
            let failure: Failure = response.json().await?;
            bail!("no token for {handle}: {}", failure.error);
        }
        let tokens: Tokens = response.json().await?;
        self.clock.told(tokens.time);
        Ok(tokens)
    }

    /// Mints tokens for many, in order.
    pub(super) async fn mint_all(&self, names: Vec<String>, out: &Out) -> Result<Vec<Tokens>> {
        let bar = out.bar("people", names.len() as u64);
        let minted = stream::iter(names.into_iter().map(|name| async move { self.mint(&name).await }));
        let minted = minted.buffered(MINTS_MAX).inspect_ok(|_| bar.inc(1)).try_collect().await;
        bar.finish_and_clear();
        minted
    }

    /// The HTTP calls of one of them.
    pub(super) fn http(&self, tokens: &Tokens) -> Http {
        self.http.with_tokens(Arc::new(Fixed::new(tokens)))
    }

    /// Has `creator` make a group of themselves and `users`, however many.
    pub(super) async fn group(
        &self,
        creator: &Tokens,
        name: &str,
        users: &[UserId],
    ) -> Result<ConversationId> {
        let http = self.http(creator);
        let mut parts = users.chunks(NAMED_MAX);
        let first = parts.next().unwrap_or_default();
        let group = http.group(name, first, false, self.clock.client_id()).await?.id;
        for part in parts {
            http.add(group, part, self.clock.client_id()).await?;
        }
        Ok(group)
    }

    /// What the server counts.
    pub(super) async fn metrics(&self) -> Result<Metrics> {
        let response = self.admin.get(format!("{}/metrics", self.admin_url)).send().await?;
        Ok(Metrics::parse(&response.error_for_status()?.text().await?))
    }

    /// Waits until Notification, which follows behind, has followed all that was stored; says how long that took.
    pub(super) async fn followed(&self) -> Result<Duration> {
        let begin = Instant::now();
        let left = async || {
            self.metrics().await?.entries_to_follow().context("the server tells no lag of Notification")
        };
        while left().await? > 0.0 {
            ensure!(begin.elapsed() < FOLLOW_PATIENCE, "Notification does not catch up with the log");
            sleep(FOLLOW_POLL).await;
        }
        Ok(begin.elapsed())
    }

    /// CPU time that the server has taken so far, in microseconds.
    pub(super) fn cpu_us(&self) -> Option<u64> {
        self.pid.and_then(process::cpu_us)
    }

    /// As [`Self::cpu_us`]; an error where it is not known, for what cannot be measured without it.
    pub(super) fn known_cpu_us(&self) -> Result<u64> {
        self.cpu_us().context(UNKNOWN_PROCESS)
    }

    /// As [`Self::rss_bytes`]; an error where it is not known.
    pub(super) fn known_rss_bytes(&self) -> Result<u64> {
        self.rss_bytes().context(UNKNOWN_PROCESS)
    }

    /// Its memory that is in RAM, in bytes.
    pub(super) fn rss_bytes(&self) -> Option<u64> {
        self.pid.and_then(process::rss_bytes)
    }

    /// Its process; an error where it is not known.
    pub(super) fn known_pid(&self) -> Result<u32> {
        self.pid.context(UNKNOWN_PROCESS)
    }

    /// Adds what the server logged last, if it is one of our own.
    pub(super) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let log = self.server.as_ref().map(Server::log).unwrap_or_default();
        if log.is_empty() { error } else { error.context(format!("the server's last words:\n{log}\n")) }
    }

    /// Ends the server, and measures what bounds it. Nothing is held against one that gets deliveries wrong on purpose.
    pub(super) async fn alone<T>(&mut self, bound: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        self.end().await?;
        if self.faulty { Ok(None) } else { bound.await.map(Some) }
    }

    /// Ends the server, if it is one of our own: it would go on merging tables while its ceiling is measured.
    pub(super) async fn end(&mut self) -> Result<()> {
        match &mut self.server {
            Some(server) => server.stop(End::Killed).await,
            None => Ok(()),
        }
    }
}
