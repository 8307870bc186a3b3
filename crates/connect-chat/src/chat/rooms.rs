//! The conversations as this program knows them: names, unread counts, how far the other is, what waits to be sent. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use client::protocol::frame::{CursorMoved, Sent};
use client::protocol::view::{Conversation, Group};
use domain::{ClientId, Content, ConversationId, Cursor, Entry, Mark, Position, Timestamp, UserId};

use super::outgoing::{Fate, Outgoing};
use super::words::content;

/// Entries remembered of each conversation, for when the server cannot be asked.
const ENTRIES_MAX: usize = 100;

/// One conversation.
#[derive(Default)]
pub(super) struct Room {
    /// What a group is called.
    pub(super) name: Option<String>,
    /// What this person is in a group, and how many are in it, as the server told last.
    pub(super) group: Option<Group>,
    pub(super) unread: u64,
    pub(super) head: Mark,
    /// When the newest entry was appended.
    pub(super) time: Timestamp,
    /// The newest entries that came, without a hole.
    pub(super) newest: VecDeque<Arc<Entry>>,
    /// How far the other of a direct conversation is.
    pub(super) peer: Cursor,
    /// What was said here and is not an entry yet.
    pub(super) outgoing: Vec<Outgoing>,
}

/// How far a message of one's own got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tick {
    Queued,
    Stored,
    Delivered,
    Read,
}

impl Tick {
    /// What it looks like. What it means is in the help.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Queued => "○",
            Self::Stored => "✓",
            Self::Delivered => "✓✓",
            Self::Read => "✔✔",
        }
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Rooms(HashMap<ConversationId, Room>);

impl Room {
    /// How far the message at this position got: one's own, which is stored.
    pub(super) fn tick(&self, at: Position) -> Tick {
        match self.peer {
            cursor if cursor.read.position >= at => Tick::Read,
            cursor if cursor.delivered.position >= at => Tick::Delivered,
            _ => Tick::Stored,
        }
    }

    /// The person looks at its end.
    pub(super) const fn seen(&mut self) {
        self.unread = 0;
    }
}

impl Rooms {
    pub(super) fn get(&self, id: ConversationId) -> Option<&Room> {
        self.0.get(&id)
    }

    /// The room, which is made if there is none.
    pub(super) fn room(&mut self, id: ConversationId) -> &mut Room {
        self.0.entry(id).or_default()
    }

    pub(super) fn remove(&mut self, id: ConversationId) {
        self.0.remove(&id);
    }

    /// Those that are known, newest first.
    pub(super) fn all(&self) -> Vec<ConversationId> {
        newest_first(self.0.iter())
    }

    /// The groups of this name, newest first.
    pub(super) fn groups(&self, name: &str) -> Vec<ConversationId> {
        newest_first(self.0.iter().filter(|(_, room)| room.name.as_deref() == Some(name)))
    }

    /// What waits to be sent, in all of them.
    pub(super) fn waiting(&self) -> usize {
        let outgoing = self.0.values().flat_map(|room| &room.outgoing);
        outgoing.filter(|outgoing| outgoing.fate == Fate::Waiting).count()
    }

    /// What was refused and neither sent again nor dropped.
    pub(super) fn refused(&self) -> impl Iterator<Item = (ConversationId, &Outgoing)> {
        let all = self.0.iter().flat_map(|(id, room)| room.outgoing.iter().map(|outgoing| (*id, outgoing)));
        all.filter(|(_, outgoing)| outgoing.is_refused())
    }

    /// The server showed a conversation.
    pub(super) fn shown(&mut self, view: &Conversation) {
        let room = self.room(view.id);
        if let Some(group) = &view.group {
            room.name = Some(group.name.clone());
            room.group = Some(group.clone());
        }
        if let Some(peer) = &view.peer {
            room.peer = room.peer.merge(peer.cursor);
        }
        room.head = room.head.max(view.head);
        room.time = room.time.max(view.time.unwrap_or_default());
        room.unread = view.unread;
    }

    /// The next entry came. `seen`: a person looks at the end of the conversation.
    pub(super) fn entry(&mut self, entry: &Arc<Entry>, me: UserId, seen: bool) {
        let room = self.room(entry.conversation);
        let new = entry.position > room.head.position;
        room.head = room.head.max(entry.mark());
        room.time = room.time.max(entry.time);
        if entry.kind.is_message() && entry.sender != me && new && !seen {
            room.unread += 1;
        }
        if let Some(Content::Created(content)) = content(entry) {
            room.name = Some(content.name);
        } else if let Some(Content::Renamed(content)) = content(entry) {
            room.name = Some(content.name);
        }
        if entry.sender == me {
            room.outgoing.retain(|outgoing| outgoing.client_id != entry.client_id);
        }
        if room.newest.back().is_none_or(|newest| newest.position < entry.position) {
            room.newest.push_back(Arc::clone(entry));
        }
        if room.newest.len() > ENTRIES_MAX {
            room.newest.pop_front();
        }
    }

