//! Where access tokens come from: an app may have its own source; this crate has one that refreshes, and one that
//! always gives the same.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{Code, Rejection, Timestamp};
use protocol::http::Tokens;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::error::Error;
use crate::http::Http;

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The token.
    pub token: String,
    /// When it expires, on server time.
    pub expires: Timestamp,
}

/// Gives access tokens.
///
/// Laws: it may be asked often and by many at once, and answers quickly while a good token is at hand; a retryable
/// error means "ask again later", any other that a person has to sign in.
#[async_trait]
pub trait TokenSource: Send + Sync + 'static {
    /// A token that is good now. `stale` names one that was refused or is about to expire: give another.
    async fn access(&self, stale: Option<&str>) -> Result<Access, Error>;
}

/// Always the same token: for one that an admin minted. When it expires, the client stops.
#[derive(Debug, Clone)]
pub struct Fixed(pub Access);

impl Fixed {
    /// The access token of these tokens.
    pub fn new(tokens: &Tokens) -> Self {
        Self(access_of(tokens))
    }
}

#[async_trait]
impl TokenSource for Fixed {
    async fn access(&self, stale: Option<&str>) -> Result<Access, Error> {
        if stale == Some(&*self.0.token) { Err(sign_in_again()) } else { Ok(self.0.clone()) }
    }
}

/// Keeps the newest pair somewhere, before anyone uses it.
pub type Keep = Box<dyn Fn(&Tokens) -> io::Result<()> + Send + Sync>;

/// Gives the access token of a sign-in, and refreshes it when asked for another or when it expires soon.
pub struct Refreshing {
    http: Http,
    clock: Arc<Clock>,
    tokens: Mutex<Tokens>,
    keep: Keep,
}

/// A token this close to its end is not given out any more, in milliseconds.
const MARGIN_MS: u64 = 15_000;

impl Refreshing {
    /// Starts with the tokens of a sign-in. `keep` stores each new pair: a refresh token can be used once only, so
    /// whoever loses the newest pair has to sign in again.
    pub fn new(http: Http, tokens: Tokens, clock: Arc<Clock>, keep: Keep) -> Self {
        Self { http: http.without_tokens(), clock, tokens: Mutex::new(tokens), keep }
    }
}

#[async_trait]
impl TokenSource for Refreshing {
    async fn access(&self, stale: Option<&str>) -> Result<Access, Error> {
        let mut tokens = self.tokens.lock().await;
        let soon = self.clock.server_time().plus_ms(MARGIN_MS);
        let good = tokens.access_token_expires > soon && stale != Some(&*tokens.access_token);
        if !good {
            let refresh = tokens.refresh_token.as_deref().ok_or_else(sign_in_again)?;
            let newer = self.http.refresh(refresh).await?;
            self.clock.told(newer.time);
            (self.keep)(&newer)?;
            *tokens = newer;
        }
        Ok(access_of(&tokens))
    }
}

fn access_of(tokens: &Tokens) -> Access {
    Access { token: tokens.access_token.clone(), expires: tokens.access_token_expires }
}

fn sign_in_again() -> Error {
    Rejection::new(Code::TokenExpired, "the access token expired and cannot be refreshed: sign in again")
        .into()
}
