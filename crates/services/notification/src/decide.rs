//! What is noted, what is cleared, and what a person is told. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{ConversationId, Entry, Head, Mark, UserId};
use protocol::http;
use store_offline::Missed;

/// A row and whose it is.
pub(crate) type Row = (UserId, Missed);

/// Up to where a person has a conversation.
pub(crate) type Seen = (UserId, ConversationId, Mark);

/// The entries of a batch to ask `Absence::absent` about: each sender's newest message in each conversation, in the
/// order of the batch. A row counts from the cursor on, so the earlier ones are in it; the sender matters because one's
/// own message is not missed, but another's before it is.
pub(crate) fn questions(batch: impl IntoIterator<Item = Arc<Entry>>) -> Vec<Arc<Entry>> {
    let messages: Vec<Arc<Entry>> = batch.into_iter().filter(|entry| entry.kind.is_message()).collect();
    let newest: BTreeMap<(ConversationId, UserId), usize> =
        messages.iter().enumerate().map(|(at, entry)| ((entry.conversation, entry.sender), at)).collect();
    let mut asked: Vec<usize> = newest.into_values().collect();
    asked.sort_unstable();
    asked.into_iter().map(|at| Arc::clone(&messages[at])).collect()
}

/// The rows that an entry makes for those who are absent.
pub(crate) fn noted(entry: &Entry, absent: Vec<(UserId, Mark)>) -> Vec<Row> {
    let missed = |delivered| Missed {
        conversation: entry.conversation,
        delivered,
        as_of: entry.mark(),
        time: entry.time,
    };
    let others = absent.into_iter().filter(|(user, _)| *user != entry.sender && entry.kind.is_message());
    others.map(|(user, delivered)| (user, missed(delivered))).filter(|row| row.1.messages() > 0).collect()
}

/// One row for each person and conversation: the newest.
pub(crate) fn newest(rows: Vec<Row>) -> Vec<Row> {
    let mut newest: BTreeMap<(UserId, ConversationId), Missed> = BTreeMap::new();
    for (user, row) in rows {
        let kept = newest.entry((user, row.conversation)).or_insert(row);
        if kept.as_of < row.as_of {
            *kept = row;
        }
    }
    newest.into_iter().map(|((user, _), row)| (user, row)).collect()
}

/// The rows of what a person is behind in: conversations with messages that no device of theirs has.
pub(crate) fn behind(answer: Vec<(ConversationId, Mark, Head)>) -> Vec<Missed> {
    let row = |(conversation, delivered, head): (ConversationId, Mark, Head)| Missed {
        conversation,
        delivered,
        as_of: head.mark(),
        time: head.time,
    };
    answer.into_iter().map(row).filter(|row| row.messages() > 0).collect()
}

/// What was seen of these rows, so that it is cleared again.
pub(crate) fn cleared(rows: &[Row], seen: &BTreeMap<(UserId, ConversationId), Mark>) -> Vec<Seen> {
    let of =
        |(user, row): &Row| seen.get(&(*user, row.conversation)).map(|mark| (*user, row.conversation, *mark));
    rows.iter().filter_map(of).collect()
}

/// The stored rows of conversations in which the person is not behind any more, so that they are cleared.
pub(crate) fn stale(user: UserId, stored: &[Missed], behind: &[Missed]) -> Vec<Seen> {
    let current = |row: &&Missed| !behind.iter().any(|other| other.conversation == row.conversation);
    stored.iter().filter(current).map(|row| (user, row.conversation, row.as_of)).collect()
}

/// What a person is told, newest first. The rows in `behind` decide; a stored row that knows of the same messages adds when
/// the newest of them came, which the head does not know if it is no message.
pub(crate) fn list(stored: &[Missed], mut behind: Vec<Missed>) -> http::MissedList {
    let times: BTreeMap<(ConversationId, u64), _> =
        stored.iter().map(|row| ((row.conversation, row.as_of.ordinal), row.time)).collect();
    for row in &mut behind {
        row.time = times.get(&(row.conversation, row.as_of.ordinal)).copied().unwrap_or(row.time);
    }
    behind.sort_by(|one, other| (other.time, one.conversation).cmp(&(one.time, other.conversation)));
    let missed: Vec<http::Missed> = behind.iter().map(told).collect();
    let badge = missed.iter().map(|row| row.messages).sum();
    http::MissedList { missed, badge }
}

const fn told(row: &Missed) -> http::Missed {
    http::Missed {
        conversation: row.conversation,
        messages: row.messages(),
        as_of: row.as_of.position,
        time: row.time,
    }
}

#[cfg(test)]
mod tests {
    use domain::{ClientId, DeviceId, Kind, Position, Region, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn user(number: u8) -> UserId {
        UserId::new(Region(1), [number; 15])
    }

    fn log(kinds: &[(u8, bool)]) -> Vec<Arc<Entry>> {
        let mut ordinal = 0;
        let entry = |(seq, (sender, message)): (u64, &(u8, bool))| {
            ordinal += u64::from(*message);
            Arc::new(Entry {
                conversation: ConversationId::Group([1; 16]),
                position: Position::new(1, seq),
                kind: if *message { Kind::Message } else { Kind::Renamed },
                sender: user(*sender),
                device: DeviceId::new(Region(1), [1; 15]),
                client_id: ClientId::new(1, [1; 10]),
                time: Timestamp::from_unix_ms(seq),
                ordinal,
                roster: Position::new(1, 1),
                was: None,
                body: None,
            })
        };
        (1..).zip(kinds).map(entry).collect()
    }

    /// Who of four is absent and at or before `seen[n]` entries of the log.
    fn absent(log: &[Arc<Entry>], seen: &[usize; 4], entry: &Entry) -> Vec<(UserId, Mark)> {
        let mark = |at: usize| if at == 0 { Mark::START } else { log[at - 1].mark() };
        let marks = (0..4).map(|number| (user(number), mark(seen[usize::from(number)].min(log.len()))));
        marks.filter(|(_, mark)| mark.position < entry.position).collect()
    }

    proptest! {
        #[test]
        fn a_question_that_is_saved_loses_a_row(
            kinds in proptest::collection::vec((0u8..4, proptest::bool::weighted(0.8)), 1..40),
            seen in [0usize..40, 0..40, 0..40, 0..40],
        ) {
            let log = log(&kinds);
            let rows = |asked: &[Arc<Entry>]| {
                newest(asked.iter().flat_map(|entry| noted(entry, absent(&log, &seen, entry))).collect())
            };
            prop_assert_eq!(rows(&questions(log.clone())), rows(&log));
        }
    }

    #[test]
    fn a_row_is_cleared_by_another_persons_or_conversations_cursor() {
        let entry = &log(&[(1, true)])[0];
        let rows = noted(entry, vec![(user(2), Mark::START)]);
        let seen = |user, group| BTreeMap::from([((user, ConversationId::Group([group; 16])), entry.mark())]);
        assert_eq!(cleared(&rows, &seen(user(3), 1)), []);
        assert_eq!(cleared(&rows, &seen(user(2), 2)), []);
        assert_eq!(cleared(&rows, &seen(user(2), 1)), [(user(2), entry.conversation, entry.mark())]);
    }
}
