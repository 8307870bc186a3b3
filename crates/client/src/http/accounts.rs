//! Accounts: signing up, in and out, people and devices.

use domain::UserId;
use http::Method;
use protocol::http::{Credentials, Devices, Refresh, Tokens, User};

use super::{Ask, Http};
use crate::error::Error;

impl Http {
    /// Signs up: makes an account and signs this device in.
    pub async fn sign_up(&self, credentials: &Credentials) -> Result<Tokens, Error> {
        self.json(Ask::with(Method::POST, "/v1/accounts", credentials)).await
    }

    /// Signs this device in, as a new one.
    pub async fn sign_in(&self, credentials: &Credentials) -> Result<Tokens, Error> {
        self.json(Ask::with(Method::POST, "/v1/sessions", credentials)).await
    }

    /// A new pair of tokens for a refresh token, which is used up.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens, Error> {
        let body = Refresh { refresh_token: refresh_token.to_owned() };
        self.json(Ask::with(Method::POST, "/v1/sessions/refresh", &body)).await
    }

    /// Signs this device out: its tokens are void at once.
    pub async fn sign_out(&self) -> Result<(), Error> {
        self.nothing(Ask::new(Method::DELETE, "/v1/sessions/current")).await
    }

    /// Who is signed in.
    pub async fn me(&self) -> Result<User, Error> {
        self.json(Ask::get("/v1/users/me")).await
    }

    /// A person by id.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        self.json(Ask::get(format!("/v1/users/{id}"))).await
    }

    /// A person by their exact handle.
    pub async fn by_handle(&self, handle: &str) -> Result<User, Error> {
        self.json(Ask::get("/v1/users").query("handle", Some(handle))).await
    }

    /// One's own devices, oldest first.
    pub async fn devices(&self) -> Result<Devices, Error> {
        self.json(Ask::get("/v1/devices")).await
    }
}
