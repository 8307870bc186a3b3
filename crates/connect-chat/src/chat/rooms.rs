//! The conversations as this program knows them: names, unread counts, ticks. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use client::protocol::frame::CursorMoved;
use client::protocol::view::Conversation;
use domain::{Content, ConversationId, Entry, Kind, Position, UserId};

/// Entries remembered of each conversation, for when the server cannot be asked.
const ENTRIES_MAX: usize = 100;

/// One conversation.
#[derive(Default)]
pub(super) struct Room {
    /// What a group is called.
    pub(super) name: Option<String>,
    pub(super) unread: u64,
    pub(super) head: Position,
    pub(super) newest: VecDeque<Arc<Entry>>,
    /// The oldest entry that was shown: what `/back` goes on from.
    pub(super) shown_from: Option<Position>,
    /// The newest message of one's own that is stored.
    own: Position,
    /// How far the other was, when that was told last.
    told: Option<(Position, Tick)>,
}

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tick {
    Delivered,
    Read,
}

/// All of them.
#[derive(Default)]
pub(super) struct Rooms(HashMap<ConversationId, Room>);

impl Rooms {
    pub(super) fn get(&mut self, id: ConversationId) -> &mut Room {
        self.0.entry(id).or_default()
    }

    pub(super) fn remove(&mut self, id: ConversationId) {
        self.0.remove(&id);
    }

    /// The group of this name.
    pub(super) fn named(&self, name: &str) -> Option<ConversationId> {
        self.0.iter().find(|(_, room)| room.name.as_deref() == Some(name)).map(|(id, _)| *id)
    }

    /// Those that are known, newest first by what was heard.
    pub(super) fn all(&self) -> Vec<ConversationId> {
        let time = |id: &ConversationId| self.0[id].newest.back().map(|entry| entry.time);
        let mut ids: Vec<_> = self.0.keys().copied().collect();
        ids.sort_by_key(|id| std::cmp::Reverse(time(id)));
        ids
    }

    /// The server showed a conversation.
    pub(super) fn shown(&mut self, view: &Conversation) {
        let room = self.get(view.id);
        if let Some(group) = &view.group {
            room.name = Some(group.name.clone());
        }
        room.head = room.head.max(view.head.position);
        room.unread = view.unread;
    }

    /// The next entry came. `open`: a person looks at the conversation.
    pub(super) fn entry(&mut self, entry: &Arc<Entry>, me: UserId, open: bool) {
        let room = self.get(entry.conversation);
        let new = entry.position > room.head;
        room.head = room.head.max(entry.position);
        if entry.kind.is_message() && entry.sender != me && new && !open {
            room.unread += 1;
        }
        if entry.sender == me && entry.kind.is_message() {
            room.own = room.own.max(entry.position);
        }
        if let Some(Content::Created(content)) = content(entry) {
            room.name = Some(content.name);
        } else if let Some(Content::Renamed(content)) = content(entry) {
            room.name = Some(content.name);
        }
        room.newest.push_back(Arc::clone(entry));
        if room.newest.len() > ENTRIES_MAX {
            room.newest.pop_front();
        }
    }

    /// Somebody's cursors moved: the tick that is new with it, if one's newest message has it now.
    pub(super) fn ticked(&mut self, moved: &CursorMoved) -> Option<Tick> {
        let room = self.get(moved.conversation);
        let own = room.own;
        let tick = match moved.cursor {
            _ if own == Position::START => return None,
            cursor if cursor.read.position >= own => Tick::Read,
            cursor if cursor.delivered.position >= own => Tick::Delivered,
            _ => return None,
        };
        let new = room.told.is_none_or(|told| told < (own, tick));
        if new {
            room.told = Some((own, tick));
        }
        new.then_some(tick)
    }
}

/// What an entry says, if this version can read it.
pub(super) fn content(entry: &Entry) -> Option<Content> {
    Content::parse(&entry.kind, entry.body.as_ref()?.as_str()).ok()
}

/// The text of a message.
pub(super) fn text(entry: &Entry) -> Option<String> {
    match (&entry.kind, content(entry)) {
        (_, Some(Content::Message(message))) => Some(message.text),
        (Kind::Message, None) => Some("(erased)".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::{Cursor, Mark, Region};

    use super::*;

    fn user(n: u8) -> UserId {
        UserId::new(Region::ONLY, [n; 15])
    }

    fn entry(seq: u64, sender: u8) -> Arc<Entry> {
        Arc::new(Entry {
            conversation: ConversationId::direct(user(1), user(2)),
            position: Position::new(1, seq),
            kind: Kind::Message,
            sender: user(sender),
            device: domain::DeviceId::new(Region::ONLY, [1; 15]),
            client_id: domain::ClientId::new(seq, [1; 10]),
            time: domain::Timestamp::default(),
            ordinal: seq,
            roster: Position::START,
            was: None,
            body: Some(Content::message("x").to_body()),
        })
    }

    fn moved(delivered: u64, read: u64) -> CursorMoved {
        let mark = |seq| Mark::new(Position::new(1, seq), seq);
        CursorMoved {
            conversation: entry(1, 1).conversation,
            user: user(2),
            cursor: Cursor { delivered: mark(delivered), read: mark(read) },
        }
    }

    #[test]
    fn only_what_others_said_while_nobody_looked_is_unread() {
        let mut rooms = Rooms::default();
        for (seq, sender, open) in [(1, 2, false), (2, 1, false), (3, 2, true), (4, 2, false), (4, 2, false)]
        {
            rooms.entry(&entry(seq, sender), user(1), open);
        }
        assert_eq!(rooms.get(entry(1, 1).conversation).unread, 2);
    }

    #[test]
    fn a_tick_is_told_once_and_only_for_what_was_said() {
        let mut rooms = Rooms::default();
        assert_eq!(rooms.ticked(&moved(5, 5)), None);
        rooms.entry(&entry(3, 1), user(1), true);
        assert_eq!(rooms.ticked(&moved(2, 2)), None);
        assert_eq!(rooms.ticked(&moved(3, 2)), Some(Tick::Delivered));
        assert_eq!(rooms.ticked(&moved(3, 2)), None);
        assert_eq!(rooms.ticked(&moved(3, 3)), Some(Tick::Read));
        assert_eq!(rooms.ticked(&moved(3, 3)), None);
    }
}