    /// Somebody's cursors moved: one's own on another device, or the other's in a direct conversation.
    pub(super) fn moved(&mut self, moved: &CursorMoved, me: UserId) {
        let room = self.room(moved.conversation);
        if moved.user != me {
            room.peer = room.peer.merge(moved.cursor);
        } else if moved.cursor.read.position >= room.head.position {
            room.seen();
        } else {
            room.unread = room.unread.min(room.head.ordinal.saturating_sub(moved.cursor.read.ordinal));
        }
    }

    /// A message was put in the outbox.
    pub(super) fn said(&mut self, id: ConversationId, outgoing: Outgoing) {
        self.room(id).outgoing.push(outgoing);
    }

    /// A message is stored; its entry comes, too.
    pub(super) fn stored(&mut self, sent: &Sent) {
        self.fate(sent.conversation, sent.client_id, Fate::Stored);
    }

    /// A message was refused for good.
    pub(super) fn refuse(&mut self, id: ConversationId, client_id: ClientId, why: String) {
        self.fate(id, client_id, Fate::Refused(why));
    }

    fn fate(&mut self, id: ConversationId, client_id: ClientId, fate: Fate) {
        let mut outgoing = self.room(id).outgoing.iter_mut();
        if let Some(outgoing) = outgoing.find(|outgoing| outgoing.client_id == client_id) {
            outgoing.fate = fate;
        }
    }

    /// The oldest message that was refused here.
    pub(super) fn first_refused(&self, id: ConversationId) -> Option<&Outgoing> {
        self.0.get(&id)?.outgoing.iter().find(|outgoing| outgoing.is_refused())
    }

    /// A message that was refused is sent again under another id, or not wanted any more.
    pub(super) fn drop_refused(&mut self, id: ConversationId, client_id: ClientId) {
        self.room(id).outgoing.retain(|outgoing| outgoing.client_id != client_id);
    }
}

fn newest_first<'a>(rooms: impl Iterator<Item = (&'a ConversationId, &'a Room)>) -> Vec<ConversationId> {
    let newest = |room: &Room| room.time.max(room.outgoing.last().map_or(room.time, Outgoing::time));
    let mut ids: Vec<_> = rooms.map(|(id, room)| (std::cmp::Reverse(newest(room)), *id)).collect();
    ids.sort_unstable();
    ids.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use domain::{Cursor, Mark};

    use super::super::samples::{at, direct, message, user};
    use super::*;

    fn moved(by: u8, delivered: u64, read: u64) -> CursorMoved {
        let mark = |seq| Mark::new(at(seq), seq);
        let cursor = Cursor { delivered: mark(delivered), read: mark(read) };
        CursorMoved { conversation: direct(), user: user(by), cursor }
    }

    #[test]
    fn only_what_others_said_while_nobody_looked_is_unread() {
        let mut rooms = Rooms::default();
        for (seq, sender, seen) in [(1, 2, false), (2, 1, false), (3, 2, true), (4, 2, false), (4, 2, false)]
        {
            rooms.entry(&message(seq, sender, "x"), user(1), seen);
        }
        assert_eq!(rooms.room(direct()).unread, 2);
    }

    #[test]
    fn what_was_read_on_another_device_is_still_unread_here() {
        let mut rooms = Rooms::default();
        for seq in 1..=5 {
            rooms.entry(&message(seq, 2, "x"), user(1), false);
        }
        rooms.moved(&moved(1, 5, 3), user(1));
        assert_eq!(rooms.room(direct()).unread, 2);
        rooms.moved(&moved(1, 5, 5), user(1));
        assert_eq!(rooms.room(direct()).unread, 0);
    }

    #[test]
    fn a_message_of_ones_own_has_the_tick_of_another() {
        let mut rooms = Rooms::default();
        rooms.moved(&moved(2, 3, 2), user(1));
        let room = rooms.room(direct());
        assert_eq!([2, 3, 4].map(|seq| room.tick(at(seq))), [Tick::Read, Tick::Delivered, Tick::Stored]);
    }

    #[test]
    fn a_message_is_shown_twice_once_it_is_an_entry() {
        let mut rooms = Rooms::default();
        let entry = message(1, 1, "x");
        rooms.said(direct(), Outgoing::waiting(entry.client_id, "x"));
        assert_eq!(rooms.waiting(), 1);
        rooms.entry(&entry, user(1), true);
        assert!(rooms.room(direct()).outgoing.is_empty());
    }
}
