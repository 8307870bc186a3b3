//! Sessions: registered as they are announced, and their registration echoed; slots leased to gateways.
//!
//! The order is the law: registered, then the large groups' slots follow, then the echo, and only then does the device
//! read heads. Whatever was appended before is in the heads; whatever is appended after finds the registration.

use async_trait::async_trait;
use bus::Consumer;
use contracts::records::{Announcement, Delivery, Event, LargeGroup, SessionChange};
use contracts::services::{SlotLease, Slots, Standing};
use domain::{Code, ConversationId, Generation, Moment, PortError, Rejection, SessionId, Slot, UserId};
use store_registry::{Lease, LeaseError, Session};

use crate::context::Context;
use crate::fan_out::{Post, publish, send};

/// Announcements handled at a time.
const BATCH_MAX: usize = 256;

/// Conversations read at a time.
const PAGE: usize = 500;

/// Follows `sessions` until it is closed and empty.
pub(crate) async fn follow(
    context: Context,
    mut consumer: Box<dyn Consumer<Announcement>>,
) -> Result<(), bus::Error> {
    loop {
        let messages = match consumer.next(BATCH_MAX).await {
            Ok(messages) => messages,
            Err(bus::Error::Closed) => return Ok(()),
            Err(error) => return Err(error),
        };
        for message in messages {
            context.persist("session change", || change(&context, &message.record)).await?;
            consumer.commit(message.partition, message.offset + 1).await?;
        }
    }
}

async fn change(context: &Context, announcement: &Announcement) -> Result<(), PortError> {
    let Announcement { user, device, session, change } = *announcement;
    match change {
        SessionChange::Began => register(context, user, Session { id: session, device }).await,
        SessionChange::Ended => context.registry.unregister(user, session).await.map(drop),
        SessionChange::SignedOut => {
            let mut post = Post::default();
            for session in context.registry.sessions(&[user]).await?.into_iter().flatten() {
                if session.device == device {
                    post.event(session.id, Event::SignedOut { device });
                }
            }
            send(context, post, "after_deliver").await
        }
    }
}

async fn register(context: &Context, user: UserId, session: Session) -> Result<(), PortError> {
    let (large, refused) = match context.registry.register(user, session).await {
        Ok(()) => {
            context.fail.hit("after_register");
            (large_groups(context, user, session.id).await?, None)
        }
        Err(LeaseError::Store(error)) => return Err(error),
        Err(error) => (vec![], Some(refusal(&error))),
    };
    let events = vec![Event::Registered { session: session.id.number, large, refused }];
    let SessionId { slot, generation, .. } = session.id;
    context.fail.hit("before_echo");
    publish(&*context.deliver, Delivery { slot, generation, events, traces: vec![] }).await
}

/// The large groups of a user; the session's slot follows them from now on.
async fn large_groups(
    context: &Context,
    user: UserId,
    session: SessionId,
) -> Result<Vec<LargeGroup>, PortError> {
    let mut groups = vec![];
    let mut after = None;
    loop {
        let page = context.groups.conversations(user, after, PAGE).await?;
        for (conversation, _) in page.iter().filter(|(_, large)| *large) {
            groups.extend(large_group(context, user, *conversation, session).await?);
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => after = Some(*last),
            _ => return Ok(groups),
        }
    }
}

async fn large_group(
    context: &Context,
    user: UserId,
    conversation: ConversationId,
    session: SessionId,
) -> Result<Option<LargeGroup>, PortError> {
    match context.registry.follow(conversation, session.slot, session.generation).await {
        Ok(()) => context.fail.hit("after_session_follow"),
        Err(LeaseError::Store(error)) => return Err(error),
        Err(_lost) => return Ok(None),
    }
    let head = context.chat.head(conversation).await?.unwrap_or_default();
    let standing = context.groups.standing(conversation, user, head.roster).await?;
    Ok(standing.filter(|standing| standing.member.is_active()).and_then(
        |Standing { roster, member, .. }| {
            let from = member.spans.last()?.from;
            Some(LargeGroup { conversation, roster, from })
        },
    ))
}

fn refusal(error: &LeaseError) -> Rejection {
    match error {
        LeaseError::TooManySessions => {
            Rejection::new(Code::RateLimited, "this person has as many sessions as one may have")
                .retry_after_ms(10_000)
        }
        _ => {
            Rejection::new(Code::Unavailable, "the gateway lost its place: connect again").retry_after_ms(100)
        }
    }
}

/// Messaging's slots, for gateways.
pub(crate) struct SlotKeeper(pub(crate) Context);

impl SlotKeeper {
    fn leased(result: Result<Lease, LeaseError>, now: Moment) -> Result<SlotLease, Rejection> {
        match result {
            Ok(Lease { slot, generation, expires }) => {
                Ok(SlotLease { slot, generation, lasts_ms: expires.since_ms(now) })
            }
            Err(LeaseError::Store(error)) => Err(error.into()),
            Err(error) => Err(Rejection::new(Code::Conflict, error.to_string())),
        }
    }
}

#[async_trait]
impl Slots for SlotKeeper {
    async fn lease(&self) -> Result<SlotLease, Rejection> {
        let context = &self.0;
        let now = context.ambient.moment();
        Self::leased(context.registry.lease(now, context.config.lease_ms).await, now)
    }

    async fn renew(&self, slot: Slot, generation: Generation) -> Result<SlotLease, Rejection> {
        let context = &self.0;
        let now = context.ambient.moment();
        Self::leased(context.registry.renew(slot, generation, now, context.config.lease_ms).await, now)
    }

    async fn release(&self, slot: Slot, generation: Generation) -> Result<(), Rejection> {
        self.0.registry.release(slot, generation).await?;
        Ok(())
    }

    async fn unfollow(
        &self,
        conversation: ConversationId,
        slot: Slot,
        generation: Generation,
    ) -> Result<(), Rejection> {
        Ok(self.0.registry.unfollow(conversation, slot, generation).await?)
    }
}
