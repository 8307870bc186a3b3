//! Refresh tokens: the user, the device and 32 random bytes, the first half of which all tokens of a device share. Only
//! hashes are kept, of the whole and of that half: whoever brings the half with an older rest had a token of this device.

use data_encoding::BASE64URL_NOPAD;
use domain::{DeviceId, UserId};

/// Bytes of a secret that are the same in all tokens of a device. They and the rest have 128 bits each.
const FAMILY_BYTES: usize = 16;

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

    /// The token that takes the place of this one, made of new random bytes.
    pub(crate) fn next(&self, random: [u8; 32]) -> Self {
        let mut secret = random;
        secret[..FAMILY_BYTES].copy_from_slice(&self.secret[..FAMILY_BYTES]);
        Self { secret, ..*self }
    }

    /// What is kept of what all tokens of the device share.
    pub(crate) fn family_hash(&self) -> [u8; 32] {
        *blake3::hash(&self.secret[..FAMILY_BYTES]).as_bytes()
    }

    /// What is kept of it. The secret is random, so a fast hash serves.
    pub(crate) fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.secret).as_bytes()
    }
}
