//! The User DB: accounts and their devices.
//!
//! The laws, which every engine passes in one suite ([`suite`]):
//!
//! 1. **Durable.** What returned `Ok` survives a crash.
//! 2. **Unique.** Of two users with one handle, one is refused, also at the same instant.
//! 3. **Compare and set.** A device's row is replaced only if its refresh secret is still the expected one, a user's only if it
//!    is still the expected row; a device that is kept comes into the user's new era in the same step.
//! 4. **Retry.** Creating the same user, or replacing a row by the same row, again succeeds and changes nothing.
//!
//! Deliberately absent: passwords and tokens in the clear; only hashes come here.

pub mod embedded;
pub mod suite;

use async_trait::async_trait;
use domain::{DeviceId, PortError, Timestamp, UserId};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The name one signs in with, lower case, unique.
    pub handle: String,
    /// The password's hash in PHC text form (argon2id).
    pub password_hash: String,
    /// When they signed up.
    pub created: Timestamp,
    /// How often all that was signed in was ended at once: a device of an earlier era is signed out.
    pub era: u64,
    /// The hashes of the recovery codes that were not used yet.
    pub recovery_hashes: Vec<[u8; 32]>,
}

impl User {
    /// Whether a device of theirs is still signed in. Who reads both rows reads the user's first: a device that is kept over
    /// the beginning of an era would else seem to be left behind.
    pub const fn lets_in(&self, device: &Device) -> bool {
        device.era >= self.era
    }
}

/// A device of a user: signed in while its row exists and is of the user's era.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub id: DeviceId,
    /// What it is called.
    pub name: String,
    /// When it signed in first.
    pub created: Timestamp,
    /// The hash of the newest refresh token; `None` for a device minted by an admin, which cannot refresh.
    pub refresh_hash: Option<[u8; 32]>,
    /// The hash of the one before, to see it used again.
    pub previous_hash: Option<[u8; 32]>,
    /// The hash of what all refresh tokens of the device have in common, to see an older one used again; `None` for one
    /// that signed in before this was kept.
    pub family_hash: Option<[u8; 32]>,
    /// When the newest refresh token was given.
    pub refreshed: Timestamp,
    /// The user's era when it signed in, or to which it was kept.
    pub era: u64,
}

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Somebody has the handle.
    #[error("the handle is taken")]
    Taken,
    /// The engine failed. Whether it happened is not known.
    #[error(transparent)]
    Store(#[from] PortError),
}

/// Why a row was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The row is gone, or another than expected. Nothing was written.
    #[error("the row is not the expected one")]
    Changed,
    /// The engine failed. Whether it happened is not known.
    #[error(transparent)]
    Store(#[from] PortError),
}

/// The User DB. See the laws at the top of this crate.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Stores a new user.
    async fn create(&self, user: User) -> Result<(), CreateError>;

    /// The user with this id.
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError>;

    /// The user with this handle.
    async fn by_handle(&self, handle: &str) -> Result<Option<User>, PortError>;

    /// All users, by id, after `after`, at most `limit`.
    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, PortError>;

    /// Replaces a user's row, which is `expected`, by one of the same id and handle; the device `kept`, which the expected row
    /// lets in, comes into the new row's era in the same step.
    async fn replace_user(
        &self,
        expected: &User,
        user: User,
        kept: Option<DeviceId>,
    ) -> Result<(), ReplaceError>;

    /// Stores a new device.
    async fn add_device(&self, device: Device) -> Result<(), PortError>;

    /// One device.
    async fn device(&self, user: UserId, device: DeviceId) -> Result<Option<Device>, PortError>;

    /// A user's devices, by id, at most `limit`.
    async fn devices(&self, user: UserId, limit: usize) -> Result<Vec<Device>, PortError>;

    /// Replaces a device's row whose refresh hash is `expected`.
    async fn replace_device(&self, expected: Option<[u8; 32]>, device: Device) -> Result<(), ReplaceError>;

    /// Removes a device: it is signed out.
    async fn remove_device(&self, user: UserId, device: DeviceId) -> Result<(), PortError>;
}
