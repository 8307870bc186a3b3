//! What a fuzz target calls: sync tokens out of arbitrary bytes, held to their promise.

use crate::catch_up::Token;

/// Reads a sync token, and demands that what was read survives being written. True if it is one.
///
/// # Panics
/// If it does not.
pub fn sync_token(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let Some(token) = Token::decode(text) else { return false };
    assert_eq!(Token::decode(&token.encode()), Some(token));
    true
}
