//! A small store: two people, what they said to each other, and a group of theirs.

use std::path::Path;
use std::sync::Arc;

use domain::content::{Created, Renamed, Users};
use domain::{
    ClientId, Content, ConversationId, Cursor, DeviceId, Entry, Head, Mark, Position, Region, Timestamp,
    UserId,
};
use node::{Config, Stores};
use service_group::projection::Projection;
use store_chat::{CursorMove, Edge};
use store_kv::Batch;

/// A user by number.
pub(crate) fn user(number: u8) -> UserId {
    UserId::new(Region(1), [number; 15])
}

/// The store.
pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) direct: ConversationId,
    pub(crate) group: ConversationId,
    _folder: Option<tempfile::TempDir>,
}

impl World {
    /// A new one, in a folder of its own.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self::at(folder.path());
        world.fill().await;
        Self { _folder: Some(folder), ..world }
    }

    /// The one in this data folder.
    pub(crate) fn at(data: &Path) -> Self {
        let config = Config { data: data.to_owned(), ..Config::default() };
        let stores = Stores::open(&config).unwrap();
        let (direct, group) = (ConversationId::direct(user(1), user(2)), ConversationId::Group([1; 16]));
        Self { stores, direct, group, _folder: None }
    }

    /// Says everything that is said in it.
    pub(crate) async fn fill(&self) {
        for (number, handle) in [(1, "ada"), (2, "bob")] {
            let (id, created) = (user(number), self.time(0));
            let password_hash = "none".to_owned();
            let row = store_user::User {
                id,
                handle: handle.to_owned(),
                password_hash,
                created,
                era: 0,
                recovery_hashes: vec![],
            };
            self.stores.user.create(row).await.unwrap();
        }
        let created = Created { name: "team".to_owned(), users: vec![user(2)], history: false };
        let joined = Users { users: vec![user(3)] };
        let renamed = Renamed { name: "crew".to_owned() };
        let said = |n: u64| Content::message(format!("message {n}"));
        self.say(self.direct, (1..=6).map(said).collect()).await;
        let in_group = vec![Content::Created(created), said(1), Content::Joined(joined), said(2)];
        self.say(self.group, in_group.into_iter().chain([Content::Renamed(renamed), said(3)]).collect())
            .await;
        let cursor = Cursor::read_up_to(Mark::new(Position::new(1, 4), 4));
        let moved = CursorMove { conversation: self.direct, user: user(2), cursor };
        self.stores.chat.move_cursors(vec![moved]).await.unwrap();
    }

    async fn say(&self, id: ConversationId, contents: Vec<Content>) {
        let mut head = Head::default();
        let mut entries = vec![];
        for content in contents {
            let entry = Arc::new(self.next(id, head, &content));
            head = entry.head();
            entries.push(entry);
        }
        let mut truth = Projection::initial(&id);
        let steps = truth.advance(&entries, 100);
        let users: Vec<UserId> = truth.roster.active_users().collect();
        self.stores.group.link(id, &users, false).await.unwrap();
        self.stores.chat.append(id, Position::START, entries).await.unwrap();
        for step in steps {
            self.stores.group.project(id, step.from, step.group, step.members).await.unwrap();
        }
    }

    fn next(&self, conversation: ConversationId, head: Head, content: &Content) -> Entry {
        let seq = head.position.seq + 1;
        let (position, kind) = (Position::new(1, seq), content.kind());
        Entry {
            conversation,
            position,
            sender: user(1),
            device: DeviceId::new(Region(1), [1; 15]),
            client_id: ClientId::new(seq, [seq as u8; 10]),
            time: self.time(seq),
            ordinal: head.ordinal + u64::from(kind.is_message()),
            roster: if kind.is_membership() { position } else { head.roster },
            was: None,
            body: Some(content.to_body()),
            kind,
        }
    }

    /// A time of this world.
    pub(crate) fn time(&self, seconds: u64) -> Timestamp {
        Timestamp::from_unix_ms(1_750_000_000_000 + seconds * 1_000)
    }

    /// All entries.
    pub(crate) async fn logs(&self) -> Vec<Arc<Entry>> {
        let mut entries = vec![];
        for id in [self.direct, self.group] {
            let edge = Edge::After(Position::START);
            entries.extend(self.stores.chat.page(id, edge, 100, usize::MAX).await.unwrap());
        }
        entries
    }

    /// One of them.
    pub(crate) async fn entry(&self, id: ConversationId, seq: u64) -> Arc<Entry> {
        self.stores.chat.entry(id, Position::new(1, seq)).await.unwrap().unwrap()
    }

    pub(crate) async fn set_head(&self, id: ConversationId, head: Option<Head>) {
        self.stores.derived.set_head(id, head).await.unwrap();
    }

    /// Takes a row away.
    pub(crate) async fn delete(&self, space: &'static str, key: &[u8]) {
        let space = self.stores.kv.space(space).unwrap();
        assert!(space.get(key).unwrap().is_some(), "there is such a row");
        let mut batch = Batch::new();
        batch.delete(&space, key);
        self.stores.kv.write(batch).await.unwrap();
    }

    /// Writes a row that nobody can read.
    pub(crate) async fn spoil(&self, space: &'static str, key: &[u8]) {
        let mut batch = Batch::new();
        batch.put(&self.stores.kv.space(space).unwrap(), key, [0xff, 0xff]);
        self.stores.kv.write(batch).await.unwrap();
    }
}
