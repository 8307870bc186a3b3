//! Another password, recovery codes, and everything of an account ended at once.
//!
//! Each is one replacement of the user's row, which holds the password's hash, the hashes of the codes and the era: whoever
//! crashes, or comes at the same time, finds it done whole or not at all. What the new era left behind is void from then on;
//! that its rows go and its live sessions end follows.

use contracts::services::{Ended, Principal};
use domain::{Code, DeviceId, Rejection, UserId};
use futures_util::future::try_join_all;
use protocol::http::{ChangePassword, ConfirmPassword, Recovery, RecoveryCodes};
use store_user::{ReplaceError, User};

use crate::password::Passwords;
use crate::recovery;
use crate::service::{Service, signed_out, wrong};

impl Service {
    pub(crate) async fn another_password(
        &self,
        caller: &Principal,
        change: ChangePassword,
        from: &str,
    ) -> Result<Ended, Rejection> {
        Passwords::check(&change.new_password)?;
        let user = self.confirmed(caller.user, change.current_password, from).await?;
        let password_hash = self.passwords.hash(change.new_password, self.ambient.bytes()).await?;
        let era = user.era + u64::from(!change.keep_devices);
        let next = User { password_hash, era, ..user.clone() };
        let ended = self.replace(&user, next, Some(caller.device)).await?;
        tracing::info!(user = %user.id, from, ended = ended.devices.len(), "the password was changed");
        Ok(ended)
    }

    pub(crate) async fn new_recovery_codes(
        &self,
        caller: UserId,
        confirm: ConfirmPassword,
        from: &str,
    ) -> Result<RecoveryCodes, Rejection> {
        let user = self.confirmed(caller, confirm.current_password, from).await?;
        let codes = self.codes(&user, recovery::CODES).await?;
        tracing::info!(user = %user.id, from, "recovery codes were made");
        Ok(codes)
    }

    /// One code, for somebody who has lost everything and turned to an operator.
    pub(crate) async fn code_by_admin(&self, handle: &str) -> Result<RecoveryCodes, Rejection> {
        let user = self.named(handle).await?;
        let codes = self.codes(&user, 1).await?;
        tracing::warn!(user = %user.id, "an admin made a recovery code for a user");
        Ok(codes)
    }

    /// A wrong name, a wrong code and a used one are one path, which takes as long as a right one: the new password is hashed
    /// before anything is looked up.
    pub(crate) async fn recover_by_code(&self, recovery: Recovery, from: &str) -> Result<Ended, Rejection> {
        Passwords::check(&recovery.new_password)?;
        let handle = recovery.handle.to_ascii_lowercase();
        self.throttle(&handle, from)?;
        let password_hash = self.passwords.hash(recovery.new_password, self.ambient.bytes()).await?;
        let used = recovery::hash(&recovery.code);
        let user = self.store.by_handle(&handle).await?;
        let holds = |user: &User| user.recovery_hashes.contains(&used);
        let user = self.only_if(user, holds, from, "the name or the recovery code is wrong")?;
        self.by_handle.forgive(&handle);
        let mut next = User { password_hash, era: user.era + 1, ..user.clone() };
        next.recovery_hashes.retain(|kept| *kept != used);
        let ended = self.replace(&user, next, None).await?;
        tracing::info!(user = %user.id, from, ended = ended.devices.len(), "a recovery code set a new password");
        Ok(ended)
    }

    pub(crate) async fn end_everything(&self, user: UserId) -> Result<Ended, Rejection> {
        let user = self.store.user(user).await?.ok_or_else(signed_out)?;
        let ended = self.replace(&user, User { era: user.era + 1, ..user.clone() }, None).await?;
        tracing::info!(user = %user.id, ended = ended.devices.len(), "signed out everywhere");
        Ok(ended)
    }

    /// The user, who has just said the password again.
    async fn confirmed(&self, user: UserId, password: String, from: &str) -> Result<User, Rejection> {
        let user = self.store.user(user).await?.ok_or_else(signed_out)?;
        self.throttle(&user.handle, from)?;
        let user = self.with_password(Some(user), password, from, "the password is wrong").await?;
        self.by_handle.forgive(&user.handle);
        Ok(user)
    }

    /// A new set of codes in place of whatever the user had.
    async fn codes(&self, user: &User, count: usize) -> Result<RecoveryCodes, Rejection> {
        let codes: Vec<String> = (0..count).map(|_| recovery::shown(self.ambient.bytes())).collect();
        let recovery_hashes = codes.iter().map(|code| recovery::hash(code)).collect();
        self.replace(user, User { recovery_hashes, ..user.clone() }, None).await?;
        Ok(RecoveryCodes { codes })
    }

    /// Replaces a user's row, and ends what its era has left behind.
    async fn replace(&self, user: &User, next: User, kept: Option<DeviceId>) -> Result<Ended, Rejection> {
        match self.store.replace_user(user, next.clone(), kept).await {
            Ok(()) => self.end_left_behind(&next).await,
            Err(ReplaceError::Changed) => {
                let message = "the account was changed at the same time; try again";
                Err(Rejection::new(Code::Unavailable, message).retry_after_ms(100))
            }
            Err(ReplaceError::Store(error)) => Err(error.into()),
        }
    }

    async fn end_left_behind(&self, user: &User) -> Result<Ended, Rejection> {
        let devices = self.store.devices(user.id, usize::MAX).await?;
        let left = devices.iter().filter(|device| !user.lets_in(device));
        let devices: Vec<DeviceId> = left.map(|device| device.id).collect();
        try_join_all(devices.iter().map(|device| self.end_device(user.id, *device))).await?;
        Ok(Ended { user: user.id, devices })
    }

    /// The user if this holds of them; to whoever asks, nobody and somebody of whom it does not hold are one.
    pub(crate) fn only_if(
        &self,
        user: Option<User>,
        holds: impl FnOnce(&User) -> bool,
        from: &str,
        refusal: &'static str,
    ) -> Result<User, Rejection> {
        let id = user.as_ref().map(|user| user.id);
        user.filter(holds).ok_or_else(|| {
            // The name that was tried is not logged: people type their passwords there.
            tracing::info!(user = id.map(tracing::field::display), from, "wrong credentials were refused");
            wrong(refusal)
        })
    }
}
