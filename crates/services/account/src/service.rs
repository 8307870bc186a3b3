//! Accounts as others call them.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bus::MessageBus;
use contracts::Ambient;
use contracts::records::{Announcement, SessionChange};
use contracts::services::{Accounts, Ended, OlderKeys, Principal};
use domain::{Code, DeviceId, Generation, PortError, Region, Rejection, SessionId, Slot, Timestamp, UserId};
use protocol::http::{self, ChangePassword, ConfirmPassword, Credentials, Recovery, RecoveryCodes, Tokens};
use store_user::{CreateError, Device, ReplaceError, User, UserStore};

use crate::handle::canonical;
use crate::keys::Keyring;
use crate::meters;
pub use crate::password::Cost;
use crate::password::Passwords;
use crate::refresh::RefreshToken;
pub use crate::throttle::Rate;
use crate::throttle::Throttle;
use crate::token;

/// Settings of Accounts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people who sign up here are homed.
    pub region: Region,
    /// Access tokens live this long, in milliseconds.
    pub access_token_ms: u64,
    /// Tokens minted by an admin live this long, in milliseconds.
    pub minted_token_ms: u64,
    /// A refresh token is good for this long without being used, in milliseconds.
    pub refresh_token_ms: u64,
    /// A refresh token may be used again for this long after its first use, in milliseconds: the answer may have been
    /// lost on the way.
    pub refresh_leeway_ms: u64,
    /// How hard passwords are to hash.
    pub cost: Cost,
    /// Passwords hashed at once.
    pub hashes_at_once: usize,
    /// Tries for one handle.
    pub rate_by_handle: Rate,
    /// Tries from one address.
    pub rate_by_address: Rate,
    /// Devices of one person at most.
    pub devices_max: usize,
    /// Bytes of a device's name.
    pub name_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: Region::ONLY,
            access_token_ms: 10 * 60_000,
            minted_token_ms: 24 * 3_600_000,
            refresh_token_ms: 60 * 86_400_000,
            refresh_leeway_ms: 30_000,
            cost: Cost::default(),
            hashes_at_once: 2,
            rate_by_handle: Rate { burst: 10, every_ms: 6_000 },
            rate_by_address: Rate { burst: 60, every_ms: 1_000 },
            devices_max: 100,
            name_bytes_max: 128,
        }
    }
}

/// Keeps the text of a keyring where it survives.
pub type KeepKeys = Box<dyn Fn(&str) -> Result<(), PortError> + Send + Sync>;

/// The Accounts service.
pub struct Service {
    config: Config,
    pub(crate) store: Arc<dyn UserStore>,
    sessions: Arc<dyn MessageBus<Announcement>>,
    pub(crate) ambient: Ambient,
    pub(crate) passwords: Passwords,
    keys: RwLock<Arc<Keyring>>,
    keep_keys: KeepKeys,
    pub(crate) by_handle: Throttle,
    by_address: Throttle,
}

impl Service {
    /// Accounts over this User DB, signing with these keys; `keep_keys` stores the keyring when it changes, and `sessions`
    /// is told of devices that are signed out.
    pub fn new(
        config: Config,
        store: Arc<dyn UserStore>,
        sessions: Arc<dyn MessageBus<Announcement>>,
        ambient: Ambient,
        keys: Keyring,
        keep_keys: KeepKeys,
    ) -> Result<Self, PortError> {
        Ok(Self {
            passwords: Passwords::new(config.cost, config.hashes_at_once, ambient.bytes())?,
            by_handle: Throttle::new(config.rate_by_handle),
            by_address: Throttle::new(config.rate_by_address),
            keys: RwLock::new(Arc::new(keys)),
            config,
            store,
            sessions,
            ambient,
            keep_keys,
        })
    }

