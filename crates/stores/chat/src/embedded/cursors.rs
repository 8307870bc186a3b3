//! Cursors, merged where the order of writes is decided: in the committer.

use domain::{ConversationId, Cursor, PortError, UserId};
use store_kv::Batch;

use super::error::{of_read, of_row, of_write};
use super::{Store, format, keys};
use crate::CursorMove;

impl Store {
    /// What is kept of a cursor.
    pub(super) fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<Cursor, PortError> {
        let row = self.cursors.get(keys::cursor(conversation, user)).map_err(of_read)?;
        row.map_or(Ok(Cursor::default()), |row| format::cursor_from_row(&row).map_err(of_row))
    }

    /// Merges the moves and gives what is kept then. Moves that lead nowhere are not written.
    pub(super) async fn merge_cursors(&self, moves: &[CursorMove]) -> Result<Vec<Cursor>, PortError> {
        let kept = self.cursors_of(moves)?;
        let mut batch = Batch::new();
        for (to, kept) in moves.iter().zip(&kept) {
            if kept.merge(to.cursor) != *kept {
                self.merge_into(&mut batch, *to);
            }
        }
        if batch.is_empty() {
            return Ok(kept);
        }
        self.kv.write(batch).await.map_err(of_write)?;
        self.cursors_of(moves)
    }

    fn cursors_of(&self, moves: &[CursorMove]) -> Result<Vec<Cursor>, PortError> {
        moves.iter().map(|to| self.cursor(to.conversation, to.user)).collect()
    }

    fn merge_into(&self, batch: &mut Batch, to: CursorMove) {
        batch.update(&self.cursors, keys::cursor(to.conversation, to.user), move |row| {
            match row.map(format::cursor_from_row).transpose() {
                Ok(kept) => Some(format::cursor_to_row(kept.unwrap_or_default().merge(to.cursor))),
                // left as it is, for the read that follows to report
                Err(_) => row.map(<[u8]>::to_vec),
            }
        });
    }
}
