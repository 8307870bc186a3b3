//! What was seen between asking who is absent and noting it.
//!
//! Without it, this could happen: Notification asks; the person connects, gets the entry, and their cursor clears a row
//! that is not there yet; Notification notes the row, and nobody ever clears it. So whoever asks opens this before, and
//! clears again what was seen until the rows were noted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{ConversationId, Mark, UserId};

use crate::decide::Seen;

/// Cursors remembered at most. Beyond it a row may outlive its cursor; the person's next question clears it.
const SEEN_MAX: usize = 65_536;

type Marks = BTreeMap<(UserId, ConversationId), Mark>;

/// What was seen since [`Meanwhile::open`]; nothing is remembered before.
#[derive(Debug, Default)]
pub(crate) struct Meanwhile(Mutex<Option<Marks>>);

impl Meanwhile {
    /// Begins to remember, from nothing.
    pub(crate) fn open(&self) {
        *self.lock() = Some(Marks::new());
    }

    /// Remembers, if open. To be called before the cursors clear anything.
    pub(crate) fn saw(&self, seen: &[Seen]) {
        let mut marks = self.lock();
        let Some(marks) = marks.as_mut() else { return };
        for (user, conversation, mark) in seen {
            if marks.len() < SEEN_MAX || marks.contains_key(&(*user, *conversation)) {
                let kept = marks.entry((*user, *conversation)).or_default();
                *kept = (*kept).max(*mark);
            }
        }
    }

    /// What was seen, and no more is remembered. To be called after the rows were noted.
    pub(crate) fn close(&self) -> Marks {
        self.lock().take().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Marks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
