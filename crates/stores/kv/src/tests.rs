//! What only a held or failing commit can show.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;

use crate::committer::Commit;
use crate::{Batch, Kv, Options, fatal, write};

/// A store whose commits wait, each for one word.
fn held() -> (tempfile::TempDir, Kv, mpsc::SyncSender<()>, Arc<AtomicUsize>) {
    let dir = tempfile::tempdir().unwrap();
    let (go, gate) = mpsc::sync_channel(8);
    let commits = Arc::new(AtomicUsize::new(0));
    let seen = commits.clone();
    let commit: Commit = Box::new(move |batch| {
        seen.fetch_add(1, SeqCst);
        gate.recv().ok();
        batch.commit()
    });
    let kv = Kv::open_with(dir.path(), Options::default(), commit).unwrap();
    (dir, kv, go, commits)
}

fn failing(on_fatal: fatal::Handler) -> (tempfile::TempDir, Kv, Arc<AtomicUsize>) {
    let dir = tempfile::tempdir().unwrap();
    let commits = Arc::new(AtomicUsize::new(0));
    let seen = commits.clone();
    let commit: Commit = Box::new(move |_| {
        seen.fetch_add(1, SeqCst);
        Err(fjall::Error::Io(std::io::ErrorKind::StorageFull.into()))
    });
    let kv = Kv::open_with(dir.path(), Options { on_fatal, ..Options::default() }, commit).unwrap();
    (dir, kv, commits)
}

fn put(space: &crate::Space, key: &str, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(space, key, value);
    batch
}

/// Polls once: queues the write without waiting for it.
async fn queue<F: Future + Unpin>(write: &mut F) {
    std::future::poll_fn(|cx| {
        assert!(std::pin::Pin::new(&mut *write).poll(cx).is_pending(), "nothing is committed yet");
        Poll::Ready(())
    })
    .await;
}

