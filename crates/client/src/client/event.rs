//! What an app is told.

use std::sync::Arc;

use domain::{Body, ClientId, ConversationId, DeviceId, Entry, Limits, Rejection, UserId};
use protocol::frame::{self, CursorMoved, Sent};
use protocol::view;

/// What an app is told. Of each conversation every entry comes once, in order and without a hole, one's own included.
#[derive(Debug, Clone)]
pub enum Event {
    /// A session is live.
    Connected {
        /// Who this is.
        user: UserId,
        /// On which device.
        device: DeviceId,
        /// What holds here.
        limits: Arc<Limits>,
    },
    /// Everything that had changed while this device was away was named; what is not here yet is being fetched.
    Synced,
    /// The connection is gone; the client comes back by itself.
    Disconnected {
        /// When it tries again, in milliseconds.
        retry_in_ms: u64,
        /// Why, for people.
        reason: String,
    },
    /// The client has stopped: a person or program has to change something, mostly to sign in again. Nothing follows.
    Stopped {
        /// Why, for people.
        reason: String,
        /// Whether signing in anew is what has to be done.
        sign_in: bool,
    },
    /// A conversation is new or has changed. Its entries follow as [`Event::Entry`]; none are in it.
    Conversation(Box<view::Conversation>),
    /// A conversation is not in this person's list any more. Every entry that they may see of it came before.
    Gone(ConversationId),
    /// The next entry of a conversation.
    Entry(Arc<Entry>),
    /// A message of this device is stored. Its entry comes, too, in its place.
    Sent(Sent),
    /// A message of this device was refused for good. Those behind it go on. It leaves the stored outbox once the next event
    /// is asked for: a process that dies before that sends it again, and tells of the refusal again.
    Rejected {
        /// Where it was to go.
        conversation: ConversationId,
        /// Which.
        client_id: ClientId,
        /// What it said.
        body: Body,
        /// Why.
        rejection: Rejection,
    },
    /// Somebody's cursors moved: one's own, or the other's in a direct conversation.
    Cursor(CursorMoved),
    /// Entries that should be there cannot be read; the conversation goes on once it changes again.
    Unreadable {
        /// Where.
        conversation: ConversationId,
        /// Why, for people.
        reason: String,
    },
    /// The server refused another frame than a message.
    Refused(frame::Error),
}
