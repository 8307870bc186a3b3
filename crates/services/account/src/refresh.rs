//! Refresh tokens: the user, the device and 32 random bytes. Only a hash of them is kept.

use data_encoding::BASE64URL_NOPAD;
use domain::{DeviceId, UserId};

/// What a refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub user: UserId,
    pub device: DeviceId,
    pub secret: [u8; 32],
}

impl RefreshToken {
    /// The token as a device carries it.
    pub(crate) fn encode(&self) -> String {
        let bytes = [&self.user.as_bytes()[..], &self.device.as_bytes()[..], &self.secret[..]].concat();
        format!("r1{}", BASE64URL_NOPAD.encode(&bytes))
    }

    /// The token that this text is.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix("r1")?.as_bytes()).ok()?;
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (device, secret) = rest.split_first_chunk::<16>()?;
        Some(Self {
            user: UserId::from_bytes(*user),
            device: DeviceId::from_bytes(*device),
            secret: secret.try_into().ok()?,
        })
    }

    /// What is kept of it. The secret is random, so a fast hash serves.
    pub(crate) fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.secret).as_bytes()
    }
}
