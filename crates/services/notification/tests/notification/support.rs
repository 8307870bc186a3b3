//! A world for Notification: people, their conversations and sessions, and a store that can be wiped, slow or away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bus::embedded::view::{Log, View};
use bus::embedded::{Options, Topic};
use bus::{MessageBus, Source};
use contracts::records::{Announcement, SessionChange};
use contracts::services::Absence;
use contracts::{Ambient, Clock, NoFailPoints, Random};
use domain::{
    ClientId, Code, ConversationId, DeviceId, Entry, Generation, Head, Kind, Mark, Moment, PortError,
    Position, Region, Rejection, SessionId, Slot, Timestamp, UserId,
};
use service_notification::{GROUP, Notification, Parts};
use store_offline::{Missed, OfflineStore};
use tokio::sync::watch;

pub(crate) fn user(number: u8) -> UserId {
    UserId::new(Region(1), [number; 15])
}

pub(crate) fn group(number: u8) -> ConversationId {
    ConversationId::Group([number; 16])
}

/// What the fakes know, and how they fail.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) members: BTreeMap<ConversationId, Vec<UserId>>,
    pub(crate) large: BTreeSet<ConversationId>,
    pub(crate) present: BTreeSet<UserId>,
    pub(crate) delivered: BTreeMap<(ConversationId, UserId), Mark>,
    pub(crate) heads: BTreeMap<ConversationId, Head>,
    pub(crate) rows: BTreeMap<(UserId, ConversationId), Missed>,
    /// So many next calls of the store's `note` fail, in a way that may pass.
    pub(crate) store_failures: u32,
    /// So many next calls of `absent` fail, in a way that may pass.
    pub(crate) absence_failures: u32,
    /// `absent` can never be answered for these.
    pub(crate) poison: BTreeSet<Position>,
    /// `behind` can never be answered for these.
    pub(crate) broken: BTreeSet<UserId>,
    /// Seen while `absent` is being answered.
    pub(crate) seen_meanwhile: Option<(UserId, ConversationId)>,
    /// Seen while `behind` is being answered.
    pub(crate) seen_while_leaving: Option<(UserId, ConversationId)>,
    pub(crate) writes: u32,
    pub(crate) questions: u32,
}

impl World {
    fn mark(&self, conversation: ConversationId, user: UserId) -> Mark {
        self.delivered.get(&(conversation, user)).copied().unwrap_or_default()
    }
}

#[derive(Clone, Default)]
pub(crate) struct Shared(pub(crate) Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&mut World) -> T) -> T {
        use_it(&mut self.0.lock().unwrap())
    }
}

fn one_less(failures: &mut u32) -> Result<(), PortError> {
    if *failures == 0 {
        return Ok(());
    }
    *failures -= 1;
    Err(PortError::passing("offline store", "away"))
}

#[async_trait]
impl OfflineStore for Shared {
    async fn note(&self, rows: Vec<(UserId, Missed)>) -> Result<(), PortError> {
        self.with(|world| {
            one_less(&mut world.store_failures)?;
            world.writes += 1;
            for (user, row) in rows {
                let kept = world.rows.entry((user, row.conversation)).or_insert(row);
                *kept = if kept.as_of < row.as_of { row } else { *kept };
            }
            Ok(())
        })
    }

    async fn clear(&self, seen: Vec<(UserId, ConversationId, Mark)>) -> Result<(), PortError> {
        self.with(|world| {
            for (user, conversation, mark) in seen {
                world.rows.retain(|key, row| *key != (user, conversation) || row.as_of > mark);
            }
        });
        Ok(())
    }

    async fn forget(&self, user: UserId) -> Result<(), PortError> {
        self.with(|world| world.rows.retain(|(owner, _), _| *owner != user));
        Ok(())
    }

    async fn missed(&self, user: UserId, limit: usize) -> Result<Vec<Missed>, PortError> {
        Ok(self.with(|world| {
            let rows = world.rows.iter().filter(|((owner, _), _)| *owner == user);
            rows.map(|(_, row)| *row).take(limit).collect()
        }))
    }
}

/// Messaging's word, and the cursor that may move while it is given.
pub(crate) struct Teller {
    world: Shared,
    notification: std::sync::OnceLock<Notification>,
}

