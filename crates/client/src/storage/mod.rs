//! What a device keeps: the messages it has yet to send, and where it stands.
//!
//! Two ports, each with an engine in files and one in memory. An app with a database of its own implements them on it.
//! Both belong to one signed-in device: after signing in anew, start with empty ones.

mod journal;
mod outbox;
mod state;

pub use outbox::{FileOutbox, MemoryOutbox};
pub use state::{FileState, MemoryState};

use std::collections::HashMap;
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