async fn until(count: &AtomicUsize, commits: usize) {
    while count.load(SeqCst) < commits {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_not_durable_is_not_seen_and_reads_do_not_wait() {
    let (_dir, kv, go, commits) = held();
    let space = kv.space("s").unwrap();
    let mut write = Box::pin(kv.write(put(&space, "k", "v")));
    queue(&mut write).await;
    until(&commits, 1).await;
    assert_eq!(space.get("k").unwrap(), None, "the commit is under way");
    assert_eq!(space.scan::<&str>(..).count(), 0);
    go.send(()).unwrap();
    write.await.unwrap();
    assert_eq!(space.get("k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[tokio::test]
async fn a_conflict_is_not_told_before_its_cause_is_durable() {
    let (_dir, kv, go, commits) = held();
    let space = kv.space("s").unwrap();
    let mut first = Box::pin(kv.write(put(&space, "other", "v")));
    queue(&mut first).await;
    until(&commits, 1).await;
    let mut cause = Box::pin(kv.write(put(&space, "k", "v")));
    queue(&mut cause).await;
    let mut batch = Batch::new();
    batch.require_absent(&space, "k");
    let mut conflict = Box::pin(kv.write(batch));
    queue(&mut conflict).await;
    go.send(()).unwrap();
    first.await.unwrap();
    until(&commits, 2).await;
    queue(&mut conflict).await;
    go.send(()).unwrap();
    assert_eq!(conflict.await, Err(write::Error::Conflict { index: 0, found: Some(b"v".to_vec()) }));
    cause.await.unwrap();
}

#[tokio::test]
async fn what_queues_during_a_commit_shares_the_next() {
    let (_dir, kv, go, commits) = held();
    let space = kv.space("s").unwrap();
    let mut first = Box::pin(kv.write(put(&space, "first", "v")));
    queue(&mut first).await;
    until(&commits, 1).await;
    let mut writes = Vec::new();
    for n in 0..100 {
        let mut write = Box::pin(kv.write(put(&space, &format!("k{n}"), "v")));
        queue(&mut write).await;
        writes.push(write);
    }
    assert_eq!(kv.stats().queue_batches, 100);
    go.send(()).unwrap();
    go.send(()).unwrap();
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(commits.load(SeqCst), 2);
    assert_eq!((kv.stats().commits, kv.stats().batches, kv.stats().queue_bytes), (2, 101, 0));
}

#[tokio::test]
async fn dropping_the_waiter_does_not_undo_the_write() {
    let (_dir, kv, go, commits) = held();
    let space = kv.space("s").unwrap();
    let mut committing = Box::pin(kv.write(put(&space, "committing", "v")));
    queue(&mut committing).await;
    until(&commits, 1).await;
    let mut queued = Box::pin(kv.write(put(&space, "queued", "v")));
    queue(&mut queued).await;
    drop((committing, queued));
    go.send(()).unwrap();
    go.send(()).unwrap();
    kv.close().await;
    assert!(space.get("committing").unwrap().is_some() && space.get("queued").unwrap().is_some());
}

#[tokio::test]
async fn a_full_queue_makes_writers_wait_and_forgets_those_who_leave() {
    let dir = tempfile::tempdir().unwrap();
    let (go, gate) = mpsc::sync_channel(8);
    let commit: Commit = Box::new(move |batch| {
        gate.recv().ok();
        batch.commit()
    });
    let options = Options { queue_bytes_max: 200, ..Options::default() };
    let kv = Kv::open_with(dir.path(), options, commit).unwrap();
    let space = kv.space("s").unwrap();
    let mut writes: Vec<_> = ["a", "b", "c", "d"].map(|key| Box::pin(kv.write(put(&space, key, "v")))).into();
    for write in &mut writes {
        queue(write).await;
    }
    assert!(kv.stats().queue_bytes <= 200, "bounded in bytes");
    // three of 66 bytes are in, the fourth waits for room
    drop(writes.pop());
    go.send(()).unwrap();
    go.send(()).unwrap();
    go.send(()).unwrap();
    for write in writes {
        write.await.unwrap();
    }
    kv.close().await;
    assert_eq!(space.scan::<&str>(..).count(), 3);
    let mut large = Batch::new();
    large.put(&space, "k", vec![0; 201]);
    assert!(matches!(kv.write(large).await, Err(write::Error::Limit(_))));
}

#[tokio::test]
async fn a_failed_commit_ends_the_process_and_is_never_retried() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let seen = failures.clone();
    let (_dir, kv, commits) = failing(fatal::Handler::new(move |f| seen.lock().unwrap().push(f.to_string())));
    let space = kv.space("s").unwrap();
    assert_eq!(kv.write(put(&space, "k", "v")).await, Err(write::Error::Failed));
    assert_eq!(kv.write(put(&space, "k", "v")).await, Err(write::Error::Failed));
    kv.close().await;
    assert_eq!(kv.write(put(&space, "k", "v")).await, Err(write::Error::Failed));
    assert_eq!(commits.load(SeqCst), 1);
    let failures = failures.lock().unwrap();
    assert_eq!(failures.len(), 1);
    assert!(failures[0].contains("the disk is full: make room"), "{}", failures[0]);
}

#[tokio::test]
async fn a_panic_in_the_committer_is_a_failure_not_a_hang() {
    let failures = Arc::new(AtomicUsize::new(0));
    let seen = failures.clone();
    let on_fatal = fatal::Handler::new(move |_| {
        seen.fetch_add(1, SeqCst);
    });
    let (_dir, kv, _) = failing(on_fatal);
    let space = kv.space("s").unwrap();
    let mut batch = Batch::new();
    batch.update(&space, "k", |_| panic!("a bug in a store"));
    assert_eq!(kv.write(batch).await, Err(write::Error::Failed));
    kv.close().await;
    assert_eq!(kv.write(put(&space, "k", "v")).await, Err(write::Error::Failed));
    assert_eq!(failures.load(SeqCst), 1);
}
