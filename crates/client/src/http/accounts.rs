//! Accounts: signing up, in and out, passwords and recovery, people and devices.

use domain::UserId;
use http::Method;
use protocol::http::{
    ChangePassword, ConfirmPassword, Credentials, Devices, Recovery, RecoveryCodes, Refresh, Tokens, User,
};

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

    /// Signs every device of this person out, this one among them.
    pub async fn sign_out_everywhere(&self) -> Result<(), Error> {
        self.nothing(Ask::new(Method::DELETE, "/v1/sessions")).await
    }

    /// Sets another password; every other device is signed out unless it says no.
    pub async fn change_password(&self, change: &ChangePassword) -> Result<(), Error> {
        self.nothing(Ask::with(Method::POST, "/v1/accounts/password", change)).await
    }

    /// A new set of recovery codes; those from before are void.
    pub async fn make_recovery_codes(&self, current_password: &str) -> Result<RecoveryCodes, Error> {
        let body = ConfirmPassword { current_password: current_password.to_owned() };
        self.json(Ask::with(Method::POST, "/v1/accounts/recovery-codes", &body)).await
    }

    /// Sets a new password by a recovery code, which is used up; every device is signed out.
    pub async fn recover(&self, recovery: &Recovery) -> Result<(), Error> {
        self.nothing(Ask::with(Method::POST, "/v1/accounts/recovery", recovery)).await
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
