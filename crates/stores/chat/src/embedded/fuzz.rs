//! What a fuzz target calls: the rows of this store out of arbitrary bytes, held to their own promises.

use domain::{ConversationId, Entry, Position};
use store_kv::fuzz::there_and_back;

use super::format;

/// The place that every entry is read at: a key holds it, not the row.
const CONVERSATION: ConversationId = ConversationId::Group([1; 16]);
const POSITION: Position = Position::new(1, 7);

/// Decodes a row of the kind that the first byte chooses, and demands that it survives being written. True if it is one.
///
/// # Panics
/// If it does not.
pub fn rows(data: &[u8]) -> bool {
    let [kind, row @ ..] = data else { return false };
    match kind % 6 {
        0 => there_and_back(
            row,
            |row| format::entry_from_row(CONVERSATION, POSITION, row),
            format::entry_to_row,
        ),
        1 => there_and_back(row, format::head_from_row, |head| format::head_to_row(*head)),
        2 => there_and_back(row, format::cursor_from_row, |cursor| format::cursor_to_row(*cursor)),
        3 => there_and_back(row, format::reader_from_row, |next| format::reader_to_row(*next)),
        4 => format::whereabouts_from_row(row).is_ok(),
        _ => entry(row),
    }
}

/// Whatever entry there is, its rows say the same.
fn entry(json: &[u8]) -> bool {
    let Ok(entry) = serde_json::from_slice::<Entry>(json) else { return false };
    let read = format::entry_from_row(entry.conversation, entry.position, &format::entry_to_row(&entry));
    assert_eq!(read.expect("a stored entry can be read"), entry);
    let place = format::whereabouts_from_row(&format::whereabouts_to_row(&entry));
    let place = place.expect("the row that tells where an entry is can be read");
    assert_eq!(
        (place.conversation, place.position, place.time),
        (entry.conversation, entry.position, entry.time)
    );
    true
}