    fn keys(&self) -> Arc<Keyring> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn new_user(&self, handle: String, password_hash: String) -> Result<User, Rejection> {
        let now = self.ambient.now();
        let id = UserId::new(self.config.region, self.ambient.bytes());
        let user = User { id, handle, password_hash, created: now, era: 0, recovery_hashes: vec![] };
        match self.store.create(user.clone()).await {
            Ok(()) => Ok(user),
            Err(CreateError::Taken) => {
                Err(Rejection::new(Code::AlreadyExists, "somebody has this name: choose another"))
            }
            Err(CreateError::Store(error)) => Err(error.into()),
        }
    }

    /// Signs a user in on a new device.
    async fn new_device(
        &self,
        user: &User,
        name: Option<String>,
        can_refresh: bool,
    ) -> Result<Tokens, Rejection> {
        let now = self.ambient.now();
        if can_refresh && self.signed_in(user).await?.len() >= self.config.devices_max {
            return Err(Rejection::new(
                Code::TooLarge,
                "this person has too many devices: sign one out first",
            ));
        }
        let name = name.unwrap_or_else(|| "unnamed device".to_owned());
        if name.len() > self.config.name_bytes_max {
            return Err(Rejection::new(Code::TooLarge, "the device's name is too long"));
        }
        let id = DeviceId::new(self.config.region, self.ambient.bytes());
        let refresh =
            can_refresh.then(|| RefreshToken { user: user.id, device: id, secret: self.ambient.bytes() });
        let device = Device {
            user: user.id,
            id,
            name,
            created: now,
            refresh_hash: refresh.map(|token| token.hash()),
            previous_hash: None,
            family_hash: refresh.map(|token| token.family_hash()),
            refreshed: now,
            // Should an era begin while the password is compared, the device is left behind at once.
            era: user.era,
        };
        self.store.add_device(device).await?;
        let lives_ms = if can_refresh { self.config.access_token_ms } else { self.config.minted_token_ms };
        self.tokens(user, id, refresh, now, lives_ms)
    }

    fn tokens(
        &self,
        user: &User,
        device: DeviceId,
        refresh: Option<RefreshToken>,
        now: Timestamp,
        lives_ms: u64,
    ) -> Result<Tokens, Rejection> {
        let principal = Principal { user: user.id, device, expires: now.plus_ms(lives_ms) };
        Ok(Tokens {
            user: user.id,
            device,
            handle: user.handle.clone(),
            access_token: token::sign(&self.keys(), &principal, now)?,
            access_token_expires: principal.expires,
            refresh_token: refresh.map(|token| token.encode()),
            time: now,
        })
    }

    /// The devices that a user is signed in on.
    async fn signed_in(&self, user: &User) -> Result<Vec<Device>, PortError> {
        let mut devices = self.store.devices(user.id, self.config.devices_max).await?;
        devices.retain(|device| user.lets_in(device));
        Ok(devices)
    }

    /// A user and a device on which they are signed in.
    async fn on_device(&self, user: UserId, device: DeviceId) -> Result<(User, Device), Rejection> {
        let user = self.store.user(user).await?.ok_or_else(signed_out)?;
        let device = self.store.device(user.id, device).await?.filter(|device| user.lets_in(device));
        Ok((user, device.ok_or_else(signed_out)?))
    }

    /// The user of this name, for admins, who may know that there is none.
    pub(crate) async fn named(&self, handle: &str) -> Result<User, Rejection> {
        let user = self.store.by_handle(&handle.to_ascii_lowercase()).await?;
        user.ok_or_else(|| Rejection::new(Code::NotFound, "there is no user of this name"))
    }

