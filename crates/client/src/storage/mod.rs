//! What a device keeps: the messages it has yet to send, and where it stands.
//!
//! Two ports, each with an engine in files and one in memory. An app with a database of its own implements them on it.
//! Both belong to one signed-in device: after signing in anew, start with empty ones; [`take_over`] brings what still waits
//! along.

mod journal;
mod outbox;
mod state;

pub use outbox::{FileOutbox, MemoryOutbox};
pub use state::{FileState, MemoryState};

use std::collections::{HashMap, HashSet};
use std::io;

use domain::{Body, ClientId, ConversationId, Position};
use serde::{Deserialize, Serialize};

/// A message that waits to be sent. Its identity never changes, however often it is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Where to.
    pub conversation: ConversationId,
    /// Its client id.
    pub client_id: ClientId,
    /// What it says.
    pub body: Body,
}

/// The messages that wait to be sent.
///
/// Laws: what was appended before a successful [`Outbox::sync`] is there after any crash, in the order of the appends,
/// unless it was removed. A removal may be forgotten by a crash (the message is then sent again, and is the same one).
/// After an error nothing is known of what was not synced before.
pub trait Outbox: Send + 'static {
    /// All that wait, oldest first. Called once, before everything else.
    fn load(&mut self) -> io::Result<Vec<Queued>>;

    /// Puts one at the end.
    fn append(&mut self, queued: &Queued) -> io::Result<()>;

    /// Takes one out: it was stored by the server, or refused for good.
    fn remove(&mut self, client_id: ClientId) -> io::Result<()>;

    /// Makes everything so far durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Takes what waits in the outbox of a device that is signed out over into that of the one which is in its place; gives
/// how many messages that are. They keep their order and their client ids, and are new to the server all the same: the
/// device is part of what a message is. So one that was under way when the old device ended may be there twice.
///
/// A crash at any moment leaves each of them in one of the two, or in both; done again, this puts none in twice.
pub fn take_over(mut from: impl Outbox, mut to: impl Outbox) -> io::Result<usize> {
    let waiting = from.load()?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let there: HashSet<ClientId> = to.load()?.iter().map(|queued| queued.client_id).collect();
    for queued in waiting.iter().filter(|queued| !there.contains(&queued.client_id)) {
        to.append(queued)?;
    }
    to.sync()?;
    for queued in &waiting {
        from.remove(queued.client_id)?;
    }
    from.sync()?;
    Ok(waiting.len())
}

/// How far the app was given a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The newest entry it was given, or the one before the first it will be given.
    pub position: Position,
    /// The newest membership entry at or before it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster: Option<Position>,
}

/// Where a device stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// The sync token; `None` on a device that never synced.
    pub token: Option<String>,
    /// How far it is in each conversation.
    pub places: HashMap<ConversationId, Place>,
}

/// One step of where a device stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Everything that this sync token covers was given to the app.
    Token(String),
    /// The app was given this conversation up to here.
    Place(ConversationId, Place),
    /// The conversation is gone.
    Gone(ConversationId),
}

impl Saved {
    /// Takes a step.
    pub fn apply(&mut self, step: Step) {
        match step {
            Step::Token(token) => self.token = Some(token),
            Step::Place(conversation, place) => drop(self.places.insert(conversation, place)),
            Step::Gone(conversation) => drop(self.places.remove(&conversation)),
        }
    }
}

/// Where a device stands.
///
/// Laws: steps are kept in order; a crash may forget the newest ones, never an older one before a newer. A step is saved
/// only after the app came back for the event after the one that it stands for: what was forgotten is given again, and
/// what was given and not taken is never forgotten.
pub trait State: Send + 'static {
    /// Where it stands. Called once, before everything else.
    fn load(&mut self) -> io::Result<Saved>;

    /// Takes a step. Called for each entry: may gather.
    fn save(&mut self, step: &Step) -> io::Result<()>;

    /// A pause: writes what was gathered.
    fn flush(&mut self) -> io::Result<()>;
}
