//! Opening: formats, fixtures, and folders that are not what they should be.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use store_kv::{Batch, Kv, Options, open};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A new store with one acked row.
async fn one_row() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    let mut batch = Batch::new();
    batch.put(&kv.space("rows").unwrap(), "k", "v");
    kv.write(batch).await.unwrap();
    kv.close().await;
    dir
}

fn refused(dir: &Path) -> open::Error {
    Kv::open(dir, Options::default()).map(drop).unwrap_err()
}

/// Writes the fixture again, for a new format: `WRITE_FIXTURE=1 cargo test -p store-kv --test folder write_the_fixture`.
#[tokio::test]
async fn write_the_fixture() {
    if std::env::var_os("WRITE_FIXTURE").is_none() {
        return;
    }
    let dir = fixture();
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    // small memtables, so that some rows are in sorted tables and some in the journal
    let options = || Options { memtable_bytes: 8 << 10, ..Options::default() };
    let kv = Kv::open(&dir, options()).unwrap();
    let (rows, feed) = (kv.space("rows").unwrap(), kv.space("feed").unwrap());
    for n in 0..40u64 {
        let mut batch = Batch::new();
        batch.put(&rows, n.to_be_bytes(), vec![n as u8; 300]).append(&feed, format!("entry {n}"));
        kv.write(batch).await.unwrap();
    }
    let mut batch = Batch::new();
    batch.delete(&rows, 39u64.to_be_bytes()).delete(&feed, 1u64.to_be_bytes());
    kv.write(batch).await.unwrap();
    while kv.stats().table_bytes == 0 {
        tokio::task::yield_now().await;
    }
    kv.close().await;
    drop((kv, rows, feed));
    // opened again, the journal has only what is written
    drop(Kv::open(&dir, options()).unwrap());
    fs::remove_file(dir.join("LOCK")).unwrap();
}

#[tokio::test]
async fn a_store_of_format_1_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    copy(&fixture(), dir.path());
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    let (rows, feed) = (kv.space("rows").unwrap(), kv.space("feed").unwrap());
    assert_eq!(rows.scan::<&[u8]>(..).filter(Result::is_ok).count(), 39);
    for n in 0..39u64 {
        assert_eq!(rows.get(n.to_be_bytes()).unwrap().unwrap(), vec![n as u8; 300]);
    }
    let mut batch = Batch::new();
    batch.append(&feed, "entry 40").put(&rows, "new", "row");
    kv.write(batch).await.unwrap();
    let feed: Vec<_> = feed.scan::<&[u8]>(..).map(|row| row.unwrap()).collect();
    assert_eq!(feed.len(), 40);
    assert_eq!(feed[0].0.as_ref(), 2u64.to_be_bytes());
    assert_eq!((feed[39].0.as_ref(), feed[39].1.as_ref()), (&41u64.to_be_bytes()[..], &b"entry 40"[..]));
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let dir = one_row().await;
    let marker = dir.path().join("engine/FORMAT");
    assert_eq!(fs::read_to_string(&marker).unwrap(), "connect-chat store, format 1\n");
    fs::write(&marker, "connect-chat store, format 2\n").unwrap();
    let error = refused(dir.path());
    assert!(matches!(error, open::Error::NewerFormat { found: 2, known: 1, .. }), "{error}");
    assert!(error.to_string().contains("use the newer program"), "{error}");
    fs::write(&marker, "connect-chat store, format 1\n").unwrap();
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    assert!(kv.space("rows").unwrap().get("k").unwrap().is_some());
}

/// The engine would make an empty store of some of these, and acked rows would be gone without a word.
#[tokio::test]
async fn a_missing_file_is_damage_not_a_new_store() {
    for file in [
        "engine/FORMAT",
        "engine/version",
        "engine/0.jnl",
        "engine/keyspaces/3/current",
        "engine/keyspaces/0/current",
    ] {
        let dir = one_row().await;
        fs::remove_file(dir.path().join(file)).unwrap();
        let Err(error) = Kv::open(dir.path(), Options::default()) else { panic!("opened without {file}") };
        assert!(matches!(error, open::Error::Damaged { .. }), "{file}: {error}");
    }
}

#[tokio::test]
async fn a_store_half_made_at_a_crash_is_made_again() {
    let dir = one_row().await;
    fs::rename(dir.path().join("engine"), dir.path().join("engine.new")).unwrap();
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    assert_eq!(kv.space("rows").unwrap().scan::<&str>(..).count(), 0);
}

#[tokio::test]
async fn damage_in_a_sorted_table_is_an_error_at_the_read_that_meets_it() {
    let dir = tempfile::tempdir().unwrap();
    copy(&fixture(), dir.path());
    for space in fs::read_dir(dir.path().join("engine/keyspaces")).unwrap() {
        let tables = space.unwrap().path().join("tables");
        if tables.parent().unwrap().ends_with("0") {
            continue;
        }
        for table in fs::read_dir(tables).into_iter().flatten() {
            let path = table.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            bytes[60] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
    let kv = match Kv::open(dir.path(), Options::default()) {
        Ok(kv) => kv,
        Err(error) => panic!("the damage is in a data block, which open does not read: {error}"),
    };
    let rows = kv.space("rows").unwrap();
    let errors: Vec<_> = rows.scan::<&[u8]>(..).filter_map(Result::err).take(1).collect();
    assert!(matches!(errors[..], [store_kv::Error::Damaged(_)]), "{errors:?}");
}

#[test]
fn a_read_only_folder_is_named() {
    // nobody may make a folder there, not even root
    let error = refused(Path::new("/sys/connect-chat-store"));
    assert!(matches!(error, open::Error::NotWritable { .. }), "{error:?}");
    assert!(error.to_string().contains("cannot write to /sys/connect-chat-store"), "{error}");
}

#[test]
fn a_folder_still_open_in_this_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    let space = kv.space("rows").unwrap();
    assert!(matches!(refused(dir.path()), open::Error::Locked { .. }));
    drop(kv);
    assert!(matches!(refused(dir.path()), open::Error::Locked { .. }), "a reader still has it");
    drop(space);
    drop(Kv::open(dir.path(), Options::default()).unwrap());
}
