//! Signing keys: the newest signs, older ones verify until the tokens they signed have expired.
//!
//! Where keys are kept is for whoever owns the disk: it hands in the text of a keyring and is given the new text.

use std::collections::HashMap;

use data_encoding::BASE64URL_NOPAD;
use domain::{PortError, Timestamp};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};

/// An Ed25519 private key in PKCS #8 is these bytes and the 32 of its seed (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Keys kept at most: rotating faster than tokens expire drops the oldest.
const KEYS_MAX: usize = 16;

/// A key as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    kid: String,
    seed: String,
    created: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    keys: Vec<Kept>,
}

/// The keys of a deployment, oldest first.
pub struct Keyring {
    kept: Vec<Kept>,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
}

impl Keyring {
    /// A keyring of one new key, from 32 random bytes.
    pub fn generate(seed: [u8; 32], now: Timestamp) -> Result<Self, PortError> {
        Self::of(vec![kept(seed, now)])
    }

    /// The keyring that this text is.
    pub fn parse(text: &str) -> Result<Self, PortError> {
        let file: File = serde_json::from_str(text).map_err(unreadable)?;
        if file.version != 1 {
            return Err(unreadable(format!(
                "it has version {}, and this program knows version 1",
                file.version
            )));
        }
        Self::of(file.keys)
    }

    /// The text to keep, in a file that only the server reads.
    pub fn to_text(&self) -> String {
        let file = File { version: 1, keys: self.kept.clone() };
        serde_json::to_string_pretty(&file).expect("plain structs of strings always serialise")
    }

    /// This keyring with a new signing key, from 32 random bytes. Keys whose tokens, which live `token_ms`, have all
    /// expired are dropped.
    pub fn rotated(&self, seed: [u8; 32], now: Timestamp, token_ms: u64) -> Result<Self, PortError> {
        let mut keys = self.kept.clone();
        // A key signed its last token when its successor was created.
        let expired = |pair: &[Kept]| now.since_ms(pair[1].created) > token_ms;
        let dead = keys.windows(2).take_while(|pair| expired(pair)).count();
        keys.drain(..dead.max((keys.len() + 1).saturating_sub(KEYS_MAX)));
        keys.push(kept(seed, now));
        Self::of(keys)
    }

    fn of(kept: Vec<Kept>) -> Result<Self, PortError> {
        let mut verifying = HashMap::new();
        let mut signing = None;
        for key in &kept {
            let seed = BASE64URL_NOPAD.decode(key.seed.as_bytes()).map_err(unreadable)?;
            let seed: [u8; 32] = seed.try_into().map_err(|_| unreadable("a seed has not 32 bytes"))?;
            let public = SigningKey::from_bytes(&seed).verifying_key();
            verifying.insert(key.kid.clone(), DecodingKey::from_ed_der(public.as_bytes()));
            signing = Some(EncodingKey::from_ed_der(&[&PKCS8_PREFIX[..], &seed[..]].concat()));
        }
        let signing = signing.ok_or_else(|| unreadable("it holds no key"))?;
        Ok(Self { kept, signing, verifying })
    }

    /// The id of the key that signs.
    pub fn kid(&self) -> &str {
        self.kept.last().map_or("", |key| &key.kid)
    }

    pub(crate) const fn signing(&self) -> &EncodingKey {
        &self.signing
    }

    pub(crate) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }
}

/// The id of a key is derived from the key, so that it tells nothing and cannot be chosen.
fn kept(seed: [u8; 32], created: Timestamp) -> Kept {
    let public = SigningKey::from_bytes(&seed).verifying_key();
    let kid = BASE64URL_NOPAD.encode(&blake3::hash(public.as_bytes()).as_bytes()[..9]);
    Kept { kid, seed: BASE64URL_NOPAD.encode(&seed), created }
}

fn unreadable(what: impl ToString) -> PortError {
    PortError::lasting("signing keys", format!("the keyring cannot be read: {}", what.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_key_verifies_until_its_tokens_have_expired() {
        let at = Timestamp::from_unix_ms;
        let first = Keyring::generate([1; 32], at(0)).unwrap();
        let second = first.rotated([2; 32], at(1_000), 600).unwrap();
        assert!(second.verifying(first.kid()).is_some() && second.kid() != first.kid());
        let soon = second.rotated([3; 32], at(1_500), 600).unwrap();
        assert!(soon.verifying(first.kid()).is_some());
        let late = second.rotated([3; 32], at(1_601), 600).unwrap();
        assert!(late.verifying(first.kid()).is_none() && late.verifying(second.kid()).is_some());
        let reread = Keyring::parse(&late.to_text()).unwrap();
        assert_eq!(reread.kid(), late.kid());
    }

    #[test]
    fn a_damaged_keyring_is_an_error_and_not_an_empty_one() {
        for text in ["", "{}", r#"{"version":2,"keys":[]}"#, r#"{"version":1,"keys":[]}"#] {
            assert!(Keyring::parse(text).is_err(), "{text}");
        }
    }
}
