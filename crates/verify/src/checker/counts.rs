//! What is counted for a person, held against the log: what is unread, and what they missed.

use std::sync::Arc;

use domain::{ConversationId, Entry, Mark, Position, Timestamp, UserId};
use protocol::http::MissedList;
use protocol::view::Conversation;

use super::law::{Finding, Law};
use super::{Logs, Rosters};

/// One's own messages behind a cursor count as read without one, so many entries far: `messaging::own`.
const OWN_LOOK_MAX: usize = 64;

/// The head, the cursor and what is unread, as a person is shown a conversation that they are in.
pub(super) fn shown(
    user: UserId,
    shown: &Conversation,
    told: Option<&domain::Cursor>,
    logs: &Logs,
    rosters: &Rosters,
) -> Vec<Finding> {
    let Some((log, joined)) = theirs(user, shown.id, logs, rosters) else { return vec![] };
    let mut findings = vec![];
    let cursor = shown.cursor;
    if let Some(told) = told.filter(|told| cursor.read < told.read || cursor.delivered < told.delivered) {
        let what =
            format!("an empty device of {user} was shown {cursor:?} in {}, and {told:?} was told", shown.id);
        findings.push(Law::CursorsOnlyGrow.broken(what));
    }
    let head = log.last().map_or(Mark::START, |entry| entry.mark());
    let unread = messages_beyond(log, user, cursor.read.max(joined).position);
    if (shown.head, shown.unread) != (head, unread) {
        let what = format!(
            "{user} was shown {:?} as the head of {} and {} unread beyond {cursor:?}: they are {head:?} and {unread}",
            shown.head, shown.id, shown.unread
        );
        findings.push(Law::CountsFollowTheLog.broken(what));
    }
    findings
}

/// What a person missed of whom no device ever said that it has anything: every conversation that they are in and that
/// has messages of others, each with their number.
pub fn missed(user: UserId, told: &MissedList, logs: &Logs) -> Vec<Finding> {
    let rosters = super::rosters(logs);
    let due: Vec<Row> = logs.keys().filter_map(|id| row(user, *id, logs, &rosters)).collect();
    let told_row = |row: &protocol::http::Missed| Row {
        conversation: row.conversation,
        messages: row.messages,
        // Of large groups nothing is noted, and the head says when.
        time: (!rosters.get(&row.conversation).is_some_and(|roster| roster.large)).then_some(row.time),
    };
    let mut rows: Vec<Row> = told.missed.iter().map(told_row).collect();
    rows.sort_unstable();
    let mut findings = vec![];
    if rows != due {
        let what = format!("{user} is told to have missed {rows:?}, and it is {due:?}");
        findings.push(Law::CountsFollowTheLog.broken(what));
    }
    let badge = rows.iter().map(|row| row.messages).sum::<u64>();
    if told.badge != badge {
        findings.push(
            Law::CountsFollowTheLog.broken(format!("{user} has a badge of {}, not {badge}", told.badge)),
        );
    }
    findings
}

/// What was missed in one conversation, and when the newest of it came.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    conversation: ConversationId,
    messages: u64,
    time: Option<Timestamp>,
}

fn row(user: UserId, conversation: ConversationId, logs: &Logs, rosters: &Rosters) -> Option<Row> {
    let (log, joined) = theirs(user, conversation, logs, rosters)?;
    let messages = messages_beyond(log, user, joined.position);
    let newest = log.iter().rev().find(|entry| entry.kind.is_message());
    let time = newest.filter(|_| !rosters[&conversation].large).map(|entry| entry.time);
    (messages > 0).then_some(Row { conversation, messages, time })
}

/// A log and where this person joined, if they are in.
fn theirs<'a>(
    user: UserId,
    conversation: ConversationId,
    logs: &'a Logs,
    rosters: &Rosters,
) -> Option<(&'a [Arc<Entry>], Mark)> {
    let member = rosters.get(&conversation)?.member(user).filter(|member| member.is_active())?;
    Some((logs.get(&conversation)?, member.joined))
}

/// How many messages a log holds from the first of somebody else beyond a position on.
fn messages_beyond(log: &[Arc<Entry>], user: UserId, position: Position) -> u64 {
    let beyond = &log[log.partition_point(|entry| entry.position <= position)..];
    let own = |entry: &&Arc<Entry>| entry.sender == user || !entry.kind.is_message();
    let skipped = beyond.iter().take(OWN_LOOK_MAX).take_while(own).count();
    beyond[skipped..].iter().filter(|entry| entry.kind.is_message()).count() as u64
}
