//! From a queue of submissions to entries in the log: look up, decide, list, append.
//!
//! One run is the way of one batch of one conversation. It owns what is cached of the conversation while it runs, so only
//! one append of a conversation is in flight. A conflict drops everything that was cached and decides anew.

use std::sync::Arc;

use contracts::records::Append;
use contracts::services::SequenceError;
use contracts::trace::Steps;
use domain::{
    Code, Content, ConversationId, Entry, Identity, Kind, PortError, Position, Rejection, Roster, UserId,
};
use store_chat::AppendError;

use crate::context::Context;
use crate::decide::{Asked, Decided, State, Verdict, decide, predecessor};
use crate::meters;

/// What became of a batch.
pub(crate) struct Outcome {
    /// A verdict for each submission, in order. What is to be appended has been.
    pub verdicts: Vec<Verdict>,
    /// What is known of the conversation now.
    pub state: State,
}

/// Why a batch came to nothing: every submitter is told to try again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    #[error("the log of the conversation kept changing under this worker")]
    Contended,
}

impl Failure {
    /// What the submitters are told.
    pub(crate) fn rejection(self) -> Rejection {
        match self {
            Self::Port(error) | Self::Sequence(SequenceError::Port(error)) => error.into(),
            // There is one region: what another would lead is not there.
            Self::Sequence(SequenceError::NotLeader(_)) => Rejection::not_found(),
            Self::Contended => Rejection::new(Code::Unavailable, "the conversation is busy; try again"),
        }
    }

    const fn retryable(&self) -> bool {
        match self {
            Self::Port(error) | Self::Sequence(SequenceError::Port(error)) => error.retryable(),
            Self::Sequence(SequenceError::NotLeader(_)) => false,
            Self::Contended => true,
        }
    }
}

/// Appends a batch; tries a bounded number of times.
pub(crate) async fn append(
    context: &Context,
    conversation: ConversationId,
    mut cached: Option<State>,
    batch: &[Append],
    steps: &mut Steps,
) -> Result<Outcome, Failure> {
    let mut backoff = context.backoff();
    for attempt in 1.. {
        let error = match attempt_once(context, conversation, cached.take(), batch, steps).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        if !error.retryable() || attempt >= context.config.append_tries {
            tracing::error!(%conversation, %error, attempt, "could not append");
            return Err(error);
        }
        tracing::warn!(%conversation, %error, attempt, "did not append, deciding anew");
        meters::retries().increment(1);
        if !matches!(error, Failure::Contended) {
            backoff.wait().await;
        }
    }
    unreachable!("the loop above ends by returning")
}

async fn attempt_once(
    context: &Context,
    conversation: ConversationId,
    cached: Option<State>,
    batch: &[Append],
    steps: &mut Steps,
) -> Result<Outcome, Failure> {
    steps.next("messaging.decide");
    steps.note("batch.messages", batch.len());
    let mut state = match cached {
        Some(state) => state,
        None => load(context, conversation).await?,
    };
    let asked = look_up(context, &state, batch).await?;
    let after = state.head.position;
    let verdicts = decide(&mut state, &asked, context.ambient.now(), &context.config.limits);
    let decided: Vec<&Decided> = verdicts.iter().filter_map(Verdict::decided).collect();
    if decided.is_empty() {
        still_ends(context, conversation, after).await?;
    } else {
        steps.next("messaging.append");
        context.fail.hit("before_link");
        link(context, &decided).await?;
        context.fail.hit("before_append");
        let entries = decided.iter().map(|decided| Arc::clone(&decided.entry)).collect();
        store(context, conversation, after, entries).await?;
        context.fail.hit("after_append");
    }
    Ok(Outcome { verdicts, state })
}

impl Verdict {
    fn decided(&self) -> Option<&Decided> {
        if let Self::Append(decided) = self { Some(decided) } else { None }
    }
}

