//! Backups: one state while others write, and nothing but the whole of it back.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::fs;

use store_kv::backup::{self, Error, Tally};
use store_kv::{Batch, Kv, Options, Space};

fn small() -> Options {
    Options { memtable_bytes: 16 << 10, ..Options::default() }
}

fn rows(space: &Space) -> Vec<(Vec<u8>, Vec<u8>)> {
    space.scan::<&[u8]>(..).map(|row| row.unwrap()).map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
}

async fn set(kv: &Kv, space: &Space, feed: &Space, n: u64, value: &str) {
    let mut batch = Batch::new();
    batch.put(space, n.to_be_bytes(), value.repeat(50)).append(feed, format!("{n} {value}"));
    kv.write(batch).await.unwrap();
}

/// A store of so many rows, and its backup.
async fn backed_up(count: u64) -> (tempfile::TempDir, Vec<u8>, Tally) {
    let dir = tempfile::tempdir().unwrap();
    let kv = Kv::open(dir.path(), small()).unwrap();
    let (space, feed) = (kv.space("rows").unwrap(), kv.space("feed").unwrap());
    for n in 0..count {
        set(&kv, &space, &feed, n, "v").await;
    }
    let mut file = vec![];
    let tally = kv.snapshot().back_up(b"about", &mut file).unwrap();
    (dir, file, tally)
}

fn damaged(file: &[u8]) -> String {
    let error = backup::inspect(file).unwrap_err();
    assert!(matches!(error, Error::Damaged(_)), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_backup_is_of_one_state_however_much_is_written_meanwhile() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let kv = Kv::open(dir.path(), small()).unwrap();
    let (space, feed) = (kv.space("rows").unwrap(), kv.space("feed").unwrap());
    for n in 0..300 {
        set(&kv, &space, &feed, n, "before").await;
    }
    let snapshot = kv.snapshot();
    let before = (rows(&space), rows(&feed));
    // enough to flush and merge what the snapshot still needs, some of it deleted
    for round in 0..6 {
        for n in 0..300 {
            set(&kv, &space, &feed, n, &format!("after{round}")).await;
        }
    }
    let mut batch = Batch::new();
    (0..300u64).for_each(|n| _ = batch.delete(&space, n.to_be_bytes()));
    kv.write(batch).await.unwrap();
    assert_eq!((snapshot.last_offset(&feed).unwrap(), rows(&space).len()), (300, 0));
    let mut file = vec![];
    let tally = snapshot.back_up(b"about", &mut file).unwrap();
    assert_eq!((tally.rows("rows"), tally.rows("feed"), tally.rows("none")), (300, 300, 0));

    let restored = backup::restore(to.path(), &small(), &file[..]).unwrap();
    assert_eq!((restored.about, restored.tally), (b"about".to_vec(), tally));
    let kv = Kv::open(to.path(), small()).unwrap();
    let (space, feed) = (kv.space("rows").unwrap(), kv.space("feed").unwrap());
    assert_eq!((rows(&space), rows(&feed)), before);
    set(&kv, &space, &feed, 7, "on").await;
    assert_eq!(kv.snapshot().last_offset(&feed).unwrap(), 301, "offsets go on where they were");
}

#[tokio::test]
async fn a_restored_store_survives_a_kill_and_is_a_store_like_any() {
    let (_dir, file, _) = backed_up(200).await;
    let to = tempfile::tempdir().unwrap();
    backup::restore(to.path(), &small(), &file[..]).unwrap();
    for round in 0..3 {
        let kv = Kv::open(to.path(), small()).unwrap();
        let (space, feed) = (kv.space("rows").unwrap(), kv.space("feed").unwrap());
        assert_eq!(rows(&space).len(), 200);
        set(&kv, &space, &feed, 3, &format!("round {round}")).await;
        assert_eq!(rows(&feed).len(), 201 + round);
    }
}

#[tokio::test]
async fn a_damaged_backup_is_restored_in_part() {
    let (_dir, file, _) = backed_up(50).await;
    assert!(backup::inspect(&file[..]).is_ok());
    for at in 0..file.len() {
        let mut broken = file.clone();
        broken[at] ^= 0x10;
        assert!(backup::inspect(&broken[..]).is_err(), "byte {at} of {}", file.len());
    }
    for length in 0..file.len() {
        assert!(backup::inspect(&file[..length]).is_err(), "cut at {length}");
    }
    assert!(damaged(&[&file[..], b"x"].concat()).contains("follows its end"));
    assert!(damaged(&file[..file.len() - 1]).contains("cut short"));

    let to = tempfile::tempdir().unwrap();
    let mut broken = file.clone();
    broken[file.len() / 2] ^= 1;
    assert!(backup::restore(to.path(), &small(), &broken[..]).is_err());
    assert!(!to.path().join("engine").exists(), "half a store is none");
    backup::restore(to.path(), &small(), &file[..]).unwrap();
}

#[tokio::test]
async fn a_foreign_or_newer_file_is_taken_for_a_backup() {
    for foreign in [&b""[..], b"\x1f\x8b", b"connect-chat backup, format one\n", &[0; 5_000]] {
        assert!(matches!(backup::inspect(foreign).unwrap_err(), Error::Foreign));
    }
    let newer = backup::inspect(&b"connect-chat backup, format 2\n"[..]).unwrap_err();
    assert!(newer.to_string().contains("a newer one"), "{newer}");
}

#[tokio::test]
async fn a_store_is_overwritten_by_a_backup() {
    let (dir, file, _) = backed_up(3).await;
    let error = backup::restore(dir.path(), &small(), &file[..]).unwrap_err();
    assert!(matches!(error, Error::Occupied(_)), "{error}");
    let kv = Kv::open(dir.path(), small()).unwrap();
    assert_eq!(rows(&kv.space("rows").unwrap()).len(), 3);
    drop(kv);
}

/// Writes the fixture again, for a new format: `WRITE_FIXTURE=1 cargo test -p store-kv --test backup write_the_fixture`.
#[tokio::test]
async fn write_the_fixture() {
    if std::env::var_os("WRITE_FIXTURE").is_some() {
        fs::write("tests/fixtures/backup-1", backed_up(5).await.1).unwrap();
    }
}

#[test]
fn a_backup_of_format_1_is_read_for_ever() {
    let file = fs::read("tests/fixtures/backup-1").unwrap();
    let backup = backup::inspect(&file[..]).unwrap();
    assert_eq!(
        (backup.about, backup.tally.rows("rows"), backup.tally.rows("feed")),
        (b"about".to_vec(), 5, 5)
    );
}
