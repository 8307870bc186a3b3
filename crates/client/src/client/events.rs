//! The app's end of the client: what happened, in order, and what the app has taken.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use domain::{ConversationId, Position, UserId};
use futures_util::Stream;
use tokio::sync::{Notify, mpsc};

use super::core::Mover;
use super::event::Event;
use crate::storage::{Place, State, Step};

/// What the client hands over: events, and between them what is to be saved once those before it were taken.
#[derive(Debug)]
pub(super) enum Item {
    Event(Event),
    Save(Step),
}

/// How far cursors should be: the newest wish per conversation, so that its size is that of the list of conversations.
#[derive(Default)]
pub(super) struct Wishes {
    wishes: Mutex<HashMap<ConversationId, (Position, Position)>>,
    made: Notify,
}

impl Wishes {
    pub(super) fn wish(&self, conversation: ConversationId, mover: Mover, to: Position) {
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        let (delivered, read) = wishes.entry(conversation).or_default();
        match mover {
            Mover::Delivered => *delivered = to.max(*delivered),
            Mover::Read => *read = to.max(*read),
        }
        drop(wishes);
        self.made.notify_one();
    }

    pub(super) async fn made(&self) {
        self.made.notified().await;
    }

    pub(super) fn take(&self) -> Vec<(ConversationId, Mover, Position)> {
        let wishes = std::mem::take(&mut *self.wishes.lock().unwrap_or_else(PoisonError::into_inner));
        let both = |(id, (delivered, read))| [(id, Mover::Delivered, delivered), (id, Mover::Read, read)];
        wishes.into_iter().flat_map(both).filter(|(_, _, to)| *to > Position::START).collect()
    }
}

/// The stream of what happens. It has to be read for the client to go on; dropping it closes the client.
///
/// An event counts as taken when the next one is asked for: then it is saved that the app has it, and its `delivered`
/// cursor moves. Whoever stops in between is given it again by the next process.
pub struct Events {
    pub(super) items: mpsc::Receiver<Item>,
    pub(super) state: Box<dyn State>,
    pub(super) wishes: Arc<Wishes>,
    /// Whether `delivered` follows.
    pub(super) delivered: bool,
    pub(super) taking: Option<(ConversationId, Place, UserId)>,
    pub(super) me: Option<UserId>,
    pub(super) failed: bool,
}

impl Events {
    /// The next event; `None` once the client is closed or has stopped. Can be dropped and called again without loss.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn took(&mut self) -> std::io::Result<()> {
        let Some((conversation, place, sender)) = self.taking.take() else { return Ok(()) };
        if self.delivered && self.me.is_some_and(|me| me != sender) {
            self.wishes.wish(conversation, Mover::Delivered, place.position);
        }
        self.state.save(&Step::Place(conversation, place))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> std::io::Result<Poll<Option<Event>>> {
        self.took()?;
        loop {
            match self.items.poll_recv(cx) {
                Poll::Ready(Some(Item::Save(step))) => self.state.save(&step)?,
                Poll::Ready(Some(Item::Event(event))) => {
                    if let Event::Entry(entry) = &event {
                        let place = Place { position: entry.position, roster: Some(entry.roster) };
                        self.taking = Some((entry.conversation, place, entry.sender));
                    } else if let Event::Connected { user, .. } = &event {
                        self.me = Some(*user);
                    }
                    return Ok(Poll::Ready(Some(event)));
                }
                Poll::Ready(None) => {
                    self.state.flush()?;
                    return Ok(Poll::Ready(None));
                }
                Poll::Pending => {
                    self.state.flush()?;
                    return Ok(Poll::Pending);
                }
            }
        }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.failed {
            return Poll::Ready(None);
        }
        self.poll(cx).unwrap_or_else(|error| {
            self.failed = true;
            self.items.close();
            Poll::Ready(Some(Event::Stopped {
                reason: format!("where this device stands cannot be kept: {error}"),
                sign_in: false,
            }))
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Whoever drops it took what it was given. There is nobody to tell of a failure; it only repeats an event.
        drop(self.took().and_then(|()| self.state.flush()));
    }
}
