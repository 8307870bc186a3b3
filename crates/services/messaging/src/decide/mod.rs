//! The decision: what becomes of the submissions that queued for one conversation.
//!
//! Pure: the end of the log, its roster, the submissions with what is known of their identities, and the time go in; a
//! verdict for each comes out, in the order they came, and what the log is like afterwards. Whether the verdicts come
//! true is for the store's conditional append to say; if it refuses, everything here is decided anew.

mod identity;

use std::sync::Arc;

use contracts::services::Grant;
use domain::{
    Code, Content, ConversationId, Entry, Head, Kind, Limits, Rejection, Roster, Submission, Timestamp,
};

pub use identity::{Known, Recent, predecessor};

/// What the decision about a conversation builds on.
#[derive(Debug, Clone)]
pub struct State {
    /// Which conversation.
    pub conversation: ConversationId,
    /// The right to number it.
    pub grant: Grant,
    /// Where its log ends.
    pub head: Head,
    /// Who is a member there.
    pub roster: Arc<Roster>,
    /// The submissions appended last, which need not be looked up.
    pub recent: Recent,
}

/// A submission and what is known of it.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// What is asked.
    pub submission: &'a Submission,
    /// The entry it was appended as before, if it was.
    pub known: Option<Arc<Entry>>,
    /// Whether the submission that it names in `after` is in the log, as far as the store knows.
    pub after_known: bool,
}

/// What becomes of one submission.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It becomes this entry.
    Append(Decided),
    /// It was appended before, as this entry.
    Known(Arc<Entry>),
    /// It is refused.
    Refuse(Rejection),
}

/// An entry to append, and the rosters around it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The entry.
    pub entry: Arc<Entry>,
    /// The roster that it was decided by.
    pub before: Arc<Roster>,
    /// The roster that it leaves.
    pub after: Arc<Roster>,
}

/// Decides one batch. `state` is left as the log will be once the entries are appended.
pub fn decide(state: &mut State, batch: &[Asked<'_>], now: Timestamp, limits: &Limits) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(batch.len());
    for (index, asked) in batch.iter().enumerate() {
        let verdict = match identity::judge(asked, &batch[..index], &verdicts, &state.recent, now, limits) {
            Known::As(entry) => Verdict::Known(entry),
            Known::Refused(rejection) => Verdict::Refuse(rejection),
            Known::Not => match next_entry(state, asked.submission, now, limits) {
                Ok(decided) => Verdict::Append(decided),
                Err(rejection) => Verdict::Refuse(rejection),
            },
        };
        verdicts.push(verdict);
    }
    verdicts
}

fn next_entry(
    state: &mut State,
    submission: &Submission,
    now: Timestamp,
    limits: &Limits,
) -> Result<Decided, Rejection> {
    may_append(state, submission, limits)?;
    let identity = submission.identity;
    let position = state.head.position.next(state.grant.epoch);
    let moves_roster = submission.kind.is_membership();
    let entry = Arc::new(Entry {
        conversation: state.conversation,
        position,
        kind: submission.kind.clone(),
        sender: identity.sender,
        device: identity.device,
        client_id: identity.client_id,
        time: now.max(state.head.time),
        ordinal: state.head.ordinal + u64::from(submission.kind.is_message()),
        roster: if moves_roster { position } else { state.head.roster },
        was: None,
        body: Some(submission.body.clone()),
    });
    let before = Arc::clone(&state.roster);
    if moves_roster {
        Arc::make_mut(&mut state.roster).apply(&entry);
    }
    state.head = entry.head();
    state.recent.push(&identity);
    Ok(Decided { entry, before, after: Arc::clone(&state.roster) })
}

fn may_append(state: &State, submission: &Submission, limits: &Limits) -> Result<(), Rejection> {
    let sender = submission.identity.sender;
    if submission.kind == Kind::Message {
        return state.roster.may_write(sender).map(drop);
    }
    let content = Content::parse(&submission.kind, submission.body.as_str())
        .map_err(|error| Rejection::new(Code::BadRequest, error.to_string()))?;
    state.roster.may_append(&state.conversation, sender, &content, limits.group_members_max)
}

#[cfg(test)]
mod tests;
