//! The app's end of the client: what happened, in order, and what the app has taken.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use domain::{ClientId, ConversationId, Position, UserId};
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

/// The way back from the app. How far cursors should be: the newest wish per conversation, so that its size is that of the
/// list of conversations. And which refused messages the app was told of, at most as many as the outbox held.
#[derive(Default)]
pub(super) struct Wishes {
    wishes: Mutex<HashMap<ConversationId, (Position, Position)>>,
    told: Mutex<Vec<ClientId>>,
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

    /// The app was told that this message was refused for good: nothing has to be kept of it any more.
    fn forget(&self, client_id: ClientId) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(client_id);
        self.made.notify_one();
    }

    pub(super) fn told(&self) -> Vec<ClientId> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
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
/// An event counts as taken when the next one is asked for: then it is saved that the app has it, its `delivered` cursor
/// moves, and a message that was refused leaves the stored outbox. Whoever stops in between is given an entry again by the
/// next process, which also sends a refused message again and tells of it again.
pub struct Events {
    pub(super) items: mpsc::Receiver<Item>,
    pub(super) state: Box<dyn State>,
    pub(super) wishes: Arc<Wishes>,
    /// Whether `delivered` follows.
    pub(super) delivered: bool,
    pub(super) taking: Option<Taking>,
    pub(super) me: Option<UserId>,
    pub(super) failed: bool,
}

/// What the app was given and has not taken yet.
pub(super) enum Taking {
    Entry(ConversationId, Place, UserId),
    Rejected(ClientId),
}

impl Events {
    /// The next event; `None` once the client is closed or has stopped. Can be dropped and called again without loss.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn took(&mut self) -> std::io::Result<()> {
        match self.taking.take() {
            Some(Taking::Entry(conversation, place, sender)) => {
                if self.delivered && self.me.is_some_and(|me| me != sender) {
                    self.wishes.wish(conversation, Mover::Delivered, place.position);
                }
                self.state.save(&Step::Place(conversation, place))
            }
            Some(Taking::Rejected(client_id)) => {
                self.wishes.forget(client_id);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The app is given this; what follows from that once it has taken it is noted.
    fn gives(&mut self, event: &Event) {
        match event {
            Event::Entry(entry) => {
                let place = Place { position: entry.position, roster: Some(entry.roster) };
                self.taking = Some(Taking::Entry(entry.conversation, place, entry.sender));
            }
            Event::Rejected { client_id, .. } => self.taking = Some(Taking::Rejected(*client_id)),
            Event::Connected { user, .. } => self.me = Some(*user),
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> std::io::Result<Poll<Option<Event>>> {
        self.took()?;
        loop {
            match self.items.poll_recv(cx) {
                Poll::Ready(Some(Item::Save(step))) => self.state.save(&step)?,
                Poll::Ready(Some(Item::Event(event))) => {
                    self.gives(&event);
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
