//! Once: whether a submission was appended before, may still be, or comes too early.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::{ClientId, Code, DeviceId, Entry, Identity, Limits, Rejection, Submission, Timestamp, UserId};

use super::{Asked, Verdict};

/// What is known of a submission's identity.
#[derive(Debug)]
pub enum Known {
    /// It is this entry, or becomes it in this batch.
    As(Arc<Entry>),
    /// It is not in the log, and may be appended as far as its identity goes.
    Not,
    /// It cannot be appended.
    Refused(Rejection),
}

/// How many of the submissions appended last are remembered.
const RECENT_MAX: usize = 64;

/// The submissions of one conversation that were appended last: `after` mostly names one of them.
#[derive(Debug, Clone, Default)]
pub struct Recent(VecDeque<(UserId, DeviceId, ClientId)>);

impl Recent {
    /// This one was appended.
    pub fn push(&mut self, identity: &Identity) {
        if self.0.len() == RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((identity.sender, identity.device, identity.client_id));
    }

    /// Whether this one is among the last.
    pub fn holds(&self, identity: &Identity) -> bool {
        self.0.iter().rev().any(|recent| *recent == (identity.sender, identity.device, identity.client_id))
    }
}

/// The identity that a submission names in `after`.
pub fn predecessor(submission: &Submission) -> Option<Identity> {
    submission.after.map(|client_id| Identity { client_id, ..submission.identity })
}

pub(super) fn judge(
    asked: &Asked<'_>,
    earlier: &[Asked<'_>],
    verdicts: &[Verdict],
    recent: &Recent,
    now: Timestamp,
    limits: &Limits,
) -> Known {
    let submission = asked.submission;
    let in_batch = in_batch(&submission.identity, earlier, verdicts);
    if let Some(entry) = in_batch.or_else(|| asked.known.clone()) {
        return same_or_conflict(submission, entry);
    }
    if let Err(rejection) = in_time(submission.identity.client_id, now, limits) {
        return Known::Refused(rejection);
    }
    match predecessor(submission) {
        Some(before)
            if !asked.after_known
                && !recent.holds(&before)
                && self::in_batch(&before, earlier, verdicts).is_none() =>
        {
            let message = "the submission named in `after` is not in the log: send that one first";
            Known::Refused(Rejection::new(Code::OutOfOrder, message))
        }
        _ => Known::Not,
    }
}

/// The entry that an earlier submission of this batch with this identity becomes or is.
fn in_batch(identity: &Identity, earlier: &[Asked<'_>], verdicts: &[Verdict]) -> Option<Arc<Entry>> {
    let same = |(asked, verdict): (&Asked<'_>, &Verdict)| match verdict {
        _ if asked.submission.identity != *identity => None,
        Verdict::Append(decided) => Some(Arc::clone(&decided.entry)),
        Verdict::Known(entry) => Some(Arc::clone(entry)),
        Verdict::Refuse(_) => None,
    };
    earlier.iter().zip(verdicts).rev().find_map(same)
}

/// A known identity is the same submission only with the same body, unless that was erased since.
fn same_or_conflict(submission: &Submission, entry: Arc<Entry>) -> Known {
    let same_body = entry.body.as_ref().is_none_or(|body| *body == submission.body);
    if entry.kind == submission.kind && same_body {
        return Known::As(entry);
    }
    let message = "this client id was used before in this conversation, for something else";
    Known::Refused(Rejection::new(Code::Conflict, message))
}

fn in_time(client_id: ClientId, now: Timestamp, limits: &Limits) -> Result<(), Rejection> {
    let made = Timestamp::from_unix_ms(client_id.unix_ms());
    if made.since_ms(now) > limits.client_id_ahead_ms_max {
        let message =
            "the client id is ahead of server time: make client ids on the time that `welcome` gives";
        return Err(Rejection::new(Code::BadClientId, message));
    }
    if now.since_ms(made) > limits.identity_ms {
        let message =
            "the client id is so old that nobody knows any more whether it was sent: make a new one";
        return Err(Rejection::new(Code::Expired, message));
    }
    Ok(())
}
