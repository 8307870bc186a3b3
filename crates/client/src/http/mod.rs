//! Typed calls of `/v1/…`: one method per operation, each one request.
//!
//! Deliberately absent: retries (the caller knows whether to; [`Error::retryable`] says whether it may), caches, and
//! https, which comes with the server's TLS.

mod accounts;
mod conversations;
mod history;

pub use history::Edge;

use std::sync::Arc;
use std::time::Duration;

use domain::{ClientId, Code};
use protocol::http::Failure;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Error;
use crate::tokens::TokenSource;

/// A request takes at most this long.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP side of a server. Cheap to clone; connections are pooled.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    base: Url,
    tokens: Option<Arc<dyn TokenSource>>,
}

/// What a request is made of.
struct Ask<'a, B> {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<&'a B>,
    key: Option<ClientId>,
}

impl Ask<'_, ()> {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: None, key: None }
    }

    fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }
}

impl<'a, B> Ask<'a, B> {
    fn with(method: Method, path: impl Into<String>, body: &'a B) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: Some(body), key: None }
    }

    fn key(mut self, key: ClientId) -> Self {
        self.key = Some(key);
        self
    }

    fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }
}

impl Http {
    /// The server at `base`, like `http://127.0.0.1:8080`; nobody is signed in.
    pub fn new(base: &str) -> Result<Self, Error> {
        let base: Url = base.parse().map_err(|_| Error::BadUrl(base.to_owned()))?;
        if base.scheme() != "http" || !base.has_host() {
            return Err(Error::BadUrl(base.to_string()));
        }
        let client = reqwest::Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build()?;
        Ok(Self { client, base, tokens: None })
    }

    /// The same server, with calls made in the name of whom these tokens stand for.
    #[must_use]
    pub fn with_tokens(&self, tokens: Arc<dyn TokenSource>) -> Self {
        Self { tokens: Some(tokens), ..self.clone() }
    }

    /// The same server, signed out.
    #[must_use]
    pub fn without_tokens(&self) -> Self {
        Self { tokens: None, ..self.clone() }
    }

    /// Where the server is.
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    async fn json<B: Serialize, T: DeserializeOwned>(&self, ask: Ask<'_, B>) -> Result<T, Error> {
        let bytes = self.send(&ask).await?.bytes().await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Protocol(format!("{} {}: {error}", ask.method, ask.path)))
    }

    async fn nothing<B: Serialize>(&self, ask: Ask<'_, B>) -> Result<(), Error> {
        self.send(&ask).await.map(drop)
    }

    /// Sends it; a token that has just expired is replaced once.
    async fn send<B: Serialize>(&self, ask: &Ask<'_, B>) -> Result<Response, Error> {
        let Some(tokens) = &self.tokens else { return answered(self.build(ask)?.send().await?).await };
        let access = tokens.access(None).await?;
        match answered(self.build(ask)?.bearer_auth(&access.token).send().await?).await {
            Err(error) if error.is(Code::TokenExpired) => {
                let access = tokens.access(Some(&access.token)).await?;
                answered(self.build(ask)?.bearer_auth(&access.token).send().await?).await
            }
            answer => answer,
        }
    }

    fn build<B: Serialize>(&self, ask: &Ask<'_, B>) -> Result<RequestBuilder, Error> {
        let mut url = self.base.join(&ask.path).map_err(|_| Error::BadUrl(ask.path.clone()))?;
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query.iter().map(|(name, value)| (name, value)));
        }
        let mut request = self.client.request(ask.method.clone(), url);
        if let Some(key) = ask.key {
            request = request.header("Idempotency-Key", key.to_string());
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        Ok(request)
    }
}

async fn answered(response: Response) -> Result<Response, Error> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let bytes = response.bytes().await?;
    match serde_json::from_slice::<Failure>(&bytes) {
        Ok(failure) => Err(failure.error.into()),
        Err(_) if status.is_server_error() => Err(Error::Unreachable(format!("status {status}"))),
        Err(_) => Err(Error::Protocol(format!("status {status} without a named error"))),
    }
}
