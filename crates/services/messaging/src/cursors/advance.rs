//! What asked-for moves and sent messages make of a cursor. Pure.

use contracts::records::Move;
use domain::{Cursor, Mark, Position, SessionId};

/// Sessions remembered as having asked for one move; with more, all are told.
const ORIGINS_MAX: usize = 2;

/// The moves of one person in one conversation since the last flush.
#[derive(Debug, Default)]
pub(super) struct Pending {
    delivered: Option<Position>,
    read: Option<Position>,
    /// Runs of messages that the person sent with nothing between them: the ordinal before, and the mark at the end.
    sends: Vec<(u64, Mark)>,
    origins: Vec<SessionId>,
}

impl Pending {
    pub(super) fn ask(&mut self, asked: &Move) {
        self.delivered = self.delivered.max(asked.delivered);
        self.read = self.read.max(asked.read);
        if self.origins.len() < ORIGINS_MAX && !self.origins.contains(&asked.origin) {
            self.origins.push(asked.origin);
        }
    }

    pub(super) fn sent(&mut self, mark: Mark) {
        let before = mark.ordinal - 1;
        match self.sends.last_mut() {
            Some((_, end)) if end.ordinal == before => *end = mark,
            _ => self.sends.push((before, mark)),
        }
    }

    pub(super) const fn delivered(&self) -> Option<Position> {
        self.delivered
    }

    pub(super) const fn read(&self) -> Option<Position> {
        self.read
    }

    pub(super) fn sends(&self) -> &[(u64, Mark)] {
        &self.sends
    }

    pub(super) fn origins(&self) -> &[SessionId] {
        &self.origins
    }
}

/// The cursor after the moves. Sending moves the sender's own `read` only if nothing before the new entry was unread.
pub(super) fn advance(
    stored: Cursor,
    joined: Mark,
    sends: &[(u64, Mark)],
    delivered: Option<Mark>,
    read: Option<Mark>,
) -> Cursor {
    let asked = Cursor { delivered: delivered.unwrap_or_default(), read: read.unwrap_or_default() };
    sends.iter().fold(stored.merge(asked), |cursor, (before, end)| {
        let nothing_unread = cursor.read.max(joined).ordinal >= *before;
        if nothing_unread { cursor.merge(Cursor::read_up_to(*end)) } else { cursor }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(n: u64) -> Mark {
        Mark::new(Position::new(1, n), n)
    }

    #[test]
    fn sending_does_not_mark_unread_messages_before_it_as_read() {
        let mut pending = Pending::default();
        pending.sent(mark(7));
        let behind = advance(Cursor::read_up_to(mark(4)), Mark::START, pending.sends(), None, None);
        assert_eq!(behind.read, mark(4));
        let caught_up = advance(Cursor::read_up_to(mark(6)), Mark::START, pending.sends(), None, None);
        assert_eq!(caught_up.read, mark(7));
    }

    #[test]
    fn a_run_of_own_messages_is_read_and_stops_at_the_first_of_another() {
        let mut pending = Pending::default();
        [1, 2, 3, 5].into_iter().for_each(|n| pending.sent(mark(n)));
        assert_eq!(pending.sends().len(), 2);
        assert_eq!(advance(Cursor::default(), Mark::START, pending.sends(), None, None).read, mark(3));
        assert_eq!(
            advance(Cursor::default(), Mark::START, pending.sends(), None, Some(mark(4))).read,
            mark(5)
        );
    }

    #[test]
    fn who_reads_has_it_and_nothing_goes_back() {
        let cursor = advance(Cursor::read_up_to(mark(5)), Mark::START, &[], Some(mark(3)), Some(mark(9)));
        assert_eq!(cursor, Cursor::read_up_to(mark(9)));
    }
}