impl Teller {
    async fn see(&self, seen: Option<(UserId, ConversationId)>) {
        if let (Some((user, conversation)), Some(notification)) = (seen, self.notification.get()) {
            see(&self.world, notification, user, conversation).await;
        }
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Absence for Teller {
    async fn absent(&self, entry: &Entry) -> Result<Vec<(UserId, Mark)>, Rejection> {
        let (answer, seen) = self.world.with(|world| {
            world.questions += 1;
            if world.poison.contains(&entry.position) {
                return (Err(Rejection::new(Code::Internal, "poison")), None);
            }
            if let Err(error) = one_less(&mut world.absence_failures) {
                return (Err(error.into()), None);
            }
            let members = world.members.get(&entry.conversation).cloned().unwrap_or_default();
            let absent = |user: &UserId| {
                let has_it = world.mark(entry.conversation, *user).position >= entry.position;
                !world.present.contains(user) && !has_it && !world.large.contains(&entry.conversation)
            };
            let mark = |user| (user, world.mark(entry.conversation, user));
            let answer = members.into_iter().filter(absent).map(mark).collect();
            (Ok(answer), world.seen_meanwhile.take())
        });
        self.see(seen).await;
        answer
    }

    async fn behind(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Mark, Head)>, Rejection> {
        let (answer, seen) = self.world.with(|world| {
            if world.broken.contains(&user) {
                return (Err(Rejection::new(Code::Internal, "broken")), None);
            }
            let of = |(conversation, head): (&ConversationId, &Head)| {
                let member = world.members.get(conversation)?.contains(&user);
                let mark = world.mark(*conversation, user);
                (member && mark < head.mark()).then_some((*conversation, mark, *head))
            };
            let answer = world.heads.iter().filter_map(of).take(limit).collect();
            (Ok(answer), world.seen_while_leaving.take())
        });
        self.see(seen).await;
        answer
    }

    async fn present(&self, user: UserId) -> Result<bool, Rejection> {
        Ok(self.world.with(|world| world.present.contains(&user)))
    }
}

/// A person's device gets all of a conversation: their cursor moves, and Notification is told.
pub(crate) async fn see(world: &Shared, service: &Notification, user: UserId, conversation: ConversationId) {
    use contracts::services::Notifications;
    let mark = world.with(|world| {
        let mark = world.heads[&conversation].mark();
        world.delivered.insert((conversation, user), mark);
        mark
    });
    service.seen(vec![(user, conversation, mark)]).await.unwrap();
}

/// The feed of entries.
#[derive(Clone, Default)]
pub(crate) struct Feed(Arc<FeedInner>);

#[derive(Default)]
struct FeedInner {
    entries: Mutex<Vec<Arc<Entry>>>,
    newest: watch::Sender<u64>,
    place: AtomicU64,
}

#[async_trait]
impl Log<Arc<Entry>> for Feed {
    async fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, Arc<Entry>)>, PortError> {
        let entries = self.0.entries.lock().unwrap();
        let from = from as usize - 1;
        Ok(entries
            .iter()
            .enumerate()
            .skip(from)
            .take(max)
            .map(|(at, e)| (at as u64 + 1, e.clone()))
            .collect())
    }

    fn newest(&self) -> u64 {
        *self.0.newest.borrow()
    }

    async fn beyond(&self, offset: u64) {
        let _ = self.0.newest.subscribe().wait_for(|newest| *newest > offset).await;
    }

    async fn position(&self, _reader: &str) -> Result<u64, PortError> {
        Ok(self.0.place.load(Ordering::SeqCst).max(1))
    }

    async fn finish(&self, _reader: &str, offset: u64) -> Result<(), PortError> {
        self.0.place.fetch_max(offset, Ordering::SeqCst);
        Ok(())
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(1)
    }

    fn moment(&self) -> Moment {
        Moment::default()
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// The service under test in its world.
pub(crate) struct House {
    pub(crate) world: Shared,
    pub(crate) feed: Feed,
    pub(crate) entries: Arc<View<Arc<Entry>, Feed>>,
    pub(crate) sessions: Topic<Announcement>,
    pub(crate) service: Notification,
}

impl House {
    pub(crate) async fn build(members: &[(ConversationId, &[UserId])]) -> Self {
        let (world, feed) = (Shared::default(), Feed::default());
        world.with(|world| {
            world.members = members.iter().map(|(group, users)| (*group, users.to_vec())).collect();
        });
        let entries = Arc::new(View::open(feed.clone(), &[GROUP]).await.unwrap());
        let options = Options { partitions: 2, partition_bytes_max: 1 << 20, groups: &[GROUP] };
        let sessions = Topic::new(options);
        let teller = Arc::new(Teller { world: world.clone(), notification: Default::default() });
        let service = Notification::new(Parts {
            fail: Arc::new(NoFailPoints),
            store: Arc::new(world.clone()),
            absence: teller.clone(),
            entries: entries.clone(),
            sessions: Arc::new(sessions.clone()),
            ambient: Ambient { clock: Arc::new(Fixed), random: Arc::new(Fixed) },
        });
        let _ = teller.notification.set(service.clone());
        Self { world, feed, entries, sessions, service }
    }

    /// Appends an entry, of which the feed tells.
    pub(crate) fn append(&self, conversation: ConversationId, sender: UserId, kind: Kind) -> Arc<Entry> {
        let head = self.world.with(|world| world.heads.get(&conversation).copied().unwrap_or_default());
        let entry = Arc::new(Entry {
            conversation,
            position: Position::new(1, head.position.seq + 1),
            sender,
            device: DeviceId::new(Region(1), [1; 15]),
            client_id: ClientId::new(1, [1; 10]),
            time: Timestamp::from_unix_ms(1_000 * (head.position.seq + 1)),
            ordinal: head.ordinal + u64::from(kind.is_message()),
            roster: head.roster,
            was: None,
            body: None,
            kind,
        });
        self.world.with(|world| world.heads.insert(conversation, entry.head()));
        self.feed.0.entries.lock().unwrap().push(Arc::clone(&entry));
        self.feed.0.newest.send_modify(|newest| *newest += 1);
        entry
    }

    pub(crate) fn message(&self, conversation: ConversationId, sender: UserId) -> Arc<Entry> {
        self.append(conversation, sender, Kind::Message)
    }

    pub(crate) async fn announce(&self, who: UserId, change: SessionChange) {
        let session = SessionId { slot: Slot(0), generation: Generation(1), number: 1 };
        let device = DeviceId::new(Region(1), [1; 15]);
        self.sessions.publish(Announcement { user: who, device, session, change }).await.unwrap();
    }

    /// Runs the service until everything announced and appended was dealt with.
    pub(crate) async fn settle(&self) {
        let settled = async {
            while self.service.lag() > 0 || self.sessions.lag(GROUP) > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let patience = std::time::Duration::from_secs(600);
        tokio::time::timeout(patience, self.service.run(settled)).await.expect("it settles").unwrap();
    }

    /// The rows that are stored: whose, how many messages, up to which seq.
    pub(crate) fn rows(&self) -> Vec<(UserId, u64, u64)> {
        self.world.with(|world| {
            let rows = world.rows.iter();
            rows.map(|((user, _), row)| (*user, row.messages(), row.as_of.position.seq)).collect()
        })
    }
}