    /// The user if this is their password; it takes as long if there is none, or nobody.
    pub(crate) async fn with_password(
        &self,
        user: Option<User>,
        password: String,
        from: &str,
        refusal: &'static str,
    ) -> Result<User, Rejection> {
        let hash = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| !hash.is_empty());
        let matches = self.passwords.verify(password, hash).await?;
        self.only_if(user, |_| matches, from, refusal)
    }

    pub(crate) fn throttle(&self, handle: &str, from: &str) -> Result<(), Rejection> {
        let now = self.ambient.now();
        self.by_address.take(from, now)?;
        self.by_handle.take(handle, now)
    }

    /// A refresh token that was used before is in two hands: nobody may go on with the device.
    async fn revoke_reused(&self, device: &Device) -> Result<Rejection, Rejection> {
        tracing::warn!(user = %device.user, device = %device.id, "a refresh token was used twice, device signed out");
        meters::refresh_reuse().increment(1);
        self.end_device(device.user, device.id).await?;
        Ok(signed_out())
    }

    /// The device's tokens are void, then its live sessions end.
    pub(crate) async fn end_device(&self, user: UserId, device: DeviceId) -> Result<(), Rejection> {
        self.store.remove_device(user, device).await?;
        // No session is meant by itself: every one of the device ends.
        let session = SessionId { slot: Slot(0), generation: Generation(0), number: 0 };
        let announcement = Announcement { user, device, session, change: SessionChange::SignedOut };
        match self.sessions.publish(announcement).await {
            Ok(()) | Err(bus::Error::Closed) => Ok(()),
            Err(bus::Error::Engine(error)) => Err(error.into()),
        }
    }
}

pub(crate) fn signed_out() -> Rejection {
    Rejection::new(Code::Unauthenticated, "the device is signed out: sign in again")
}

pub(crate) fn wrong(what: &'static str) -> Rejection {
    Rejection::new(Code::InvalidCredentials, what)
}

fn shown(user: User) -> http::User {
    http::User { id: user.id, handle: user.handle }
}

#[async_trait]
impl Accounts for Service {
    async fn sign_up(&self, credentials: Credentials, from: &str) -> Result<Tokens, Rejection> {
        let handle = canonical(&credentials.handle)?;
        Passwords::check(&credentials.password)?;
        self.throttle(&handle, from)?;
        let hash = self.passwords.hash(credentials.password, self.ambient.bytes()).await?;
        let user = self.new_user(handle, hash).await?;
        let tokens = self.new_device(&user, credentials.device_name, true).await?;
        tracing::info!(user = %user.id, device = %tokens.device, from, "signed up");
        Ok(tokens)
    }

    async fn sign_in(&self, credentials: Credentials, from: &str) -> Result<Tokens, Rejection> {
        // A name that cannot exist is looked up like any other, so that it takes as long and looks the same.
        let handle = credentials.handle.to_ascii_lowercase();
        self.throttle(&handle, from)?;
        let user = self.store.by_handle(&handle).await?;
        let refusal = "the name or the password is wrong";
        let user = self.with_password(user, credentials.password, from, refusal).await?;
        self.by_handle.forgive(&handle);
        let tokens = self.new_device(&user, credentials.device_name, true).await?;
        tracing::info!(user = %user.id, device = %tokens.device, from, "signed in");
        Ok(tokens)
    }

    async fn refresh(&self, refresh_token: &str) -> Result<Tokens, Rejection> {
        let token = RefreshToken::decode(refresh_token).ok_or_else(signed_out)?;
        let (user, device) = self.on_device(token.user, token.device).await?;
        let now = self.ambient.now();
        let hash = token.hash();
        let since_ms = now.since_ms(device.refreshed);
        let again = device.previous_hash == Some(hash);
        let used = device.refresh_hash != Some(hash) && device.family_hash == Some(token.family_hash());
        let excused = again && since_ms <= self.config.refresh_leeway_ms;
        if (again || used) && !excused {
            return Err(self.revoke_reused(&device).await?);
        }
        if !again && (device.refresh_hash != Some(hash) || since_ms > self.config.refresh_token_ms) {
            return Err(signed_out());
        }
        let next = token.next(self.ambient.bytes());
        // Used again, it stays the previous one, and its leeway goes on from its first use.
        let refreshed = if again { device.refreshed } else { now };
        let replaced = Device {
            refresh_hash: Some(next.hash()),
            previous_hash: Some(hash),
            refreshed,
            ..device.clone()
        };
        match self.store.replace_device(device.refresh_hash, replaced).await {
            Ok(()) => self.tokens(&user, token.device, Some(next), now, self.config.access_token_ms),
            Err(ReplaceError::Changed) => {
                let message = "the device refreshed its token twice at once; try again";
                Err(Rejection::new(Code::Unavailable, message).retry_after_ms(100))
            }
            Err(ReplaceError::Store(error)) => Err(error.into()),
        }
    }

