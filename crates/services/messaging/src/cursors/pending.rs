//! The moves of one person in one conversation since the last flush, and what they make of a cursor. Pure.

use std::collections::BTreeMap;

use contracts::records::{Move, Moved};
use domain::{ConversationId, Cursor, Mark, Rejection, SessionId, UserId};

use super::judge::Asked;

/// The moves of one person in one conversation since the last flush.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// What each session or request asked for: what one asks that cannot be does not spoil what others ask. No more than
    /// there are records, of which a flush has a bounded number.
    asked: BTreeMap<SessionId, Asked>,
    /// Runs of messages that the person sent with nothing between them: the ordinal before, and the mark at the end.
    sends: Vec<(u64, Mark)>,
}

/// One person's cursor in one conversation, judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub conversation: ConversationId,
    pub user: UserId,
    /// How far it goes by everything that was asked for and sent.
    pub cursor: Cursor,
    /// How far it would go by what each session asked for.
    pub alone: Vec<(SessionId, Cursor)>,
}

/// A move that is refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub conversation: ConversationId,
    pub session: SessionId,
    pub moved: Moved,
    pub rejection: Rejection,
}

impl Pending {
    pub(super) fn ask(&mut self, asked: &Move) {
        let of_session = self.asked.entry(asked.origin).or_default();
        *of_session = of_session.merge(Asked::new(asked.delivered, asked.read));
    }

    pub(super) fn sent(&mut self, mark: Mark) {
        let before = mark.ordinal - 1;
        match self.sends.last_mut() {
            Some((_, end)) if end.ordinal == before => *end = mark,
            _ => self.sends.push((before, mark)),
        }
    }

    pub(super) fn asked(&self) -> impl Iterator<Item = (SessionId, Asked)> {
        self.asked.iter().map(|(session, asked)| (*session, *asked))
    }

    /// Everything that was asked for, refused for the same reason.
    pub(super) fn refused(
        &self,
        conversation: ConversationId,
        rejection: &Rejection,
    ) -> impl Iterator<Item = Refused> {
        let moves =
            self.asked().flat_map(|(session, asked)| asked.moves().map(move |(moved, _)| (session, moved)));
        moves.map(move |(session, moved)| Refused {
            conversation,
            session,
            moved,
            rejection: rejection.clone(),
        })
    }

    /// The cursor after what was `granted` to each session, and then after what was sent: that moves the sender's own `read`
    /// only if nothing before the new entry was unread.
    pub(super) fn advance(&self, stored: Cursor, joined: Mark, granted: &[(SessionId, Cursor)]) -> Cursor {
        let asked = granted.iter().fold(stored, |cursor, (_, granted)| cursor.merge(*granted));
        self.sends.iter().fold(asked, |cursor, (before, end)| {
            let nothing_unread = cursor.read.max(joined).ordinal >= *before;
            if nothing_unread { cursor.merge(Cursor::read_up_to(*end)) } else { cursor }
        })
    }
}

impl Judged {
    /// Whether this session of the person, or of the other, has to be told: not if it asked for just that.
    pub(super) fn is_news_to(&self, session: SessionId) -> bool {
        !self.alone.contains(&(session, self.cursor))
    }
}

#[cfg(test)]
mod tests {
    use domain::{Generation, Position, Region, Slot};

    use super::*;

    fn mark(n: u64) -> Mark {
        Mark::new(Position::new(1, n), n)
    }

    fn session(number: u64) -> SessionId {
        SessionId { slot: Slot(0), generation: Generation(1), number }
    }

    fn user() -> UserId {
        UserId::new(Region(1), [1; 15])
    }

    fn read(seq: u64, by: u64) -> Move {
        let (conversation, read) = (ConversationId::Own(user()), Some(Position::new(1, seq)));
        Move { conversation, user: user(), delivered: None, read, origin: session(by) }
    }

    #[test]
    fn a_move_that_is_spoiled_by_that_of_another_device() {
        let mut pending = Pending::default();
        let nothing = Move { read: Some(Position::START), ..read(1, 3) };
        [read(5, 1), read(999, 2), read(4, 1), nothing].iter().for_each(|asked| pending.ask(asked));
        let asked: Vec<_> = pending
            .asked()
            .map(|(by, asked)| {
                (by.number, asked.moves().map(|(_, position)| position.seq).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(asked, [(1, vec![5]), (2, vec![999]), (3, vec![])]);
        let rejection = Rejection::not_found();
        let refused = pending.refused(ConversationId::Own(user()), &rejection);
        assert_eq!(refused.map(|refused| refused.session.number).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_device_that_is_not_told_of_what_it_did_not_ask_for() {
        let alone =
            vec![(session(1), Cursor::read_up_to(mark(5))), (session(2), Cursor::read_up_to(mark(3)))];
        let (conversation, user) = (ConversationId::Own(user()), user());
        let judged =
            |n| Judged { conversation, user, cursor: Cursor::read_up_to(mark(n)), alone: alone.clone() };
        let told = |judged: &Judged| (1..=3).filter(|n| judged.is_news_to(session(*n))).collect::<Vec<_>>();
        assert_eq!(told(&judged(5)), [2, 3], "the first asked for just that");
        assert_eq!(told(&judged(6)), [1, 2, 3], "sending moved it beyond what anybody asked for");
    }

    #[test]
    fn sending_does_not_mark_unread_messages_before_it_as_read() {
        let mut pending = Pending::default();
        pending.sent(mark(7));
        let behind = pending.advance(Cursor::read_up_to(mark(4)), Mark::START, &[]);
        assert_eq!(behind.read, mark(4));
        let caught_up = pending.advance(Cursor::read_up_to(mark(6)), Mark::START, &[]);
        assert_eq!(caught_up.read, mark(7));
    }

    #[test]
    fn a_run_of_own_messages_is_read_and_stops_at_the_first_of_another() {
        let mut pending = Pending::default();
        [1, 2, 3, 5].into_iter().for_each(|n| pending.sent(mark(n)));
        assert_eq!(pending.sends.len(), 2);
        assert_eq!(pending.advance(Cursor::default(), Mark::START, &[]).read, mark(3));
        let granted = [(session(1), Cursor::read_up_to(mark(4)))];
        assert_eq!(pending.advance(Cursor::default(), Mark::START, &granted).read, mark(5));
    }

    #[test]
    fn who_reads_has_it_and_nothing_goes_back() {
        let delivered = Cursor { delivered: mark(3), read: Mark::START };
        let granted = [(session(1), delivered), (session(2), Cursor::read_up_to(mark(9)))];
        let cursor = Pending::default().advance(Cursor::read_up_to(mark(5)), Mark::START, &granted);
        assert_eq!(cursor, Cursor::read_up_to(mark(9)));
    }
}
