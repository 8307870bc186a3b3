//! The effects of a batch, in their order: project, mark changed, follow, deliver.
//!
//! Each can be repeated, and is idempotent by position: a known identity runs all of them again, because the first try
//! may have died before them. Only then is the submission committed.

mod audience;
mod post;

use std::sync::Arc;

use bus::MessageBus;
use contracts::records::{Append, Delivery, Event, Stored};
use contracts::trace::Steps;
use domain::{ConversationId, Entry, PortError, Rejection, Roster, UserId};
use store_registry::Session;

use crate::append::{Failure, Outcome, joiners};
use crate::context::Context;
use crate::decide::Verdict;
use audience::{Effect, Reach};
pub(crate) use post::Post;

/// Runs the effects of a batch that was appended.
pub(crate) async fn fan_out(
    context: &Context,
    conversation: ConversationId,
    batch: &[Append],
    outcome: &Outcome,
    steps: &mut Steps,
) -> Result<(), PortError> {
    steps.next("messaging.fan_out");
    let effects: Vec<Effect> =
        outcome.verdicts.iter().filter_map(|verdict| Effect::of(verdict, &outcome.state.roster)).collect();
    project(context, &effects, &outcome.state.roster).await?;
    context.fail.hit("after_project");
    let reach = reach(context, conversation, &effects).await?;
    context.fail.hit("after_mark");
    let mut post = Post::of(steps.traces());
    let mut effects = effects.iter();
    for (append, verdict) in batch.iter().zip(&outcome.verdicts) {
        let result = match verdict {
            Verdict::Append(_) | Verdict::Known(_) => {
                let effect = effects.next().expect("every verdict with an entry has an effect");
                deliver_entry(context, &mut post, effect, &reach, append).await?;
                Ok(Stored::from(&*effect.entry))
            }
            Verdict::Refuse(rejection) => Err(rejection.clone()),
        };
        post.outcome(append, result);
    }
    send(context, post, "after_deliver").await
}

/// Tells every submitter of a batch that came to nothing.
pub(crate) async fn refuse(
    context: &Context,
    batch: &[Append],
    failure: Failure,
    steps: &mut Steps,
) -> Result<(), PortError> {
    steps.next("messaging.refuse");
    steps.note("error", &failure);
    let rejection: Rejection = failure.rejection();
    let mut post = Post::of(steps.traces());
    batch.iter().for_each(|append| post.outcome(append, Err(rejection.clone())));
    send(context, post, "after_deliver").await
}

/// Publishes what was gathered, slot by slot, and passes a fail point after each.
pub(crate) async fn send(context: &Context, post: Post, after_each: &'static str) -> Result<(), PortError> {
    for delivery in post.into_deliveries() {
        publish(&*context.deliver, delivery).await?;
        context.fail.hit(after_each);
    }
    Ok(())
}

/// Publishes one delivery; a topic that is closed means that the process is stopping, and nobody is there to be told.
pub(crate) async fn publish(deliver: &dyn MessageBus<Delivery>, delivery: Delivery) -> Result<(), PortError> {
    match deliver.publish(delivery).await {
        Ok(()) | Err(bus::Error::Closed) => Ok(()),
        Err(bus::Error::Engine(error)) => Err(error),
    }
}

async fn project(context: &Context, effects: &[Effect], roster: &Arc<Roster>) -> Result<(), PortError> {
    let entries: Vec<Arc<Entry>> = effects
        .iter()
        .filter(|effect| effect.entry.kind.is_membership())
        .map(|effect| Arc::clone(&effect.entry))
        .collect();
    if entries.is_empty() {
        return Ok(());
    }
    context.persist("project", || context.groups.applied(&entries, Arc::clone(roster))).await
}

/// Marks the conversation changed for whom it changed, and finds out who can be reached.
async fn reach(
    context: &Context,
    conversation: ConversationId,
    effects: &[Effect],
) -> Result<Reach, PortError> {
    let users = audience::marked(effects);
    let sessions = if users.is_empty() {
        vec![]
    } else {
        context.persist("mark changed", || context.registry.mark(conversation, &users)).await?
    };
    Ok(Reach::new(users, sessions))
}

async fn deliver_entry(
    context: &Context,
    post: &mut Post,
    effect: &Effect,
    reach: &Reach,
    append: &Append,
) -> Result<(), PortError> {
    if !effect.after.large {
        post.hand_to_sessions(effect, reach, append.origin);
        return Ok(());
    }
    if effect.known && effect.entry.kind.is_membership() {
        // Who is out by it may have come back as a session since, and is no slot's member any more.
        post.hand_to_sessions(effect, reach, append.origin);
    }
    let newcomers = follow(context, effect, reach).await?;
    context.fail.hit("after_follow");
    post.enlarge(effect, newcomers);
    let followers = || context.registry.followers(effect.entry.conversation);
    post.hand_to_members(effect, &context.persist("look up followers", followers).await?, append.origin);
    Ok(())
}

/// Lets the slots of those follow the large group who are in it by this entry, and gives their sessions.
async fn follow(
    context: &Context,
    effect: &Effect,
    reach: &Reach,
) -> Result<Vec<(UserId, Session)>, PortError> {
    let crossing = effect.crosses();
    let users: Vec<UserId> =
        if crossing { effect.after.active_users().collect() } else { joiners(&effect.entry) };
    let sessions: Vec<(UserId, Session)> = reach.sessions_of(&users).collect();
    let mut followed = vec![];
    for (_, session) in &sessions {
        let lease = (session.id.slot, session.id.generation);
        if followed.contains(&lease) {
            continue;
        }
        followed.push(lease);
        match context.registry.follow(effect.entry.conversation, lease.0, lease.1).await {
            Ok(()) => {}
            Err(store_registry::LeaseError::Store(error)) => return Err(error),
            Err(lost) => tracing::info!(slot = lease.0.0, %lost, "a gateway is gone, its sessions with it"),
        }
    }
    Ok(sessions)
}

/// The event that hands an entry over.
pub(crate) fn entry_event(
    entry: &Arc<Entry>,
    to: contracts::records::Audience,
    except: Option<u64>,
) -> Event {
    Event::Entry { entry: Arc::clone(entry), to, except }
}
