//! What a batch promises, over a real folder.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::sync::Arc;

use store_kv::{Batch, Kv, Options, Space, write};

fn store() -> (tempfile::TempDir, Kv, Space) {
    let dir = tempfile::tempdir().unwrap();
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    let space = kv.space("rows").unwrap();
    (dir, kv, space)
}

fn text(space: &Space, key: &str) -> Option<String> {
    space.get(key).unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

fn add(value: Option<&[u8]>, n: u64) -> Option<Vec<u8>> {
    let now = value.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
    Some((now + n).to_be_bytes().to_vec())
}

#[tokio::test]
async fn a_conflicting_batch_writes_nothing() {
    let (_dir, kv, space) = store();
    let mut batch = Batch::new();
    batch.put(&space, "taken", "before");
    kv.write(batch).await.unwrap();

    let mut batch = Batch::new();
    batch.put(&space, "new", "x").append(&space, "y").update(&space, "u", |_| Some(vec![1]));
    batch.require(&space, "taken", "before").require_absent(&space, "taken");
    let answer = kv.write(batch).await;
    assert_eq!(answer, Err(write::Error::Conflict { index: 1, found: Some(b"before".to_vec()) }));
    assert_eq!(space.scan::<&str>(..).count(), 1);

    let mut batch = Batch::new();
    batch.require(&space, "absent", "x");
    assert_eq!(kv.write(batch).await, Err(write::Error::Conflict { index: 0, found: None }));
    let mut batch = Batch::new();
    batch.require(&space, "taken", "befor");
    assert!(matches!(kv.write(batch).await, Err(write::Error::Conflict { .. })));
    assert_eq!(kv.stats().conflicts, 3);
}

/// Only one of those who claim one key may have it, though all of them are judged before anything is durable.
#[tokio::test]
async fn a_later_batch_sees_an_earlier_one_in_the_same_group() {
    let (_dir, kv, space) = store();
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..200 {
        let (kv, space) = (kv.clone(), space.clone());
        writers.spawn(async move {
            let mut batch = Batch::new();
            batch.require_absent(&space, "claim").put(&space, "claim", n.to_string());
            batch.update(&space, "winners", |now| add(now, 1));
            kv.write(batch).await
        });
    }
    let results = writers.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(space.get("winners").unwrap().as_deref(), Some(&1u64.to_be_bytes()[..]));
    assert!(kv.stats().commits < 200, "nothing was ever grouped");
}

#[tokio::test]
async fn an_update_loses_no_other() {
    let (_dir, kv, space) = store();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let (kv, space) = (kv.clone(), space.clone());
        writers.spawn(async move {
            let mut batch = Batch::new();
            batch.update(&space, "n", |now| add(now, 1)).update(&space, "n", |now| add(now, 1));
            kv.write(batch).await.unwrap();
        });
    }
    writers.join_all().await;
    assert_eq!(space.get("n").unwrap().as_deref(), Some(&1_000u64.to_be_bytes()[..]));
    let mut batch = Batch::new();
    batch.update(&space, "n", |_| None);
    kv.write(batch).await.unwrap();
    assert_eq!(space.get("n").unwrap(), None);
}

#[tokio::test]
async fn writes_of_a_batch_happen_in_their_order() {
    let (_dir, kv, space) = store();
    let mut batch = Batch::new();
    batch.put(&space, "a", "1").delete(&space, "a").put(&space, "b", "1").put(&space, "b", "2");
    batch
        .put(&space, "c", "1")
        .update(&space, "c", |now| Some([now.unwrap(), b"2"].concat()))
        .delete(&space, "no");
    kv.write(batch).await.unwrap();
    assert_eq!(text(&space, "a"), None);
    assert_eq!(text(&space, "b").as_deref(), Some("2"));
    assert_eq!(text(&space, "c").as_deref(), Some("12"));
}

#[tokio::test]
async fn feed_offsets_are_dense_and_never_reused() {
    let (dir, kv, _) = store();
    let feed = kv.space("feed").unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (kv, feed) = (kv.clone(), feed.clone());
        writers.spawn(async move {
            let mut batch = Batch::new();
            batch.append(&feed, "x").append(&feed, "y");
            kv.write(batch).await.unwrap();
        });
    }
    writers.join_all().await;
    let offsets = |feed: &Space| -> Vec<u64> {
        let key = |row: Result<(store_kv::Key, _), _>| {
            u64::from_be_bytes(row.unwrap().0.as_ref().try_into().unwrap())
        };
        feed.scan::<&[u8]>(..).map(key).collect()
    };
    assert_eq!(offsets(&feed), (1..=200).collect::<Vec<_>>());

    let mut batch = Batch::new();
    for offset in 1..=200u64 {
        batch.delete(&feed, offset.to_be_bytes());
    }
    kv.write(batch).await.unwrap();
    kv.close().await;
    drop((kv, feed));

    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    let feed = kv.space("feed").unwrap();
    let mut batch = Batch::new();
    batch.append(&feed, "z");
    kv.write(batch).await.unwrap();
    assert_eq!(offsets(&feed), [201]);
}

