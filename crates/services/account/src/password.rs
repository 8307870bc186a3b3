//! Passwords: hashed with argon2id, a bounded number at a time and away from the async threads.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::{Code, PortError, Rejection};
use protocol::http::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, may_be_password};
use tokio::sync::Semaphore;

use crate::meters::Meters;

/// How hard hashing is. The default is OWASP's second choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two
/// passes, one lane.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

/// Hashes and compares passwords.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// How many are hashed at once: each takes a core and the memory of its cost.
    slots: Arc<Semaphore>,
    /// The hash of a password that nobody has: compared with when a name is unknown, so that it takes as long.
    nobody: String,
    meters: Meters,
}

impl Passwords {
    pub(crate) fn new(cost: Cost, at_once: usize, salt: [u8; 16]) -> Result<Self, PortError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(broken)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = argon2.hash_password_with_salt(&salt, &salt).map_err(broken)?.to_string();
        Ok(Self { argon2, slots: Arc::new(Semaphore::new(at_once)), nobody, meters: Meters::new() })
    }

    /// Whether a password is one that may be chosen.
    pub(crate) fn check(password: &str) -> Result<(), Rejection> {
        if may_be_password(password) {
            return Ok(());
        }
        Err(Rejection::new(
            Code::BadRequest,
            format!(
                "a password has {PASSWORD_CHARACTERS_MIN} characters or more, and {PASSWORD_BYTES_MAX} bytes at most"
            ),
        ))
    }

    /// The hash to keep.
    pub(crate) async fn hash(&self, password: String, salt: [u8; 16]) -> Result<String, PortError> {
        let argon2 = self.argon2.clone();
        let hash =
            move || argon2.hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string());
        self.apart(hash).await?.map_err(broken)
    }

    /// Whether the password is that of the hash; without a hash it takes as long and is not.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PortError> {
        let (known, hash) = (hash.is_some(), hash.unwrap_or_else(|| self.nobody.clone()));
        let argon2 = self.argon2.clone();
        let verify = move || {
            let parsed = PasswordHash::new(&hash).map_err(broken)?;
            Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok())
        };
        Ok(self.apart(verify).await?? && known)
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PortError> {
        let _timed = self.meters.password();
        let _slot = self.slots.acquire().await.map_err(broken)?;
        tokio::task::spawn_blocking(work).await.map_err(broken)
    }
}

fn broken(error: impl ToString) -> PortError {
    PortError::lasting("password hashing", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_emoji_are_taken_for_eight_characters() {
        for good in [
            "correct!",
            "pässwörd",
            &"x".repeat(256),
            "\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}",
        ] {
            assert!(Passwords::check(good).is_ok(), "{good}");
        }
        for bad in ["", "correct", "\u{1F40E}\u{1F40E}", &"x".repeat(257), &"\u{e4}".repeat(129)] {
            assert!(Passwords::check(bad).is_err(), "{bad}");
        }
    }
}
