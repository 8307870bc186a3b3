//! A log that is a list, and rows in memory whose calls are counted and can be made to fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use contracts::NoFailPoints;
use contracts::services::{Groups, Log};
use domain::content::{Created, Users};
use domain::{
    ClientId, Content, ConversationId, DeviceId, Entry, Head, Member, PortError, Position, Region, Roster,
    Timestamp, UserId,
};
use service_group::{Config, Service};
use store_group::{Group, GroupStore, Link, ProjectError, memory};

pub(crate) const GROUP: ConversationId = ConversationId::Group([3; 16]);

pub(crate) fn user(n: u32) -> UserId {
    let mut random = [0; 15];
    random[..4].copy_from_slice(&n.to_be_bytes());
    UserId::new(Region(1), random)
}

pub(crate) fn users(numbers: impl IntoIterator<Item = u32>) -> Vec<UserId> {
    numbers.into_iter().map(user).collect()
}

pub(crate) fn created(name: &str, numbers: impl IntoIterator<Item = u32>) -> Content {
    Content::Created(Created { name: name.into(), users: users(numbers), history: false })
}

pub(crate) fn joined(numbers: impl IntoIterator<Item = u32>) -> Content {
    Content::Joined(Users { users: users(numbers) })
}

pub(crate) fn removed(numbers: impl IntoIterator<Item = u32>) -> Content {
    Content::Removed(Users { users: users(numbers) })
}

/// The logs of all conversations.
#[derive(Default)]
pub(crate) struct Book {
    logs: Mutex<BTreeMap<ConversationId, Vec<Arc<Entry>>>>,
    pub(crate) reads: AtomicUsize,
}

impl Book {
    /// Appends an entry by user 0.
    pub(crate) fn append(&self, content: &Content) -> Arc<Entry> {
        self.append_by(GROUP, user(0), content)
    }

    pub(crate) fn append_by(
        &self,
        conversation: ConversationId,
        sender: UserId,
        content: &Content,
    ) -> Arc<Entry> {
        let mut logs = self.logs.lock().expect("nothing panics while it holds the logs");
        let log = logs.entry(conversation).or_default();
        let head = log.last().map(|entry| entry.head()).unwrap_or_default();
        let position = Position::new(1, head.position.seq + 1);
        let kind = content.kind();
        let entry = Arc::new(Entry {
            conversation,
            position,
            sender,
            device: DeviceId::new(Region(1), [9; 15]),
            client_id: ClientId::new(position.seq, [0; 10]),
            time: Timestamp::from_unix_ms(position.seq),
            ordinal: head.ordinal + u64::from(kind.is_message()),
            roster: if kind.is_membership() { position } else { head.roster },
            kind,
            was: None,
            body: Some(content.to_body()),
        });
        log.push(Arc::clone(&entry));
        entry
    }

    /// What the log of the group makes of the roster.
    pub(crate) fn roster(&self) -> Roster {
        let mut roster = Roster::initial(&GROUP);
        self.log(GROUP).iter().for_each(|entry| roster.apply(entry));
        roster
    }

    pub(crate) fn log(&self, conversation: ConversationId) -> Vec<Arc<Entry>> {
        let logs = self.logs.lock().expect("nothing panics while it holds the logs");
        logs.get(&conversation).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Log for Book {
    async fn head(&self, conversation: ConversationId) -> Result<Head, PortError> {
        Ok(self.log(conversation).last().map(|entry| entry.head()).unwrap_or_default())
    }

    async fn projected(
        &self,
        conversation: ConversationId,
        after: Position,
    ) -> Result<Vec<Arc<Entry>>, PortError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut log = self.log(conversation);
        log.retain(|entry| entry.position > after && entry.kind.is_membership());
        Ok(log)
    }
}

type Hook = Box<dyn FnOnce() + Send>;

/// Rows in memory.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) store: memory::Store,
    /// Pages of members that were read.
    pub(crate) pages: AtomicUsize,
    /// All calls.
    pub(crate) calls: AtomicUsize,
    /// No projection can be written.
    pub(crate) stuck: AtomicBool,
    /// Done once, before the next page of members is read.
    pub(crate) before_page: Mutex<Option<Hook>>,
}

#[async_trait]
impl GroupStore for Rows {
    async fn group(&self, conversation: ConversationId) -> Result<Option<Group>, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.store.group(conversation).await
    }

    async fn member(&self, conversation: ConversationId, user: UserId) -> Result<Option<Member>, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.member(conversation, user).await
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Member)>, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.pages.fetch_add(1, Ordering::Relaxed);
        let hook = self.before_page.lock().expect("nothing panics while it holds the hook").take();
        if let Some(hook) = hook {
            hook();
        }
        tokio::task::yield_now().await;
        self.store.members(conversation, after, limit).await
    }

    async fn project(
        &self,
        conversation: ConversationId,
        from: Position,
        group: Group,
        members: Vec<(UserId, Member)>,
    ) -> Result<(), ProjectError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.stuck.load(Ordering::Relaxed) {
            return Err(PortError::passing("group store", "stuck").into());
        }
        tokio::task::yield_now().await;
        self.store.project(conversation, from, group, members).await
    }

    async fn link(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        large: bool,
    ) -> Result<(), PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.link(conversation, users, large).await
    }

    async fn unlink(&self, conversation: ConversationId, users: &[UserId]) -> Result<(), PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.unlink(conversation, users).await
    }

    async fn forget(&self, conversation: ConversationId) -> Result<(), PortError> {
        self.store.forget(conversation).await
    }

    async fn linked(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<bool>>, PortError> {
        self.store.linked(conversation, users).await
    }

    async fn links(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Link>, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.links(user, after, limit).await
    }
}

/// One deployment: its logs, its rows, and processes that come and go.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) book: Arc<Book>,
    pub(crate) rows: Arc<Rows>,
}

impl World {
    /// A process that remembers nothing yet.
    pub(crate) fn start(&self) -> Service {
        self.start_with(&Config::default())
    }

    pub(crate) fn start_with(&self, config: &Config) -> Service {
        let (rows, book) = (Arc::clone(&self.rows), Arc::clone(&self.book));
        Service::new(rows as Arc<dyn GroupStore>, book as Arc<dyn Log>, Arc::new(NoFailPoints), config)
    }

    /// Does as Messaging does: links, appends, projects.
    pub(crate) async fn submit(&self, service: &Service, content: &Content) -> Arc<Entry> {
        let let_in = match content {
            Content::Created(created) => [users([0]), created.users.clone()].concat(),
            Content::Joined(joined) => joined.users.clone(),
            _ => vec![],
        };
        service.link(GROUP, &let_in, false).await.expect("the links are written");
        let entry = self.book.append(content);
        self.report(service, &[Arc::clone(&entry)]).await;
        entry
    }

    /// Reports entries as appended, with the roster of now.
    pub(crate) async fn report(&self, service: &Service, entries: &[Arc<Entry>]) {
        let roster = Arc::new(self.book.roster());
        service.applied(entries, roster).await.expect("the entries are projected");
    }

    /// What the rows are as of.
    pub(crate) async fn as_of(&self) -> Position {
        let row = self.rows.store.group(GROUP).await.expect("the row is read");
        row.map_or(Position::START, |group| group.as_of)
    }

    /// Whether the user has the group listed.
    pub(crate) async fn is_listed(&self, service: &Service, n: u32) -> bool {
        let listed = service.conversations(user(n), None, 10).await.expect("the links are read");
        listed.iter().any(|(conversation, _)| *conversation == GROUP)
    }
}
