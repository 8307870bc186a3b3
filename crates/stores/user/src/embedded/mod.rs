//! The embedded engine: rows in the one key-value store of the process.
//!
//! Keys: `users` by the user's id; `handles` by the handle; `devices` by the user's and the device's id. A user and their
//! handle are one batch.

#[doc(hidden)]
pub mod fuzz;
mod row;

use std::fmt::Display;
use std::ops::Bound;

use async_trait::async_trait;
use domain::{DeviceId, PortError, UserId};
use store_kv::{Batch, Kv, Space, write};

use crate::{CreateError, Device, ReplaceError, User, UserStore};

/// The User DB in the process's key-value store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    kv: Kv,
    users: Space,
    handles: Space,
    devices: Space,
}

fn failed(error: impl Display) -> PortError {
    PortError::lasting("user store", error)
}

impl Store {
    /// The User DB kept in `kv`.
    pub fn open(kv: &Kv) -> Result<Self, PortError> {
        let space = |name| kv.space(name).map_err(failed);
        Ok(Self {
            users: space("users")?,
            handles: space("handles")?,
            devices: space("devices")?,
            kv: kv.clone(),
        })
    }

    /// Why `user` could not be created: somebody has the handle, unless it is this very row, stored by an earlier try.
    async fn taken(&self, user: &User) -> Result<(), CreateError> {
        let stored = self.user(user.id).await?;
        match stored {
            Some(stored) if stored == *user => Ok(()),
            Some(stored) if stored.handle != user.handle && self.by_handle(&user.handle).await?.is_none() => {
                Err(failed(format!("the id {} is of another user", user.id)).into())
            }
            _ => Err(CreateError::Taken),
        }
    }
}

/// Whoever came between has changed a row that was required, or removed it.
fn replaced(written: Result<(), write::Error>) -> Result<(), ReplaceError> {
    match written {
        Err(write::Error::Conflict { .. }) => Err(ReplaceError::Changed),
        written => Ok(written.map_err(failed)?),
    }
}

fn device_key(user: UserId, device: DeviceId) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(user.as_bytes());
    key[16..].copy_from_slice(device.as_bytes());
    key
}

fn user_row(key: &[u8], value: &[u8]) -> Result<User, PortError> {
    let id = key.try_into().map_err(|_| failed("a user's key is no id"))?;
    row::decode_user(UserId::from_bytes(id), value)
}

fn device_row(user: UserId, key: &[u8], value: &[u8]) -> Result<Device, PortError> {
    let id = key.last_chunk().ok_or_else(|| failed("a device's key is too short"))?;
    row::decode_device(user, DeviceId::from_bytes(*id), value)
}

#[async_trait]
impl UserStore for Store {
    async fn create(&self, user: User) -> Result<(), CreateError> {
        let mut batch = Batch::new();
        batch.require_absent(&self.handles, user.handle.as_bytes());
        batch.require_absent(&self.users, user.id.as_bytes());
        batch.put(&self.handles, user.handle.as_bytes(), row::encode_handle(user.id));
        batch.put(&self.users, user.id.as_bytes(), row::encode_user(&user));
        match self.kv.write(batch).await {
            Err(write::Error::Conflict { .. }) => self.taken(&user).await,
            written => Ok(written.map_err(failed)?),
        }
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        let value = self.users.get(id.as_bytes()).map_err(failed)?;
        value.map(|value| row::decode_user(id, &value)).transpose()
    }

    async fn by_handle(&self, handle: &str) -> Result<Option<User>, PortError> {
        match self.handles.get(handle).map_err(failed)? {
            Some(value) => self.user(row::decode_handle(&value)?).await,
            None => Ok(None),
        }
    }

    async fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, PortError> {
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(*id.as_bytes()));
        let rows = self.users.scan((from, Bound::Unbounded)).take(limit);
        rows.map(|row| row.map_err(failed).and_then(|(key, value)| user_row(&key, &value))).collect()
    }

    async fn replace_user(
        &self,
        expected: &User,
        user: User,
        kept: Option<DeviceId>,
    ) -> Result<(), ReplaceError> {
        let key = user.id.as_bytes();
        let Some(stored) = self.users.get(key).map_err(failed)? else { return Err(ReplaceError::Changed) };
        let found = row::decode_user(user.id, &stored)?;
        if found == user {
            return Ok(());
        }
        if found != *expected {
            return Err(ReplaceError::Changed);
        }
        let mut batch = Batch::new();
        batch.require(&self.users, key, stored);
        batch.put(&self.users, key, row::encode_user(&user));
        if let Some(kept) = kept {
            let key = device_key(user.id, kept);
            let Some(stored) = self.devices.get(key).map_err(failed)? else {
                return Err(ReplaceError::Changed);
            };
            let device = row::decode_device(user.id, kept, &stored)?;
            if !expected.lets_in(&device) {
                return Err(ReplaceError::Changed);
            }
            batch.require(&self.devices, key, stored);
            batch.put(&self.devices, key, row::encode_device(&Device { era: user.era, ..device }));
        }
        replaced(self.kv.write(batch).await)
    }

    async fn add_device(&self, device: Device) -> Result<(), PortError> {
        let mut batch = Batch::new();
        batch.put(&self.devices, device_key(device.user, device.id), row::encode_device(&device));
        self.kv.write(batch).await.map_err(failed)
    }

    async fn device(&self, user: UserId, device: DeviceId) -> Result<Option<Device>, PortError> {
        let value = self.devices.get(device_key(user, device)).map_err(failed)?;
        value.map(|value| row::decode_device(user, device, &value)).transpose()
    }

    async fn devices(&self, user: UserId, limit: usize) -> Result<Vec<Device>, PortError> {
        let rows = self.devices.scan_prefix(user.as_bytes()).take(limit);
        rows.map(|row| row.map_err(failed).and_then(|(key, value)| device_row(user, &key, &value))).collect()
    }

    async fn replace_device(&self, expected: Option<[u8; 32]>, device: Device) -> Result<(), ReplaceError> {
        let key = device_key(device.user, device.id);
        let Some(stored) = self.devices.get(key).map_err(failed)? else { return Err(ReplaceError::Changed) };
        let found = row::decode_device(device.user, device.id, &stored)?;
        if found == device {
            return Ok(());
        }
        if found.refresh_hash != expected {
            return Err(ReplaceError::Changed);
        }
        let mut batch = Batch::new();
        batch.require(&self.devices, key, stored);
        batch.put(&self.devices, key, row::encode_device(&device));
        replaced(self.kv.write(batch).await)
    }

    async fn remove_device(&self, user: UserId, device: DeviceId) -> Result<(), PortError> {
        let mut batch = Batch::new();
        batch.delete(&self.devices, device_key(user, device));
        self.kv.write(batch).await.map_err(failed)
    }
}
