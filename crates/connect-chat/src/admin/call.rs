//! Calls of a server's admin listener.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use protocol::http::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A caller who holds the admin token.
pub(crate) struct Caller {
    address: SocketAddr,
    token: String,
    http: reqwest::Client,
}

impl Caller {
    /// A caller with the token in this data folder.
    pub(crate) fn new(address: SocketAddr, data: &Path) -> anyhow::Result<Self> {
        let path = node::secrets::Secrets::admin_token_path(data);
        let token = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "the admin token {} cannot be read: name the server's data folder with --data",
                path.display()
            )
        })?;
        Ok(Self { address, token: token.trim().to_owned(), http: reqwest::Client::new() })
    }

    /// `GET`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.answer(self.http.get(self.url(path))).await
    }

    /// `POST`.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.answer(self.http.post(self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        let response = request.bearer_auth(&self.token).send().await.with_context(|| {
            format!("no server answers on {}: is it running, and is that its admin listener?", self.address)
        })?;
        if response.status().is_success() {
            return Ok(response.json().await?);
        }
        let failure: Failure = response.json().await?;
        anyhow::bail!("{}", failure.error)
    }
}
