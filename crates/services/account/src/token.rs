//! Access tokens: JWTs (RFC 7519) signed with Ed25519 (RFC 8037), checked without a store.

use contracts::services::Principal;
use domain::{Code, DeviceId, Rejection, Timestamp, UserId};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use crate::keys::Keyring;

/// Whom these tokens are for, so that a token of another purpose is none of ours.
const AUDIENCE: &str = "connect-chat";

/// The longest text that is looked at.
const TOKEN_BYTES_MAX: usize = 2_048;

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: UserId,
    dev: DeviceId,
    /// Seconds since 1970, as RFC 7519 has it.
    iat: u64,
    exp: u64,
}

/// Signs an access token.
pub(crate) fn sign(keys: &Keyring, principal: &Principal, now: Timestamp) -> Result<String, Rejection> {
    let header = Header { kid: Some(keys.kid().to_owned()), ..Header::new(Algorithm::EdDSA) };
    let claims = Claims {
        aud: AUDIENCE.to_owned(),
        sub: principal.user,
        dev: principal.device,
        iat: now.unix_ms() / 1_000,
        exp: principal.expires.unix_ms() / 1_000,
    };
    encode(&header, &claims, keys.signing()).map_err(|error| {
        tracing::error!(%error, "an access token could not be signed");
        Rejection::new(Code::Internal, "the token could not be signed; it was logged")
    })
}

/// Whom a token names, if this deployment signed it and it has not expired by `now`.
pub(crate) fn verify(keys: &Keyring, token: &str, now: Timestamp) -> Result<Principal, Rejection> {
    let invalid = || Rejection::new(Code::Unauthenticated, "the access token is not valid: sign in");
    if token.len() > TOKEN_BYTES_MAX {
        return Err(invalid());
    }
    let kid = decode_header(token).ok().and_then(|header| header.kid).ok_or_else(invalid)?;
    let key = keys.verifying(&kid).ok_or_else(invalid)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    // The library would read the system's clock; time is handed in here.
    validation.validate_exp = false;
    let claims: Claims = decode(token, key, &validation).map_err(|_| invalid())?.claims;
    let expires = Timestamp::from_unix_ms(claims.exp.saturating_mul(1_000));
    if now >= expires {
        return Err(Rejection::new(Code::TokenExpired, "the access token has expired: refresh it"));
    }
    Ok(Principal { user: claims.sub, device: claims.dev, expires })
}

#[cfg(test)]
mod tests {
    use domain::Region;

    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn principal() -> Principal {
        let user = UserId::new(Region(1), [1; 15]);
        Principal { user, device: DeviceId::new(Region(1), [2; 15]), expires: at(100_000) }
    }

    #[test]
    fn a_token_of_another_key_or_changed_in_any_byte_names_nobody() {
        let keys = Keyring::generate([1; 32], at(0)).unwrap();
        let others = Keyring::generate([2; 32], at(0)).unwrap();
        let token = sign(&keys, &principal(), at(0)).unwrap();
        assert_eq!(verify(&keys, &token, at(0)).unwrap(), principal());
        assert_eq!(verify(&others, &token, at(0)).unwrap_err().code, Code::Unauthenticated);
        for index in 0..token.len() - 1 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(verify(&keys, &changed, at(0)).is_err(), "byte {index}");
        }
    }

    #[test]
    fn an_expired_token_says_so() {
        let keys = Keyring::generate([1; 32], at(0)).unwrap();
        let token = sign(&keys, &principal(), at(0)).unwrap();
        assert!(verify(&keys, &token, at(99_999)).is_ok());
        assert_eq!(verify(&keys, &token, at(100_000)).unwrap_err().code, Code::TokenExpired);
    }

    #[test]
    fn an_unsigned_token_names_nobody() {
        let keys = Keyring::generate([1; 32], at(0)).unwrap();
        let token = sign(&keys, &principal(), at(0)).unwrap();
        let mut parts = token.split('.');
        let (_, claims) = (parts.next().unwrap(), parts.next().unwrap());
        let header = data_encoding::BASE64URL_NOPAD
            .encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, keys.kid()).as_bytes());
        for signature in ["", "AA"] {
            assert!(verify(&keys, &format!("{header}.{claims}.{signature}"), at(0)).is_err());
        }
    }
}