    async fn sign_out(&self, user: UserId, device: DeviceId) -> Result<(), Rejection> {
        self.end_device(user, device).await
    }

    async fn authenticate(&self, access_token: &str) -> Result<Principal, Rejection> {
        let principal = token::verify(&self.keys(), access_token, self.ambient.now())?;
        self.on_device(principal.user, principal.device).await.map(|_| principal)
    }

    async fn change_password(
        &self,
        caller: &Principal,
        change: ChangePassword,
        from: &str,
    ) -> Result<Ended, Rejection> {
        self.another_password(caller, change, from).await
    }

    async fn make_recovery_codes(
        &self,
        user: UserId,
        confirm: ConfirmPassword,
        from: &str,
    ) -> Result<RecoveryCodes, Rejection> {
        self.new_recovery_codes(user, confirm, from).await
    }

    async fn recover(&self, recovery: Recovery, from: &str) -> Result<Ended, Rejection> {
        self.recover_by_code(recovery, from).await
    }

    async fn sign_out_everywhere(&self, user: UserId) -> Result<Ended, Rejection> {
        self.end_everything(user).await
    }

    async fn end_all_of(&self, handle: &str) -> Result<Ended, Rejection> {
        let user = self.named(handle).await?;
        tracing::warn!(user = %user.id, "an admin signs a user out everywhere");
        self.end_everything(user.id).await
    }

    async fn make_recovery_code(&self, handle: &str) -> Result<RecoveryCodes, Rejection> {
        self.code_by_admin(handle).await
    }

    async fn mint(&self, handle: &str, create: bool) -> Result<Tokens, Rejection> {
        let handle = canonical(handle)?;
        let user = match self.store.by_handle(&handle).await? {
            Some(user) => user,
            // No password has an empty hash: nobody signs in as this user until one is set.
            None if create => self.new_user(handle, String::new()).await?,
            None => return Err(Rejection::new(Code::NotFound, "there is no user of this name")),
        };
        self.new_device(&user, Some("minted by an admin".to_owned()), false).await
    }

    async fn user(&self, id: UserId) -> Result<http::User, Rejection> {
        self.store.user(id).await?.map(shown).ok_or_else(Rejection::not_found)
    }

    async fn by_handle(&self, handle: &str) -> Result<http::User, Rejection> {
        self.store.by_handle(&handle.to_ascii_lowercase()).await?.map(shown).ok_or_else(Rejection::not_found)
    }

    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        let mut unknown = vec![];
        for user in users {
            if self.store.user(*user).await?.is_none() {
                unknown.push(*user);
            }
        }
        Ok(unknown)
    }

    async fn devices(&self, user: UserId) -> Result<http::Devices, Rejection> {
        let user = self.store.user(user).await?.ok_or_else(Rejection::not_found)?;
        let mut devices = self.signed_in(&user).await?;
        devices.sort_by_key(|device| (device.created, device.id));
        let shown =
            |device: Device| http::Device { id: device.id, name: device.name, created: device.created };
        Ok(http::Devices { devices: devices.into_iter().map(shown).collect() })
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<http::User>, Rejection> {
        Ok(self.store.users(after, limit).await?.into_iter().map(shown).collect())
    }

    async fn rotate_key(&self, older: OlderKeys) -> Result<String, Rejection> {
        let (seed, now) = (self.ambient.bytes(), self.ambient.now());
        let lives_ms = self.config.access_token_ms.max(self.config.minted_token_ms);
        let rotated = match older {
            OlderKeys::Verify => self.keys().rotated(seed, now, lives_ms)?,
            OlderKeys::Void => Keyring::generate(seed, now)?,
        };
        // Kept first: a token signed with a key that is not kept would be void after a restart.
        (self.keep_keys)(&rotated.to_text())?;
        let kid = rotated.kid().to_owned();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rotated);
        Ok(kid)
    }
}
