//! What a fuzz target calls: the row of this store out of arbitrary bytes, held to its own promises.

use domain::ConversationId;
use store_kv::fuzz::there_and_back;

use super::row;

/// Decodes a row, and demands that it survives being written. True if it is one.
///
/// # Panics
/// If it does not.
pub fn rows(data: &[u8]) -> bool {
    let conversation = ConversationId::Group([1; 16]);
    there_and_back(data, |row| row::decode(conversation, row), row::encode)
}
