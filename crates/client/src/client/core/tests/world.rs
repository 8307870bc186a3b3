//! A server in a few lines, with logs, identities, sync tokens and pages, for the property tests of the core.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::{
    ClientId, Code, Content, ConversationId, Cursor, DeviceId, Entry, Kind, Mark, Position, Region,
    Rejection, Timestamp, UserId,
};
use protocol::frame::{self, Changes, FromServer, Send, Sent, Welcome};
use protocol::http::Entries;
use protocol::view::Conversation;

pub(super) fn user(n: u8) -> UserId {
    UserId::new(Region::ONLY, [n; 15])
}

pub(super) fn device(n: u8) -> DeviceId {
    DeviceId::new(Region::ONLY, [n; 15])
}

/// Two direct conversations and two groups.
pub(super) fn conversation(n: u8) -> ConversationId {
    match n % 4 {
        0 => ConversationId::direct(user(1), user(2)),
        1 => ConversationId::direct(user(1), user(3)),
        n => ConversationId::group(Region::ONLY, user(2), device(9), ClientId::new(1, [n; 10])),
    }
}

#[derive(Default)]
pub(super) struct Log {
    /// Each with whether device 1 of user 1 may see it.
    entries: Vec<(Arc<Entry>, bool)>,
    stamp: u64,
}

impl Log {
    pub(super) fn visible(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter().filter(|(_, visible)| *visible).map(|(entry, _)| entry)
    }
}

#[derive(Default)]
pub(super) struct World {
    pub(super) logs: BTreeMap<ConversationId, Log>,
    identities: HashMap<ClientId, Sent>,
    stamp: u64,
    /// Lists that are being paged, each with the token that stands at its end.
    lists: Vec<(Vec<ConversationId>, u64)>,
    /// Tokens of another incarnation are not known.
    pub(super) incarnation: u64,
}

pub(super) const PAGE: usize = 3;

impl World {
    /// Appends an entry of somebody else, or of another device of user 1.
    pub(super) fn append(&mut self, id: ConversationId, sender: u8, kind: Kind, visible: bool) -> Arc<Entry> {
        let group = matches!(id, ConversationId::Group(_));
        let kind = if group || !kind.is_membership() { kind } else { Kind::Message };
        let text = format!("{sender} says {}", self.stamp);
        let client_id = ClientId::new(self.stamp, [sender; 10]);
        self.push(id, (user(sender), device(sender + 100)), client_id, kind, Content::message(text), visible)
    }

    fn push(
        &mut self,
        id: ConversationId,
        (sender, device): (UserId, DeviceId),
        client_id: ClientId,
        kind: Kind,
        content: Content,
        visible: bool,
    ) -> Arc<Entry> {
        self.stamp += 1;
        let log = self.logs.entry(id).or_default();
        log.stamp = self.stamp;
        let last = log.entries.last().map(|(entry, _)| entry);
        let group = matches!(id, ConversationId::Group(_));
        let kind = if last.is_none() && group { Kind::Created } else { kind };
        let position = Position::new(1, log.entries.len() as u64 + 1);
        let before = last.map_or(Position::START, |entry| entry.roster);
        let entry = Arc::new(Entry {
            conversation: id,
            position,
            sender,
            device,
            client_id,
            time: Timestamp::from_unix_ms(self.stamp),
            ordinal: last.map_or(0, |entry| entry.ordinal) + u64::from(kind.is_message()),
            roster: if kind.is_membership() { position } else { before },
            was: None,
            body: Some(content.to_body()),
            kind,
        });
        log.entries.push((Arc::clone(&entry), visible));
        entry
    }

    pub(super) fn welcome(&self) -> FromServer {
        FromServer::Welcome(Box::new(Welcome {
            user: user(1),
            device: device(1),
            session: "s".into(),
            time: Timestamp::from_unix_ms(self.stamp),
            token_expires: Timestamp::from_unix_ms(self.stamp + 600_000),
            limits: Default::default(),
        }))
    }

