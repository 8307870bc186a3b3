//! Typed calls of `/v1/…`: one method per operation, each one request.
//!
//! Deliberately absent: retries (the caller knows whether to; [`Error::retryable`] says whether it may), and caches.

mod accounts;
mod conversations;
mod history;
mod transport;

pub use history::Edge;

use std::sync::Arc;

use domain::{ClientId, Code};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::endpoint::Endpoint;
use crate::error::{Error, rejection};
use crate::tokens::TokenSource;
use transport::Transport;

/// The HTTP side of a server. Cheap to clone; connections are pooled.
#[derive(Clone)]
pub struct Http {
    transport: Transport,
    endpoint: Endpoint,
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
    /// The server at `base`, like `https://chat.example` or `http://127.0.0.1:8080`; nobody is signed in.
    pub fn new(base: &str) -> Result<Self, Error> {
        Endpoint::new(base).map(Self::at)
    }

    /// The server at this address; nobody is signed in.
    pub fn at(endpoint: Endpoint) -> Self {
        Self { transport: Transport::new(&endpoint), endpoint, tokens: None }
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
        self.endpoint.base()
    }

    /// Where the server is, and whom to believe that.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn json<B: Serialize, T: DeserializeOwned>(&self, ask: Ask<'_, B>) -> Result<T, Error> {
        let bytes = self.send(&ask).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Protocol(format!("{} {}: {error}", ask.method, ask.path)))
    }

    async fn nothing<B: Serialize>(&self, ask: Ask<'_, B>) -> Result<(), Error> {
        self.send(&ask).await.map(drop)
    }

    /// Sends it, and gives the body of the answer; a token that has just expired is replaced once.
    async fn send<B: Serialize>(&self, ask: &Ask<'_, B>) -> Result<Bytes, Error> {
        let Some(tokens) = &self.tokens else { return self.send_as(ask, None).await };
        let access = tokens.access(None).await?;
        match self.send_as(ask, Some(&access.token)).await {
            Err(error) if error.is(Code::TokenExpired) => {
                let access = tokens.access(Some(&access.token)).await?;
                self.send_as(ask, Some(&access.token)).await
            }
            answer => answer,
        }
    }

    async fn send_as<B: Serialize>(&self, ask: &Ask<'_, B>, token: Option<&str>) -> Result<Bytes, Error> {
        answered(self.transport.send(self.build(ask, token)?).await?)
    }

    fn build<B: Serialize>(
        &self,
        ask: &Ask<'_, B>,
        token: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let bad = || Error::BadUrl(ask.path.clone());
        let mut url = self.endpoint.url().join(&ask.path).map_err(|_| bad())?;
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query.iter().map(|(name, value)| (name, value)));
        }
        let mut request = Request::builder().method(ask.method.clone()).uri(url.as_str());
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = ask.key {
            request = request.header("Idempotency-Key", key.to_string());
        }
        let mut body = Bytes::new();
        if let Some(value) = ask.body {
            request = request.header(CONTENT_TYPE, "application/json");
            body = serde_json::to_vec(value).map_err(|error| Error::Protocol(error.to_string()))?.into();
        }
        request.body(Full::new(body)).map_err(|_| bad())
    }
}

fn answered(response: Response<Bytes>) -> Result<Bytes, Error> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    let unnamed = || Error::Protocol(format!("status {status} without a named error"));
    Err(rejection(&response).map_or_else(unnamed, Error::Rejected))
}
