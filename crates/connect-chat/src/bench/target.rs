//! The server that is measured, and the people who are made on it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use client::Clock;
use client::http::Http;
use client::tokens::Fixed;
use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::http::{Failure, Tokens};
use serde_json::json;

use super::Common;
use super::out::Out;
use super::server::{self, Server};

/// People minted at once.
const MINTS_MAX: usize = 16;

/// The server that is measured.
pub(super) struct Target {
    pub(super) url: String,
    pub(super) clock: Clock,
    http: Http,
    admin_url: String,
    admin_token: String,
    admin: reqwest::Client,
    server: Option<Server>,
    pid: Option<u32>,
    /// Handles are new in each run.
    run: u32,
}

impl Target {
    pub(super) async fn new(common: &Common) -> Result<Self> {
        let server = if common.url.is_some() { None } else { Some(Server::start(common).await?) };
        let (url, admin_url, file, pid) = match &server {
            Some(server) => {
                let Server { addresses, .. } = server;
                let (url, admin) =
                    (format!("http://{}", addresses.listen), format!("http://{}", addresses.admin));
                (url, admin, server.admin_token_file(), server.pid())
            }
            None => {
                let url = common.url.clone().context("--url")?;
                let admin_url = common.admin_url.clone().context("--admin-url")?;
                (
                    url,
                    admin_url,
                    common.admin_token_file.clone().context("--admin-token-file")?,
                    common.server_pid,
                )
            }
        };
        let admin_token =
            std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(Self {
            http: Http::new(&url)?,
            clock: Clock::new(),
            admin_url,
            admin_token: admin_token.trim().to_owned(),
            admin: reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?,
            server,
            pid,
            run: rand::random(),
            url,
        })
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

    /// CPU time that the server has taken so far, in microseconds.
    pub(super) fn cpu_us(&self) -> Option<u64> {
        self.pid.and_then(server::cpu_us)
    }

    pub(super) fn rss_mb(&self) -> Option<f64> {
        self.pid.and_then(server::rss_mb)
    }

    /// Adds what the server logged last, if it is one of our own.
    pub(super) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let log = self.server.as_ref().map(Server::log).unwrap_or_default();
        if log.is_empty() { error } else { error.context(format!("the server's last words:\n{log}\n")) }
    }

    pub(super) async fn end(self) {
        if let Some(server) = self.server {
            server.end().await;
        }
    }
}
