//! Calls of a server's admin listener.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use protocol::http::Failure;
use reqwest::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A caller who holds the admin token.
pub(crate) struct Caller {
    address: SocketAddr,
    token: String,
    http: reqwest::Client,
}

/// An answer of any length, a piece at a time.
pub(crate) struct Pieces(Response);

impl Pieces {
    /// The next piece; `None` at its end.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let piece = self.0.chunk().await;
        let piece = piece.context("the server broke off: its log says why")?;
        Ok(piece.map(|piece| piece.to_vec()))
    }
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
        self.read(self.answer(self.http.get(self.url(path))).await?).await
    }

    /// `GET` of something that may be long.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<Pieces> {
        Ok(Pieces(self.answer(self.http.get(self.url(path))).await?))
    }

    /// `POST`.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.read(self.answer(self.http.post(self.url(path)).json(body)).await?).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Response> {
        let response = request.bearer_auth(&self.token).send().await.with_context(|| {
            format!("no server answers on {}: is it running, and is that its admin listener?", self.address)
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let failure: Failure = self.read(response).await?;
        anyhow::bail!("{}", failure.error)
    }

    /// What an answer says; whoever speaks otherwise is somebody else.
    async fn read<T: DeserializeOwned>(&self, response: Response) -> anyhow::Result<T> {
        let body = response.bytes().await.context("the server broke off: its log says why")?;
        serde_json::from_slice(&body).with_context(|| {
            format!("{} is not an admin listener: name the server's with --admin", self.address)
        })
    }
}
