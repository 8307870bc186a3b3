//! The embedded store against a list: whatever is appended, asked and reopened, both say the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{
    Body, ClientId, ConversationId, DeviceId, Entry, Kind, PortError, Position, Region, Timestamp, UserId,
};
use proptest::prelude::*;
use store_chat::embedded::Store;
use store_chat::{AppendError, ChatStore, Edge, Feed};
use store_kv::{Kv, Options};

#[derive(Debug, Clone)]
enum Step {
    /// Appends `count` entries of bodies of `bytes` bytes, after the head or `off` entries before it, in an epoch that is
    /// `later` than the head's.
    Append { conversation: u8, off: u64, count: u64, bytes: usize, later: u32 },
    /// Asks for a page from the `edge`-th entry on.
    Page { conversation: u8, edge: u64, back: bool, count_max: usize, bytes_max: usize },
    /// Finds the identities of all entries that were ever tried.
    Find,
    /// Reads the feed.
    Feed { from: u64, max: usize },
    /// Closes the store and opens it again.
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = (0u8..3, prop_oneof![4 => Just(0u64), 1 => 1u64..4], 1u64..6, 0usize..3_000, 0u32..2)
        .prop_map(|(conversation, off, count, bytes, later)| Step::Append {
            conversation,
            off,
            count,
            bytes,
            later,
        });
    let page = (0u8..3, 0u64..30, any::<bool>(), 0usize..12, 0usize..8_000).prop_map(
        |(conversation, edge, back, count_max, bytes_max)| Step::Page {
            conversation,
            edge,
            back,
            count_max,
            bytes_max,
        },
    );
    let feed = (0u64..60, 0usize..20).prop_map(|(from, max)| Step::Feed { from, max });
    let step = prop_oneof![6 => append, 6 => page, 1 => Just(Step::Find), 2 => feed, 1 => Just(Step::Reopen)];
    proptest::collection::vec(step, 1..80)
}

/// Lists, and nothing clever.
#[derive(Default)]
struct Model {
    logs: BTreeMap<u8, Vec<Arc<Entry>>>,
    feed: Vec<Arc<Entry>>,
    refused: Vec<Arc<Entry>>,
    tries: u64,
}

impl Model {
    fn log(&self, conversation: u8) -> &[Arc<Entry>] {
        self.logs.get(&conversation).map_or(&[], Vec::as_slice)
    }

    /// The position of the `n`-th entry; the start before the first, and beyond the last one further on.
    fn place(&self, conversation: u8, n: u64) -> Position {
        let log = self.log(conversation);
        match n as usize {
            0 => Position::START,
            at if at <= log.len() => log[at - 1].position,
            _ => Position::new(log.last().map_or(1, |last| last.position.epoch.0), n),
        }
    }

    /// New entries after a position, each under a client id never used before.
    fn entries(
        &mut self,
        conversation: u8,
        after: Position,
        count: u64,
        bytes: usize,
        epoch: u32,
    ) -> Vec<Arc<Entry>> {
        let entry = |seq| {
            self.tries += 1;
            let body = format!("{{\"text\":\"{}\"}}", "x".repeat(bytes));
            Arc::new(Entry {
                conversation: id(conversation),
                position: Position::new(epoch, seq),
                kind: Kind::Message,
                sender: UserId::new(Region::ONLY, [1; 15]),
                device: DeviceId::new(Region::ONLY, [2; 15]),
                client_id: ClientId::new(self.tries, [0; 10]),
                time: Timestamp::from_unix_ms(seq),
                ordinal: seq,
                roster: Position::START,
                was: None,
                body: Some(Body::from_json(body).expect("it is JSON")),
            })
        };
        (after.seq + 1..=after.seq + count).map(entry).collect()
    }

    fn page(&self, conversation: u8, edge: Edge, count_max: usize, bytes_max: usize) -> Vec<Arc<Entry>> {
        let mut all: Vec<_> = self.log(conversation).to_vec();
        match edge {
            Edge::After(position) => all.retain(|entry| entry.position > position),
            Edge::Before(position) => {
                all.retain(|entry| entry.position < position);
                all.reverse();
            }
        }
        let fits = |n: &usize| all[..*n].iter().map(|entry| entry.size_bytes()).sum::<usize>() <= bytes_max;
        let most = (0..=all.len().min(count_max)).rev().find(|n| *n <= 1 || fits(n)).unwrap_or(0);
        all.truncate(most);
        all
    }
}

fn id(n: u8) -> ConversationId {
    ConversationId::Group([n; 16])
}

fn opened(dir: &std::path::Path) -> Store {
    Store::open(&Kv::open(dir, Options::default()).expect("the folder is free")).expect("it can be read")
}

async fn append(store: &Store, model: &mut Model, step: (u8, u64, u64, usize, u32)) -> Result<(), PortError> {
    let (conversation, off, count, bytes, later) = step;
    let len = model.log(conversation).len() as u64;
    let after = model.place(conversation, len.saturating_sub(off));
    let epoch = after.epoch.0.max(1) + later;
    let entries = model.entries(conversation, after, count, bytes, epoch);
    match store.append(id(conversation), after, entries.clone()).await {
        Ok(()) => {
            assert_eq!(after, model.place(conversation, len), "only the head is appended to");
            model.feed.extend(entries.iter().cloned());
            model.logs.entry(conversation).or_default().extend(entries);
        }
        Err(AppendError::Conflict { head }) => {
            assert_ne!(after, model.place(conversation, len), "the head can be appended to");
            assert_eq!(head, model.log(conversation).last().map(|last| last.head()));
            model.refused.extend(entries);
        }
        Err(AppendError::Store(error)) => return Err(error),
    }
    Ok(())
}

async fn find(store: &Store, model: &Model) -> Result<(), PortError> {
    let identities =
        |entries: &[Arc<Entry>]| entries.iter().map(|entry| entry.identity()).collect::<Vec<_>>();
    let found: Vec<_> = store.find(&identities(&model.feed)).await?.into_iter().flatten().collect();
    assert_eq!(found, model.feed);
    assert!(store.find(&identities(&model.refused)).await?.iter().all(Option::is_none));
    Ok(())
}

async fn feed(store: &Store, model: &Model, from: u64, max: usize) -> Result<(), PortError> {
    assert_eq!(store.newest(), model.feed.len() as u64);
    let expected = (1..).zip(model.feed.iter().cloned()).filter(|(offset, _)| *offset >= from).take(max);
    assert_eq!(store.read(from, max).await?, expected.collect::<Vec<_>>());
    Ok(())
}

async fn play(steps: Vec<Step>) -> Result<(), PortError> {
    let dir = tempfile::tempdir().expect("there is room for a folder");
    let (mut store, mut model) = (opened(dir.path()), Model::default());
    for step in steps {
        match step {
            Step::Append { conversation, off, count, bytes, later } => {
                append(&store, &mut model, (conversation, off, count, bytes, later)).await?;
            }
            Step::Page { conversation, edge, back, count_max, bytes_max } => {
                let at = model.place(conversation, edge);
                let edge = if back { Edge::Before(at) } else { Edge::After(at) };
                let page = store.page(id(conversation), edge, count_max, bytes_max).await?;
                assert_eq!(page, model.page(conversation, edge, count_max, bytes_max), "{edge:?}");
            }
            Step::Find => find(&store, &model).await?,
            Step::Feed { from, max } => feed(&store, &model, from, max).await?,
            Step::Reopen => {
                drop(store);
                store = opened(dir.path());
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_store_never_differs_from_a_list(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be built");
        runtime.block_on(play(steps)).expect("the store answers");
    }
}