    /// Law 2 and `after`, as the server keeps them.
    pub(super) fn send(&mut self, send: &Send, busy: bool) -> FromServer {
        let refuse = |code| {
            FromServer::Error(frame::Error {
                error: Rejection::new(code, "no"),
                client_id: Some(send.client_id),
                conversation: Some(send.conversation),
                frame: Some("send".into()),
            })
        };
        if let Some(sent) = self.identities.get(&send.client_id) {
            return FromServer::Sent(sent.clone());
        }
        if busy {
            return refuse(Code::Unavailable);
        }
        if send.after.is_some_and(|after| !self.identities.contains_key(&after)) {
            return refuse(Code::OutOfOrder);
        }
        if send.body.get().contains("forbidden") {
            return refuse(Code::NotAMember);
        }
        let content = Content::parse(&Kind::Message, send.body.get()).unwrap();
        let by = (user(1), device(1));
        // A group that nobody has made yet begins with its creation.
        if matches!(send.conversation, ConversationId::Group(_))
            && !self.logs.contains_key(&send.conversation)
        {
            self.append(send.conversation, 2, Kind::Created, true);
        }
        let entry = self.push(send.conversation, by, send.client_id, Kind::Message, content, true);
        let sent = Sent {
            conversation: send.conversation,
            client_id: send.client_id,
            position: entry.position,
            ordinal: entry.ordinal,
            time: entry.time,
        };
        self.identities.insert(send.client_id, sent.clone());
        FromServer::Sent(sent)
    }

    /// `sync`: a page of what changed. Tokens are `incarnation:stamp`, or `incarnation:list/from` in the middle of a list.
    pub(super) fn sync(&mut self, token: Option<&str>) -> Changes {
        let number = |text: &str| text.parse::<u64>().unwrap();
        let known = token.and_then(|token| token.split_once(':'));
        let known =
            known.filter(|(incarnation, _)| number(incarnation) == self.incarnation).map(|(_, rest)| rest);
        let (list, from, reset) = match known.and_then(|known| known.split_once('/')) {
            Some((list, from)) => (number(list) as usize, number(from) as usize, false),
            None => {
                let since = known.map_or(0, number);
                let changed = self.logs.iter().filter(|(_, log)| log.stamp > since);
                let mut changed: Vec<_> = changed.filter(|(_, log)| log.visible().count() > 0).collect();
                changed.sort_by_key(|(_, log)| std::cmp::Reverse(log.stamp));
                self.lists.push((changed.into_iter().map(|(id, _)| *id).collect(), self.stamp));
                (self.lists.len() - 1, 0, known.is_none() && token.is_some())
            }
        };
        let (ids, end) = &self.lists[list];
        let page = ids.iter().skip(from).take(2);
        let more = from + 2 < ids.len();
        let rest = if more { format!("{list}/{}", from + 2) } else { end.to_string() };
        Changes {
            token: format!("{}:{rest}", self.incarnation),
            more,
            reset,
            conversations: page.map(|id| self.view(*id)).collect(),
        }
    }

    fn view(&self, id: ConversationId) -> Conversation {
        let visible: Vec<_> = self.logs[&id].visible().cloned().collect();
        let newest = visible.iter().skip(visible.len().saturating_sub(PAGE)).cloned();
        // Bounded in bytes: sometimes there is room for none.
        let entries = if visible.len() % 5 == 4 { Vec::new() } else { newest.collect() };
        Conversation {
            id,
            kind: id.kind(),
            head: visible.last().map_or(Mark::START, |entry| entry.mark()),
            first: visible.first().map_or(Position::START, |entry| entry.position),
            time: visible.last().map(|entry| entry.time),
            unread: 0,
            cursor: Cursor::default(),
            peer: None,
            group: None,
            entries,
        }
    }

    /// A page of history.
    pub(super) fn page(&self, id: ConversationId, after: Position) -> Entries {
        let visible = self.logs.get(&id).into_iter().flat_map(Log::visible);
        let following: Vec<_> = visible.filter(|entry| entry.position > after).cloned().collect();
        Entries {
            as_of: following.last().map_or(after, |entry| entry.position),
            more: following.len() > PAGE,
            entries: following.into_iter().take(PAGE).collect(),
        }
    }
}
