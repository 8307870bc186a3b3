//! What a fuzz target calls: the rows of this store out of arbitrary bytes, held to their own promises.

use store_kv::fuzz::there_and_back;

use super::row;

/// Decodes a row of the kind that the first byte chooses, and demands that it survives being written. True if it is one.
///
/// # Panics
/// If it does not.
pub fn rows(data: &[u8]) -> bool {
    let [kind, row @ ..] = data else { return false };
    match kind % 3 {
        0 => there_and_back(row, row::decode_group, row::encode_group),
        1 => there_and_back(row, row::decode_member, row::encode_member),
        _ => there_and_back(row, row::decode_link, |large| row::encode_link(*large)),
    }
}
