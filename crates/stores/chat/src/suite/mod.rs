//! The laws of the Chat DB and of its change feed as one suite that every engine passes. Each law is named after the
//! failure it prevents and is given an [`Engine`] that holds nothing yet.
//!
//! [`chat_laws!`](crate::chat_laws) and [`feed_laws!`](crate::feed_laws) make a test of each law.
//!
//! Deliberately absent: power cuts, which a test inside the process cannot make, and how much time anything takes.

mod append;
mod cursors;
mod entries;
mod feed;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Body, ClientId, ConversationId, DeviceId, Entry, Head, Identity, Kind, Position, Region, Timestamp,
    UserId,
};

use crate::{ChatStore, Edge, Feed};

pub use self::{append::*, cursors::*, entries::*, feed::*, pages::*};

/// A place that keeps what is stored there: opened any number of times, once at a time.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Opens the store that is kept there.
    async fn open(&self) -> Opened;

    /// Closes it in good order, so that it can be opened again.
    async fn close(&self, opened: Opened);
}

/// A store that was opened.
#[derive(Clone)]
pub struct Opened {
    /// The logs.
    pub chat: Arc<dyn ChatStore>,
    /// Their change feed; `None` where another engine has it.
    pub feed: Option<Arc<dyn Feed>>,
}

impl Opened {
    fn feed(&self) -> &dyn Feed {
        self.feed.as_deref().expect("an engine under test of the feed has one")
    }
}

/// Makes a test of each law of the Chat DB. `$engine` is an expression that gives a new [`Engine`](crate::suite::Engine).
#[macro_export]
macro_rules! chat_laws {
    ($engine:expr) => {
        $crate::laws! { $engine;
            an_append_after_another_position_writes_nothing
            two_appends_at_once_never_both_happen
            a_retried_append_is_never_stored_twice
            a_gap_is_never_appended
            half_an_append_is_never_seen
            an_append_in_a_later_epoch_is_never_refused
            an_append_never_touches_another_conversation
            an_entry_is_never_altered
            an_identity_is_never_anothers
            an_entry_that_is_not_there_is_never_found
            what_was_acked_never_goes_by_reopening
            a_page_never_skips_or_repeats
            a_page_never_holds_more_than_asked
            a_page_never_shows_another_conversation
            a_list_of_conversations_never_skips_or_repeats
            cursors_never_go_back
            cursors_moved_at_once_never_lose_a_move
            a_cursor_never_shows_for_another
        }
    };
}

/// Makes a test of each law of the change feed. `$engine` is an expression that gives a new [`Engine`](crate::suite::Engine).
#[macro_export]
macro_rules! feed_laws {
    ($engine:expr) => {
        $crate::laws! { $engine;
            an_offset_is_never_skipped_or_repeated
            the_feed_never_holds_what_was_refused
            the_feed_never_shows_what_is_beyond_its_newest
            a_feed_reader_is_never_left_waiting
            a_feed_reader_never_goes_back
            an_offset_never_goes_by_reopening
            trimming_never_takes_what_is_young
            trimming_never_takes_an_entry_from_its_log
            trimming_never_frees_an_offset
        }
    };
}

/// Makes a test of each of these laws.
#[doc(hidden)]
#[macro_export]
macro_rules! laws {
    ($engine:expr; $($law:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $law() {
            $crate::suite::$law($engine).await;
        }
    )+};
}

/// What every law assumes of an engine under test.
const ANSWERS: &str = "an engine under test answers";

/// The time of the first entry.
const NOW_MS: u64 = 1_764_000_000_000;

/// What `waiting` gives. Not a bound on time: a law that hangs would not say which.
async fn soon<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("nobody is left waiting for ever")
}

fn user(n: u8) -> UserId {
    UserId::new(Region::ONLY, [n; 15])
}

fn group(n: u16) -> ConversationId {
    let mut bytes = [1; 16];
    bytes[14..].copy_from_slice(&n.to_be_bytes());
    ConversationId::Group(bytes)
}

/// The entry at `position`: a message, whose client id tells the position and whose time grows with it.
pub(crate) fn entry(conversation: ConversationId, position: Position) -> Entry {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&position.seq.to_be_bytes());
    Entry {
        conversation,
        position,
        kind: Kind::Message,
        sender: user(1),
        device: DeviceId::new(Region::ONLY, [2; 15]),
        client_id: ClientId::new(NOW_MS, random),
        time: Timestamp::from_unix_ms(NOW_MS + position.seq),
        ordinal: position.seq,
        roster: Position::START,
        was: None,
        body: Some(body(&format!("{conversation} {position}"))),
    }
}

fn body(text: &str) -> Body {
    Body::from_json(format!("{{\"text\":\"{text}\"}}")).expect("the texts of the laws need no escapes")
}

/// The `count` entries that follow `after`, all in its epoch, or in the first one at the start.
fn entries(conversation: ConversationId, after: Position, count: u64) -> Vec<Arc<Entry>> {
    let epoch = after.epoch.0.max(1);
    let seqs = after.seq + 1..=after.seq + count;
    seqs.map(|seq| Arc::new(entry(conversation, Position::new(epoch, seq)))).collect()
}

/// Appends `count` entries after `after`, and gives them.
async fn appended(
    chat: &dyn ChatStore,
    conversation: ConversationId,
    after: Position,
    count: u64,
) -> Vec<Arc<Entry>> {
    let entries = entries(conversation, after, count);
    chat.append(conversation, after, entries.clone()).await.expect(ANSWERS);
    entries
}

async fn head(chat: &dyn ChatStore, conversation: ConversationId) -> Option<Head> {
    chat.head(conversation).await.expect(ANSWERS)
}

/// The whole log, oldest first.
async fn log(chat: &dyn ChatStore, conversation: ConversationId) -> Vec<Arc<Entry>> {
    let edge = Edge::After(Position::START);
    chat.page(conversation, edge, usize::MAX, usize::MAX).await.expect(ANSWERS)
}

async fn find(chat: &dyn ChatStore, identities: &[Identity]) -> Vec<Option<Arc<Entry>>> {
    chat.find(identities).await.expect(ANSWERS)
}

fn identities(entries: &[Arc<Entry>]) -> Vec<Identity> {
    entries.iter().map(|entry| entry.identity()).collect()
}

/// Closes the store and opens it again.
async fn reopened(engine: &impl Engine, opened: Opened) -> Opened {
    engine.close(opened).await;
    engine.open().await
}
