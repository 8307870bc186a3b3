//! The token that the admin listener asks for, and another one in its place while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use contracts::Ambient;

use crate::secrets::Secrets;

/// The token. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Token {
    secrets: Secrets,
    ambient: Ambient,
    current: Arc<RwLock<String>>,
}

impl Token {
    /// The token that is kept among the secrets; made if there is none.
    pub(crate) fn open(secrets: Secrets, ambient: Ambient) -> anyhow::Result<Self> {
        let current = Arc::new(RwLock::new(secrets.admin_token(&ambient)?));
        Ok(Self { secrets, ambient, current })
    }

    /// Whether this is the token. How long that takes tells nothing of where they differ.
    pub(super) fn is(&self, given: &str) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let (one, other) = (given.as_bytes(), current.as_bytes());
        one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }

    /// Puts another token in its place: in the file first, so that whoever may read that is never locked out.
    pub(super) fn rotate(&self) -> anyhow::Result<()> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = self.secrets.new_admin_token(&self.ambient)?;
        Ok(())
    }
}
