//! Secrets: made on first run, in the data folder, for the server's user alone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use contracts::Ambient;
use domain::PortError;
use service_account::Keyring;

/// Only the owner reads and writes.
const MODE: u32 = 0o600;

/// The folder in which secrets are kept.
#[derive(Debug, Clone)]
pub struct Secrets {
    dir: PathBuf,
}

impl Secrets {
    /// The secrets of a data folder; the folder is made if it is not there.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let dir = data.join("secrets");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).with_context(|| {
            format!("the data folder {} cannot be written: check its owner and mode", data.display())
        })?;
        Ok(Self { dir })
    }

    /// The signing keys; made if there are none.
    pub fn keyring(&self, ambient: &Ambient) -> anyhow::Result<Keyring> {
        let path = self.dir.join("signing-keys.json");
        if let Some(text) = read(&path)? {
            return Keyring::parse(&text).with_context(|| format!("{} is damaged", path.display()));
        }
        let keys = Keyring::generate(ambient.bytes(), ambient.now())?;
        write(&path, &keys.to_text()).with_context(|| format!("{} cannot be written", path.display()))?;
        tracing::info!(path = %path.display(), kid = keys.kid(), "made the signing key of this deployment");
        Ok(keys)
    }

    /// Keeps the signing keys when they change.
    pub fn keep_keyring(&self) -> service_account::KeepKeys {
        let path = self.dir.join("signing-keys.json");
        Box::new(move |text| {
            write(&path, text)
                .map_err(|error| PortError::passing("signing keys", format!("{}: {error}", path.display())))
        })
    }

    /// The files of a certificate for these names that vouches for itself, and of its key; made if there are none.
    pub(crate) fn self_signed(&self, names: &[String]) -> anyhow::Result<(PathBuf, PathBuf)> {
        let (certificate, key) = (self.dir.join("tls-certificate.pem"), self.dir.join("tls-key.pem"));
        if read(&key)?.is_none() || !certificate.exists() {
            let made = rcgen::generate_simple_self_signed(names)?;
            let keep = |path: &Path, text: &str| {
                write(path, text).with_context(|| format!("{} cannot be written", path.display()))
            };
            keep(&key, &made.signing_key.serialize_pem())?;
            keep(&certificate, &made.cert.pem())?;
            tracing::info!(path = %certificate.display(), "made a certificate for trials");
        }
        Ok((certificate, key))
    }

    /// Where the token is that the admin listener asks for.
    pub fn admin_token_path(data: &Path) -> PathBuf {
        data.join("secrets").join("admin-token")
    }

    /// The token that the admin listener asks for; made if there is none.
    pub fn admin_token(&self, ambient: &Ambient) -> anyhow::Result<String> {
        match read(&self.dir.join("admin-token"))? {
            Some(text) => Ok(text.trim().to_owned()),
            None => self.new_admin_token(ambient),
        }
    }

    /// Another token that the admin listener asks for.
    pub(crate) fn new_admin_token(&self, ambient: &Ambient) -> anyhow::Result<String> {
        let path = self.dir.join("admin-token");
        let token = data_encoding::BASE64URL_NOPAD.encode(&ambient.bytes::<32>());
        write(&path, &token).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(token)
    }
}

/// A secret's text; an error if others may read it.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{} can be read by others (mode {mode:03o}): run `chmod 600` on it, and rotate the secret",
            path.display()
        );
    }
    if text.trim().is_empty() {
        bail!("{} is empty: restore it, or remove it to have a new one made", path.display());
    }
    Ok(Some(text))
}

/// Writes a secret beside its place, makes it durable, and moves it there: never half a secret.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::system;

    #[test]
    fn secrets_are_made_once_and_only_the_owner_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(dir.path()).unwrap();
        let (token, keys) = (secrets.admin_token(&system()).unwrap(), secrets.keyring(&system()).unwrap());
        assert_eq!(secrets.admin_token(&system()).unwrap(), token);
        assert_eq!(secrets.keyring(&system()).unwrap().kid(), keys.kid());
        let path = Secrets::admin_token_path(dir.path());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(secrets.admin_token(&system()).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn an_emptied_or_damaged_secret_is_not_replaced_silently() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(dir.path()).unwrap();
        secrets.keyring(&system()).unwrap();
        write(&dir.path().join("secrets/signing-keys.json"), "{}").unwrap();
        assert!(secrets.keyring(&system()).is_err());
        write(&dir.path().join("secrets/signing-keys.json"), "").unwrap();
        assert!(secrets.keyring(&system()).is_err());
    }
}
