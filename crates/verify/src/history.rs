//! What clients saw: the history that the checker holds the laws against.
//!
//! Written by whoever drives clients, in the order things happened to each device. Deliberately absent: judgement.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{Body, Code, ConversationId, Cursor, DeviceId, Entry, Identity, Kind, Position, UserId};
use protocol::frame::{Changes, CursorMoved};
use protocol::view::Peer;

/// One thing that happened to one device.
#[derive(Debug, Clone)]
pub enum Event {
    /// It asked to append something. A retry is not written again.
    Invoked {
        /// The submission.
        identity: Identity,
        /// What it would record.
        kind: Kind,
        /// What it says.
        body: Body,
    },
    /// It was told that its submission is stored.
    Acked {
        /// Which submission.
        identity: Identity,
        /// Where.
        position: Position,
    },
    /// It was told that its submission is refused for good.
    Refused {
        /// Which submission.
        identity: Identity,
        /// Why.
        code: Code,
    },
    /// A session of it went live, or was told that it is behind and caught up again.
    Live,
    /// An entry was pushed to it.
    Pushed(Arc<Entry>),
    /// It pulled an entry.
    Pulled(Arc<Entry>),
    /// It was told of somebody's cursors by a push.
    Cursor(Told),
    /// It asked what changed.
    SyncAsked,
    /// It was told what changed.
    Synced {
        /// The newest entries of what did.
        entries: Vec<Arc<Entry>>,
        /// Its person's cursors there, and the other's in a direct conversation.
        cursors: Vec<Told>,
    },
    /// Its connection ended.
    Gone,
}

/// How far somebody is said to be.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Whose cursors.
    pub user: UserId,
    /// How far.
    pub cursor: Cursor,
}

impl Event {
    /// A cursor was pushed.
    pub const fn cursor(moved: &CursorMoved) -> Self {
        Self::Cursor(Told { conversation: moved.conversation, user: moved.user, cursor: moved.cursor })
    }

    /// A sync of this person was answered.
    pub fn synced(user: UserId, changes: &Changes) -> Self {
        let mut cursors = vec![];
        for shown in &changes.conversations {
            let conversation = shown.id;
            cursors.push(Told { conversation, user, cursor: shown.cursor });
            let peer = shown.peer.as_ref();
            cursors.extend(peer.map(|Peer { user, cursor }| Told {
                conversation,
                user: *user,
                cursor: *cursor,
            }));
        }
        let entries = changes.conversations.iter().flat_map(|shown| shown.entries.iter().cloned()).collect();
        Self::Synced { entries, cursors }
    }

    /// The entries that it gave to the device.
    pub fn given(&self) -> &[Arc<Entry>] {
        match self {
            Self::Pushed(entry) | Self::Pulled(entry) => std::slice::from_ref(entry),
            Self::Synced { entries, .. } => entries,
            _ => &[],
        }
    }
}

/// What happened to every device. A clone is another handle to the same history.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Mutex<Devices>>);

type Devices = BTreeMap<(UserId, DeviceId), Vec<Event>>;

impl History {
    /// Something happened to a device.
    pub fn note(&self, user: UserId, device: DeviceId, event: Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((user, device)).or_default().push(event);
    }

    /// Everything that happened, by device.
    pub fn devices(&self) -> BTreeMap<(UserId, DeviceId), Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events of some sort there are.
    pub fn count(&self, sort: impl Fn(&Event) -> bool) -> usize {
        let devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.values().flatten().filter(|event| sort(event)).count()
    }
}
