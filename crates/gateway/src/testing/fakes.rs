//! Accounts, slots and Notification as the tests need them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use async_trait::async_trait;
use contracts::Clock;
use contracts::services::{Ended, OlderKeys, Principal, SlotLease};
use domain::{Code, ConversationId, DeviceId, Generation, Mark, Rejection, Slot, UserId};
use protocol::http;

use super::{HandClock, device, user};

/// Accounts in which the token `1.2` names user 1 on device 2 for ten minutes. Users below 200 exist.
pub(crate) struct Accounts {
    clock: Arc<HandClock>,
    pub(crate) down: AtomicBool,
    pub(crate) asked_unknown: AtomicU64,
}

impl Accounts {
    pub(crate) const fn new(clock: Arc<HandClock>) -> Self {
        Self { clock, down: AtomicBool::new(false), asked_unknown: AtomicU64::new(0) }
    }

    fn tokens(&self, handle: &str) -> http::Tokens {
        http::Tokens {
            user: user(1),
            device: device(1),
            handle: handle.to_owned(),
            access_token: "1.1".to_owned(),
            access_token_expires: self.clock.now().plus_ms(600_000),
            refresh_token: None,
            time: self.clock.now(),
        }
    }
}

#[async_trait]
impl contracts::services::Accounts for Accounts {
    async fn sign_up(&self, credentials: http::Credentials, _from: &str) -> Result<http::Tokens, Rejection> {
        Ok(self.tokens(&credentials.handle))
    }

    async fn sign_in(&self, credentials: http::Credentials, from: &str) -> Result<http::Tokens, Rejection> {
        if credentials.password != "right" {
            return Err(Rejection::new(Code::InvalidCredentials, format!("wrong, from {from}")));
        }
        Ok(self.tokens(&credentials.handle))
    }

    async fn refresh(&self, _refresh_token: &str) -> Result<http::Tokens, Rejection> {
        Err(Rejection::new(Code::RateLimited, "later").retry_after_ms(1_500))
    }

    async fn sign_out(&self, _user: UserId, _device: DeviceId) -> Result<(), Rejection> {
        Ok(())
    }

    async fn sign_out_everywhere(&self, user: UserId) -> Result<Ended, Rejection> {
        Ok(Ended { user, devices: vec![device(1), device(2)] })
    }

    async fn change_password(
        &self,
        caller: &Principal,
        change: http::ChangePassword,
        from: &str,
    ) -> Result<Ended, Rejection> {
        if change.current_password != "right" {
            return Err(Rejection::new(Code::InvalidCredentials, format!("wrong, from {from}")));
        }
        Ok(Ended { user: caller.user, devices: vec![] })
    }

    async fn make_recovery_codes(
        &self,
        _user: UserId,
        _confirm: http::ConfirmPassword,
        _from: &str,
    ) -> Result<http::RecoveryCodes, Rejection> {
        Ok(http::RecoveryCodes { codes: vec![] })
    }

    async fn recover(&self, _recovery: http::Recovery, _from: &str) -> Result<Ended, Rejection> {
        Ok(Ended { user: user(1), devices: vec![device(1)] })
    }

    async fn make_recovery_code(&self, _handle: &str) -> Result<http::RecoveryCodes, Rejection> {
        Ok(http::RecoveryCodes { codes: vec![] })
    }

    async fn authenticate(&self, access_token: &str) -> Result<Principal, Rejection> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Rejection::new(Code::Unavailable, "down"));
        }
        if access_token == "expired" {
            return Err(Rejection::new(Code::TokenExpired, "it was valid once"));
        }
        let parts = access_token
            .split_once('.')
            .and_then(|(user, device)| Some((user.parse().ok()?, device.parse().ok()?)));
        let (who, on) = parts.ok_or_else(|| Rejection::new(Code::Unauthenticated, "no such token"))?;
        Ok(Principal { user: user(who), device: device(on), expires: self.clock.now().plus_ms(600_000) })
    }

    async fn mint(&self, handle: &str, _create: bool) -> Result<http::Tokens, Rejection> {
        Ok(self.tokens(handle))
    }

    async fn end_all_of(&self, _handle: &str) -> Result<Ended, Rejection> {
        Ok(Ended { user: user(1), devices: vec![] })
    }

    async fn user(&self, id: UserId) -> Result<http::User, Rejection> {
        Ok(http::User { id, handle: "somebody".to_owned() })
    }

    async fn by_handle(&self, handle: &str) -> Result<http::User, Rejection> {
        Ok(http::User { id: user(1), handle: handle.to_owned() })
    }

    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        self.asked_unknown.fetch_add(1, Ordering::SeqCst);
        Ok(users.iter().filter(|user| user.as_bytes()[15] >= 200).copied().collect())
    }

    async fn devices(&self, _user: UserId) -> Result<http::Devices, Rejection> {
        Ok(http::Devices { devices: vec![] })
    }

    async fn users(&self, _after: Option<UserId>, _limit: usize) -> Result<Vec<http::User>, Rejection> {
        Ok(vec![])
    }

    async fn rotate_key(&self, _older: OlderKeys) -> Result<String, Rejection> {
        Ok("key".to_owned())
    }
}

/// Slots that are leased for a minute; the lease can be taken away.
pub(crate) struct Slots {
    pub(crate) generation: AtomicU32,
    pub(crate) lost: AtomicBool,
    pub(crate) released: AtomicBool,
    pub(crate) unfollowed: AtomicU64,
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self {
            generation: AtomicU32::new(0),
            lost: AtomicBool::new(false),
            released: AtomicBool::new(false),
            unfollowed: AtomicU64::new(0),
        }
    }

    fn leased(&self, generation: u32) -> SlotLease {
        SlotLease { slot: Slot(3), generation: Generation(generation), lasts_ms: 500 }
    }
}

#[async_trait]
impl contracts::services::Slots for Slots {
    async fn lease(&self) -> Result<SlotLease, Rejection> {
        self.lost.store(false, Ordering::SeqCst);
        Ok(self.leased(self.generation.fetch_add(1, Ordering::SeqCst) + 1))
    }

    async fn renew(&self, _slot: Slot, generation: Generation) -> Result<SlotLease, Rejection> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(Rejection::new(Code::Conflict, "another has it"));
        }
        Ok(self.leased(generation.0))
    }

    async fn release(&self, _slot: Slot, _generation: Generation) -> Result<(), Rejection> {
        self.released.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn unfollow(
        &self,
        _conversation: ConversationId,
        _slot: Slot,
        _generation: Generation,
    ) -> Result<(), Rejection> {
        self.unfollowed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A Notification in which nobody missed anything.
pub(crate) struct Notifications;

#[async_trait]
impl contracts::services::Notifications for Notifications {
    async fn missed(&self, _user: UserId) -> Result<http::MissedList, Rejection> {
        Ok(http::MissedList { missed: vec![], badge: 0 })
    }

    async fn seen(&self, _seen: Vec<(UserId, ConversationId, Mark)>) -> Result<(), Rejection> {
        Ok(())
    }
}