#[tokio::test]
async fn a_reader_never_sees_half_a_batch() {
    let (_dir, kv, space) = store();
    let writer = tokio::task::spawn_blocking({
        let (kv, space, runtime) = (kv.clone(), space.clone(), tokio::runtime::Handle::current());
        move || {
            for n in 0..300u64 {
                let mut batch = Batch::new();
                for key in 0..50u64 {
                    batch.put(&space, key.to_be_bytes(), n.to_be_bytes());
                }
                runtime.block_on(kv.write(batch)).unwrap();
            }
        }
    });
    while !writer.is_finished() {
        let values: Vec<_> = space.scan::<&[u8]>(..).map(|row| row.unwrap().1).collect();
        assert!(values.iter().all(|value| *value == values[0]), "rows of two batches in one scan");
        assert!(values.is_empty() || values.len() == 50);
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn ranges_and_prefixes_end_where_they_say() {
    let (_dir, kv, space) = store();
    let mut batch = Batch::new();
    for key in ["a", "b1", "b2", "b3", "c"] {
        batch.put(&space, key, key);
    }
    kv.write(batch).await.unwrap();
    let keys = |scan: store_kv::Scan| -> Vec<String> {
        scan.map(|row| String::from_utf8(row.unwrap().0.to_vec()).unwrap()).collect()
    };
    assert_eq!(keys(space.scan("b1".."b3")), ["b1", "b2"]);
    assert_eq!(keys(space.scan("b2"..)), ["b2", "b3", "c"]);
    assert_eq!(keys(space.scan_prefix("b")), ["b1", "b2", "b3"]);
    assert_eq!(space.scan_prefix("b").rev().map(|row| row.unwrap().1.to_vec()).next().unwrap(), b"b3");
    #[allow(clippy::reversed_empty_ranges, reason = "a caller may compute one")]
    let inverted = space.scan("c".."a");
    assert_eq!(keys(inverted), [""; 0]);
}

#[tokio::test]
async fn a_row_the_engine_cannot_hold_is_refused_and_harms_nobody() {
    let (_dir, kv, space) = store();
    for key in [vec![], vec![1; 65_536]] {
        let mut batch = Batch::new();
        batch.put(&space, key, "v");
        assert!(matches!(kv.write(batch).await, Err(write::Error::Limit(_))));
    }
    let mut batch = Batch::new();
    batch.put(&space, vec![1; 65_535], "v");
    kv.write(batch).await.unwrap();
    assert!(kv.space("").is_err() && kv.space("kv.offsets").is_err());
}

#[tokio::test]
async fn a_batch_for_another_store_is_refused() {
    let (_dir, kv, _) = store();
    let (_other_dir, _other, foreign) = store();
    let mut batch = Batch::new();
    batch.put(&foreign, "k", "v");
    assert_eq!(kv.write(batch).await, Err(write::Error::ForeignSpace));
    let mut batch = Batch::new();
    batch.require_absent(&foreign, "k");
    assert_eq!(kv.write(batch).await, Err(write::Error::ForeignSpace));
}

#[tokio::test]
async fn close_drains_the_queue_and_may_be_called_twice() {
    let (_dir, kv, space) = store();
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (kv, space) = (kv.clone(), space.clone());
        writers.spawn(async move {
            let mut batch = Batch::new();
            batch.put(&space, n.to_string(), "v");
            kv.write(batch).await
        });
    }
    tokio::task::yield_now().await;
    tokio::join!(kv.close(), kv.close());
    let results = writers.join_all().await;
    let acked = results.iter().filter(|result| result.is_ok()).count();
    assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(write::Error::Closed))));
    assert_eq!(space.scan::<&str>(..).count(), acked);
    let mut late = Batch::new();
    late.put(&space, "late", "v");
    assert_eq!(kv.write(late).await, Err(write::Error::Closed));
}

/// A store that is much larger than its memtables: rows move to sorted tables and are merged under the writers.
#[tokio::test]
async fn nothing_is_lost_while_tables_are_flushed_and_merged() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { memtable_bytes: 64 << 10, ..Options::default() };
    let kv = Kv::open(dir.path(), options()).unwrap();
    let spaces: Arc<Vec<_>> = Arc::new(["a", "b", "c"].map(|name| kv.space(name).unwrap()).into());
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8u64 {
        let (kv, spaces) = (kv.clone(), spaces.clone());
        writers.spawn(async move {
            for n in 0..250u64 {
                let mut batch = Batch::new();
                for space in spaces.iter() {
                    batch.require_absent(space, [writer.to_be_bytes(), n.to_be_bytes()].concat());
                    batch.put(space, [writer.to_be_bytes(), n.to_be_bytes()].concat(), vec![7; 300]);
                    batch.put(space, writer.to_be_bytes(), n.to_be_bytes());
                }
                kv.write(batch).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert!(kv.stats().table_bytes > 0, "no memtable was ever flushed");
    kv.close().await;
    drop((spaces, kv));
    let kv = Kv::open(dir.path(), options()).unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(kv.space(name).unwrap().scan::<&[u8]>(..).filter(Result::is_ok).count(), 8 * 251);
    }
}
