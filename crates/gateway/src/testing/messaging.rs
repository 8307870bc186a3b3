//! A Messaging for tests: it appends in memory, knows who is registered, and delivers. It judges nothing but identity.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use contracts::records::{
    Announcement, Append, Audience, Command, Delivery, Event, Move, SessionChange, Stored,
};
use contracts::services::{CatchUp, PageEdge};
use domain::{Code, ConversationId, Cursor, Entry, Mark, Position, Rejection, SessionId, UserId};
use protocol::{frame, http, view};

use super::START;
use crate::Topics;

/// What it holds.
#[derive(Default)]
pub(crate) struct Messaging {
    logs: Mutex<BTreeMap<ConversationId, Vec<Arc<Entry>>>>,
    sessions: Mutex<Vec<(UserId, SessionId)>>,
    pub(crate) announced: Mutex<Vec<(SessionId, SessionChange)>>,
    /// What it refuses to append, by text.
    pub(crate) refusing: Mutex<Option<Rejection>>,
}

/// Lets it work on these topics.
pub(crate) fn run(messaging: &Arc<Messaging>, topics: &Topics) {
    let (this, topics) = (Arc::clone(messaging), topics.clone());
    let mut commands = topics.submit.subscribe("messaging").unwrap();
    let mut sessions = topics.sessions.subscribe("messaging").unwrap();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                taken = sessions.next(64) => for message in taken.unwrap_or_default() {
                    this.session(&topics, message.record).await;
                    sessions.commit(message.partition, message.offset + 1).await.unwrap();
                },
                taken = commands.next(64) => for message in taken.unwrap_or_default() {
                    match message.record {
                        Command::Append(append) => this.append(&topics, append).await,
                        Command::Move(moved) => this.moved(&topics, moved).await,
                    }
                    commands.commit(message.partition, message.offset + 1).await.unwrap();
                },
            }
        }
    });
}

/// Delivers one event to the lease of `session`.
pub(crate) async fn deliver(topics: &Topics, session: SessionId, event: Event) {
    let SessionId { slot, generation, .. } = session;
    topics.deliver.publish(Delivery { slot, generation, events: vec![event], traces: vec![] }).await.unwrap();
}

/// What a move asks for, in a log of messages only.
fn asked(delivered: Option<Position>, read: Option<Position>) -> Cursor {
    let mark = |position: Option<Position>| {
        position.map_or(Mark::START, |position| Mark::new(position, position.seq))
    };
    Cursor { delivered: mark(delivered), read: mark(read) }
}

impl Messaging {
    async fn session(&self, topics: &Topics, announcement: Announcement) {
        let Announcement { user, session, change, .. } = announcement;
        self.announced.lock().unwrap().push((session, change));
        match change {
            SessionChange::Began => {
                self.sessions.lock().unwrap().push((user, session));
                let echo = Event::Registered { session: session.number, large: vec![], refused: None };
                deliver(topics, session, echo).await;
            }
            SessionChange::Ended => self.sessions.lock().unwrap().retain(|(_, id)| *id != session),
            SessionChange::SignedOut => {
                deliver(topics, session, Event::SignedOut { device: announcement.device }).await;
            }
        }
    }

    /// The sessions of a conversation's people; of a group, everybody's.
    fn audience(&self, conversation: ConversationId) -> Vec<SessionId> {
        let sees = |user: UserId| {
            matches!(conversation, ConversationId::Group(_)) || conversation.peer(user).is_some()
        };
        self.sessions.lock().unwrap().iter().filter(|(user, _)| sees(*user)).map(|(_, id)| *id).collect()
    }

    async fn append(&self, topics: &Topics, append: Append) {
        let identity = append.submission.identity;
        let refused = self.refusing.lock().unwrap().clone();
        let result = refused.map_or_else(|| Ok(self.append_once(&append)), Err);
        if let Ok(entry) = &result {
            let to = self.audience(identity.conversation).iter().map(|id| id.number).collect();
            let except = Some(append.origin.number);
            let event = Event::Entry { entry: Arc::clone(entry), to: Audience::Sessions(to), except };
            deliver(topics, append.origin, event).await;
        }
        let result = result.map(|entry| Stored::from(&*entry));
        let (to, conversation, client_id) = (append.origin.number, identity.conversation, identity.client_id);
        deliver(topics, append.origin, Event::Outcome { to, conversation, client_id, result }).await;
    }