/// Nothing is appended, so nothing passes the store's fence: what was decided by a cached state is only told if the log
/// still ends where that state has it. Else a member could be refused, or a removed one told, by an old roster.
async fn still_ends(context: &Context, conversation: ConversationId, at: Position) -> Result<(), Failure> {
    let head = context.chat.head(conversation).await?.unwrap_or_default();
    if head.position == at { Ok(()) } else { Err(Failure::Contended) }
}

/// What the decision builds on, from the stores.
async fn load(context: &Context, conversation: ConversationId) -> Result<State, Failure> {
    let grant = context.sequences.grant(conversation).await?;
    let head = context.chat.head(conversation).await?.unwrap_or_default();
    let roster = context.groups.roster(conversation, head.roster).await?;
    // A roster newer than the head was read past an append of another worker: the append that follows will conflict.
    Ok(State { conversation, grant, head, roster, recent: Default::default() })
}

/// What the store knows of the batch's identities, in one look.
async fn look_up<'a>(
    context: &Context,
    state: &State,
    batch: &'a [Append],
) -> Result<Vec<Asked<'a>>, PortError> {
    let mut identities: Vec<Identity> = batch.iter().map(|append| append.submission.identity).collect();
    let unknown_predecessor = |append: &Append| {
        predecessor(&append.submission)
            .filter(|before| !state.recent.holds(before) && !identities.contains(before))
    };
    let predecessors: Vec<Option<Identity>> = batch.iter().map(unknown_predecessor).collect();
    identities.extend(predecessors.iter().flatten());
    let mut found = context.chat.find(&identities).await?;
    let mut after = found.split_off(batch.len()).into_iter();
    let asked = |((append, known), before): ((&'a Append, Option<Arc<Entry>>), &Option<Identity>)| Asked {
        submission: &append.submission,
        known,
        after_known: before.is_some() && after.next().flatten().is_some(),
    };
    Ok(batch.iter().zip(found).zip(&predecessors).map(asked).collect())
}

/// Lists the conversation for whom it is about to become theirs. The log decides; a link too many does no harm.
async fn link(context: &Context, decided: &[&Decided]) -> Result<(), PortError> {
    for Decided { entry, before, after } in decided {
        let (users, large) = newly_listed(entry, before, after);
        if !users.is_empty() {
            context.groups.link(entry.conversation, &users, large).await?;
        }
    }
    Ok(())
}

/// For whom an entry makes the conversation theirs, or changes how it is fanned out to them; and whether it is large.
fn newly_listed(entry: &Entry, before: &Roster, after: &Roster) -> (Vec<UserId>, bool) {
    let first = entry.position.seq == 1;
    let users = if (first && entry.kind != Kind::Created) || (after.large && !before.large) {
        after.active_users().collect()
    } else {
        joiners(entry).into_iter().filter(|user| !before.is_active(*user) && after.is_active(*user)).collect()
    };
    (users, after.large)
}

/// Whom an entry may let in.
pub(crate) fn joiners(entry: &Entry) -> Vec<UserId> {
    if !matches!(entry.kind, Kind::Created | Kind::Joined) {
        return vec![];
    }
    match entry.body.as_ref().map(|body| Content::parse(&entry.kind, body.as_str())) {
        Some(Ok(Content::Created(created))) => [vec![entry.sender], created.users].concat(),
        Some(Ok(Content::Joined(joined))) => joined.users,
        _ => vec![],
    }
}

async fn store(
    context: &Context,
    conversation: ConversationId,
    after: Position,
    entries: Vec<Arc<Entry>>,
) -> Result<(), Failure> {
    match context.chat.append(conversation, after, entries).await {
        Ok(()) => Ok(()),
        Err(AppendError::Conflict { head }) => {
            tracing::info!(%conversation, expected = %after, ?head, "the log moved on, deciding anew");
            meters::conflicts().increment(1);
            Err(Failure::Contended)
        }
        Err(AppendError::Store(error)) => Err(error.into()),
    }
}
