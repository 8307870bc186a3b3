//! What a fuzz target calls: the rows of this store out of arbitrary bytes, held to their own promises.

use domain::{DeviceId, UserId};
use store_kv::fuzz::there_and_back;

use super::row;

/// Decodes a row of the kind that the first byte chooses, and demands that it survives being written. True if it is one.
///
/// # Panics
/// If it does not.
pub fn rows(data: &[u8]) -> bool {
    let (user, device) = (UserId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16]));
    let [kind, row @ ..] = data else { return false };
    match kind % 3 {
        0 => there_and_back(row, |row| row::decode_user(user, row), row::encode_user),
        1 => there_and_back(row, row::decode_handle, |user| row::encode_handle(*user)),
        _ => there_and_back(row, |row| row::decode_device(user, device, row), row::encode_device),
    }
}