    fn append_once(&self, append: &Append) -> Arc<Entry> {
        let submission = &append.submission;
        let mut logs = self.logs.lock().unwrap();
        let log = logs.entry(submission.identity.conversation).or_default();
        if let Some(known) = log.iter().find(|entry| entry.identity() == submission.identity) {
            return Arc::clone(known);
        }
        let seq = log.len() as u64 + 1;
        let entry = Arc::new(Entry {
            conversation: submission.identity.conversation,
            position: Position::new(1, seq),
            kind: submission.kind.clone(),
            sender: submission.identity.sender,
            device: submission.identity.device,
            client_id: submission.identity.client_id,
            time: START,
            ordinal: seq,
            roster: Position::START,
            was: None,
            body: Some(submission.body.clone()),
        });
        log.push(Arc::clone(&entry));
        entry
    }

    async fn moved(&self, topics: &Topics, moved: Move) {
        let cursor = asked(moved.delivered, moved.read);
        let to = self.audience(moved.conversation).into_iter().map(|id| id.number);
        let to = to.filter(|number| *number != moved.origin.number).collect();
        let event = Event::Cursor { conversation: moved.conversation, user: moved.user, cursor, to };
        deliver(topics, moved.origin, event).await;
    }

    fn view(id: ConversationId, entries: Vec<Arc<Entry>>) -> view::Conversation {
        view::Conversation {
            id,
            kind: id.kind(),
            head: entries.last().map_or(Mark::START, |entry| entry.mark()),
            first: Position::START,
            time: Some(START),
            unread: 0,
            cursor: Cursor::default(),
            peer: None,
            group: None,
            entries,
        }
    }
}

#[async_trait]
impl CatchUp for Messaging {
    async fn sync(&self, _user: UserId, token: Option<&str>) -> Result<frame::Changes, Rejection> {
        if token == Some("bad") {
            return Err(Rejection::new(Code::BadRequest, "no such token"));
        }
        let logs = self.logs.lock().unwrap();
        let conversations = logs.iter().map(|(id, log)| Self::view(*id, log.clone())).collect();
        Ok(frame::Changes { token: "next".to_owned(), more: false, reset: token.is_none(), conversations })
    }

    async fn conversations(
        &self,
        _user: UserId,
        _page: Option<&str>,
    ) -> Result<http::Conversations, Rejection> {
        let logs = self.logs.lock().unwrap();
        let conversations = logs.iter().map(|(id, log)| Self::view(*id, log.clone())).collect();
        Ok(http::Conversations { conversations, next: None })
    }

    async fn conversation(&self, _user: UserId, id: ConversationId) -> Result<view::Conversation, Rejection> {
        Ok(Self::view(id, self.logs.lock().unwrap().get(&id).cloned().unwrap_or_default()))
    }

    async fn entries(
        &self,
        _user: UserId,
        conversation: ConversationId,
        edge: PageEdge,
        limit: usize,
    ) -> Result<http::Entries, Rejection> {
        let log = self.logs.lock().unwrap().get(&conversation).cloned().ok_or_else(Rejection::not_found)?;
        let as_of = log.last().map_or(Position::START, |entry| entry.position);
        let mut entries: Vec<Arc<Entry>> = log
            .into_iter()
            .filter(|entry| match edge {
                PageEdge::After(after) => entry.position > after,
                PageEdge::Before(before) => entry.position < before,
            })
            .collect();
        let more = entries.len() > limit;
        match edge {
            PageEdge::After(_) => entries.truncate(limit),
            PageEdge::Before(_) => drop(entries.drain(..entries.len().saturating_sub(limit))),
        }
        Ok(http::Entries { entries, as_of, more })
    }

    async fn cursors(&self, user: UserId, _conversation: ConversationId) -> Result<http::Cursors, Rejection> {
        Ok(http::Cursors { cursors: vec![http::MemberCursor { user, cursor: Cursor::default() }] })
    }

    async fn moved(
        &self,
        _user: UserId,
        conversation: ConversationId,
        delivered: Option<Position>,
        read: Option<Position>,
    ) -> Result<Cursor, Rejection> {
        let logs = self.logs.lock().unwrap();
        let log = logs.get(&conversation).map_or(&[][..], Vec::as_slice);
        let is_there = |position| log.iter().any(|entry| entry.position == position);
        if !delivered.into_iter().chain(read).all(is_there) {
            return Err(Rejection::new(Code::BadRequest, "no such entry"));
        }
        Ok(asked(delivered, read))
    }

    async fn members(
        &self,
        _user: UserId,
        _conversation: ConversationId,
        _after: Option<UserId>,
    ) -> Result<http::Members, Rejection> {
        Ok(http::Members { members: vec![], as_of: Position::START, next: None })
    }
}
