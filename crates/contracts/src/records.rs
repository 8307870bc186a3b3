//! The records of the bus: commands to Messaging, deliveries to gateways, sessions that begin and end.

use std::sync::Arc;

use bus::{Record, partition_of};
use domain::{
    ClientId, ConversationId, Cursor, DeviceId, Entry, Generation, Position, Rejection, SessionId, Slot,
    Submission, Timestamp, UserId,
};

use crate::trace::Trace;

/// Topic `submit`, keyed by conversation: what Messaging is asked to do to a conversation.
#[derive(Debug, Clone)]
pub enum Command {
    /// Append an entry.
    Append(Append),
    /// Move a member's cursors.
    Move(Move),
}

/// A submission and who waits for its outcome.
#[derive(Debug, Clone)]
pub struct Append {
    /// What to append.
    pub submission: Submission,
    /// The session, or the gateway's request, that is told the outcome. Its session is given `sent`, not `entry`.
    pub origin: SessionId,
    /// Where it is in its trace, if it is traced.
    pub trace: Option<Box<Trace>>,
}

/// A cursor move.
#[derive(Debug, Clone)]
pub struct Move {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Whose cursors.
    pub user: UserId,
    /// Delivered up to here.
    pub delivered: Option<Position>,
    /// Read up to here.
    pub read: Option<Position>,
    /// The session, or the gateway's request, that asked.
    pub origin: SessionId,
}

impl Command {
    /// The conversation it is for: its key.
    pub const fn conversation(&self) -> ConversationId {
        match self {
            Self::Append(append) => append.submission.identity.conversation,
            Self::Move(moved) => moved.conversation,
        }
    }
}

impl Record for Command {
    const TOPIC: &'static str = "submit";

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.conversation().to_key(), partitions)
    }

    fn size_bytes(&self) -> usize {
        match self {
            Self::Append(append) => append.submission.size_bytes(),
            Self::Move(_) => 160,
        }
    }
}

/// Topic `deliver`, keyed by slot: what a gateway hands to its sessions, in order.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// To the gateway that holds this slot,
    pub slot: Slot,
    /// under this lease; a gateway of a later one drops it.
    pub generation: Generation,
    /// What to hand over. Sessions are named by their number within the lease.
    pub events: Vec<Event>,
    /// Where the traced messages are that these events come from.
    pub traces: Vec<Trace>,
}

/// One thing to hand to sessions.
#[derive(Debug, Clone)]
pub enum Event {
    /// A session's or request's submission was appended, or was known already, or was refused.
    Outcome {
        /// The session or request.
        to: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Which submission.
        client_id: ClientId,
        /// Where it is, or why not.
        result: Result<Stored, Rejection>,
    },
    /// An entry was appended.
    Entry {
        /// The entry.
        entry: Arc<Entry>,
        /// For whom.
        to: Audience,
        /// The session that is given `sent` instead.
        except: Option<u64>,
    },
    /// Somebody's cursors moved.
    Cursor {
        /// In which conversation.
        conversation: ConversationId,
        /// Whose.
        user: UserId,
        /// How far.
        cursor: Cursor,
        /// The sessions to tell.
        to: Vec<u64>,
    },
    /// A session's cursor move was refused.
    MoveRefused {
        /// The session; nobody, if a request asked.
        to: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Which cursor.
        moved: Moved,
        /// Why.
        rejection: Rejection,
    },
    /// A session is registered: from here on, what happens is delivered to it.
    Registered {
        /// The session.
        session: u64,
        /// The large groups that its user is in.
        large: Vec<LargeGroup>,
        /// Why it could not be registered, if so.
        refused: Option<Rejection>,
    },
    /// The group is large, and these local sessions are of members that the slot has not held it for: everybody's when
    /// the group becomes large, later those of people who join. Comes before the entry that brings it about. If the slot
    /// holds a newer roster of the group, these sessions are announced anew instead.
    Large {
        /// Which group.
        conversation: ConversationId,
        /// The roster that this holds for: the newest membership entry before the one that brings it about.
        roster: Position,
        /// The sessions, each with the first entry that it may be given.
        members: Vec<(u64, Position)>,
    },
    /// These sessions missed something.
    Lagged {
        /// Which.
        to: Vec<u64>,
    },
    /// The device was signed out: its sessions end.
    SignedOut {
        /// Which.
        device: DeviceId,
    },
}

/// Which of a member's cursors was to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// How far it was delivered.
    Delivered,
    /// How far it was read.
    Read,
}

impl Moved {
    /// The `type` of the frame that asks for it.
    pub const fn frame(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

/// Where a submission is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the log.
    pub position: Position,
    /// Messages in the log up to it.
    pub ordinal: u64,
    /// When it was appended.
    pub time: Timestamp,
}

impl From<&Entry> for Stored {
    fn from(entry: &Entry) -> Self {
        Self { position: entry.position, ordinal: entry.ordinal, time: entry.time }
    }
}

/// Whom a gateway hands an entry to.
#[derive(Debug, Clone)]
pub enum Audience {
    /// These sessions.
    Sessions(Vec<u64>),
    /// Its own sessions of the group's members, by the roster that it holds. It must hold the one before the entry, or
    /// it missed a membership entry: then those sessions are lagged and registered anew.
    Members {
        /// The roster that the entry was decided by: the newest membership entry before it.
        roster_before: Position,
    },
}

/// A large group that a session's user is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeGroup {
    /// Which.
    pub conversation: ConversationId,
    /// The roster that this was read from.
    pub roster: Position,
    /// The first entry that the member may be given.
    pub from: Position,
}

impl Record for Delivery {
    const TOPIC: &'static str = "deliver";

    fn partition(&self, partitions: u32) -> u32 {
        u32::from(self.slot.0) % partitions.max(1)
    }

    fn size_bytes(&self) -> usize {
        self.events.iter().map(Event::size_bytes).sum::<usize>() + size_of_val(&*self.traces) + 64
    }
}

impl Event {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Entry { entry, to: Audience::Sessions(to), .. } => entry.size_bytes() + 8 * to.len(),
            Self::Entry { entry, .. } => entry.size_bytes(),
            Self::Cursor { to, .. } | Self::Lagged { to } => 160 + 8 * to.len(),
            Self::Registered { large, .. } => 64 + 64 * large.len(),
            Self::Large { members, .. } => 64 + 24 * members.len(),
            Self::Outcome { .. } | Self::MoveRefused { .. } | Self::SignedOut { .. } => 160,
        }
    }
}

/// Topic `sessions`, keyed by user: sessions that begin and end.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Whose.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Which session.
    pub session: SessionId,
    /// What happened.
    pub change: SessionChange,
}

/// What happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionChange {
    /// It said hello, or has to be registered anew. It is live once its registration is echoed.
    Began,
    /// It ended, in whatever way.
    Ended,
    /// Its device was signed out: every session of the device ends.
    SignedOut,
}

impl Record for Announcement {
    const TOPIC: &'static str = "sessions";

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.user.as_bytes(), partitions)
    }

    fn size_bytes(&self) -> usize {
        96
    }
}
