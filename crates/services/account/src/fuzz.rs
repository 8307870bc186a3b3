//! What fuzz targets call: tokens and keyrings out of arbitrary bytes, held to their promises.

use std::sync::LazyLock;

use contracts::services::Principal;
use data_encoding::BASE64URL_NOPAD;
use domain::{DeviceId, Region, Timestamp, UserId};
use ed25519_dalek::{Signer, SigningKey};

use crate::keys::Keyring;
use crate::refresh::RefreshToken;
use crate::token;

/// The seed of the only key that signs here.
const SEED: [u8; 32] = [1; 32];

static KEYS: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::generate(SEED, Timestamp::default()).expect("a seed of 32 bytes is a key"));

/// The one token that was ever given.
static GIVEN: LazyLock<(String, Principal)> = LazyLock::new(|| {
    let (user, device) = (UserId::new(Region(1), [1; 15]), DeviceId::new(Region(1), [2; 15]));
    let principal = Principal { user, device, expires: Timestamp::from_unix_ms(100_000) };
    (token::sign(&KEYS, &principal, Timestamp::default()).expect("it can be signed"), principal)
});

/// Reads an access token, and demands that it names nobody but whom the one given token names. True if it names them.
///
/// # Panics
/// If it does.
pub fn access_token(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let (given, principal) = &*GIVEN;
    let named = token::verify(&KEYS, text, Timestamp::default());
    match &named {
        Ok(named) => assert_eq!(named, principal),
        Err(_) => assert_ne!(text, given, "the token that was given is none"),
    }
    named.is_ok()
}

/// Reads a token whose header and claims are these bytes, up to and behind the first line feed, and which our key signed:
/// demands that what is let in says no more than it could have been given. True if it is let
/// in.
///
/// # Panics
/// If it does.
pub fn signed_token(data: &[u8]) -> bool {
    let mut parts = data.splitn(2, |byte| *byte == b'\n').map(|part| BASE64URL_NOPAD.encode(part));
    let (Some(header), Some(claims)) = (parts.next(), parts.next()) else { return false };
    let said = format!("{header}.{claims}");
    let signature = SigningKey::from_bytes(&SEED).sign(said.as_bytes());
    let text = format!("{said}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()));
    let Ok(principal) = token::verify(&KEYS, &text, Timestamp::default()) else { return false };
    let again = token::sign(&KEYS, &principal, Timestamp::default()).expect("whoever was named can be named");
    assert_eq!(token::verify(&KEYS, &again, Timestamp::default()).expect("it was just signed"), principal);
    true
}

/// Reads a refresh token, and demands that it has one form. True if it is one.
///
/// # Panics
/// If it has another.
pub fn refresh_token(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let Some(token) = RefreshToken::decode(text) else { return false };
    assert_eq!(token.encode(), text, "one token has two forms");
    true
}

/// Reads a keyring, and demands that it survives being kept. True if it is one.
///
/// # Panics
/// If it does not.
pub fn keyring(data: &[u8]) -> bool {
    let Ok(keys) = str::from_utf8(data).map_err(drop).and_then(|text| Keyring::parse(text).map_err(drop))
    else {
        return false;
    };
    let text = keys.to_text();
    assert_eq!(Keyring::parse(&text).expect("what is kept can be read").to_text(), text);
    true
}
