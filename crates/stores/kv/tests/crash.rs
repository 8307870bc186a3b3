//! What is left after a kill, a torn record, damage and a full disk. The test binary runs itself again as the victim.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use store_kv::{Batch, Kv, Options, Space, open};

const FOLDER: &str = "STORE_KV_TEST_FOLDER";

fn rows(space: &Space) -> Vec<u64> {
    space
        .scan::<&[u8]>(..)
        .map(|row| u64::from_be_bytes(row.unwrap().0.as_ref().try_into().unwrap()))
        .collect()
}

fn value(n: u64) -> Vec<u8> {
    let mut value = format!("row {n} ").into_bytes();
    value.resize(200 + (n % 7) as usize * 1_000, b'x');
    value
}

async fn put(kv: &Kv, space: &Space, n: u64) {
    let mut batch = Batch::new();
    batch.put(space, n.to_be_bytes(), value(n));
    kv.write(batch).await.unwrap();
}

/// The victim: writes row after row from where it is, and says each number once it was acked.
///
/// Run by the other tests, with a folder; without one it has nothing to do.
#[tokio::test]
async fn victim() {
    let Ok(dir) = std::env::var(FOLDER) else { return };
    let kv = Kv::open(Path::new(&dir), Options { memtable_bytes: 256 << 10, ..Options::default() }).unwrap();
    let space = kv.space("rows").unwrap();
    let first = rows(&space).last().map_or(0, |n| n + 1);
    for n in first..first + 200_000 {
        put(&kv, &space, n).await;
        println!("acked {n}");
    }
}

fn spawn_victim(dir: &Path, limit_blocks: Option<u32>) -> Child {
    let me = std::env::current_exe().unwrap();
    let mut command = match limit_blocks {
        None => Command::new(&me),
        Some(blocks) => {
            let mut shell = Command::new("sh");
            // the signal is ignored, so that the write fails as it does on a full disk
            shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]).arg(&me);
            shell
        }
    };
    command.args(["victim", "--exact", "--nocapture"]).env(FOLDER, dir);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap()
}

/// The numbers it says, until it ends or was killed after `kill_after` of them.
fn acked(child: &mut Child, kill_after: usize) -> Vec<u64> {
    let mut acked = Vec::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
        acked.extend(line.trim().strip_prefix("acked ").and_then(|n| n.parse::<u64>().ok()));
        line.clear();
        if acked.len() == kill_after {
            child.kill().unwrap();
        }
    }
    acked
}

#[test]
fn nothing_acked_is_lost_at_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = None;
    for round in 0..6 {
        let mut child = spawn_victim(dir.path(), None);
        let said = acked(&mut child, 20 + round * 90);
        child.wait().unwrap();
        last = said.last().copied().or(last);
        let kv = Kv::open(dir.path(), Options::default()).unwrap();
        let space = kv.space("rows").unwrap();
        let kept = rows(&space);
        assert_eq!(kept, (0..kept.len() as u64).collect::<Vec<_>>(), "a hole");
        assert!(kept.last() >= last.as_ref(), "acked {last:?}, kept {:?}", kept.last());
        for n in kept {
            assert_eq!(space.get(n.to_be_bytes()).unwrap().unwrap(), value(n));
        }
    }
}

#[test]
fn a_full_disk_ends_the_process_and_nothing_acked_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    // a journal is preallocated with 64 MiB, so the limit is met by the journal's growth behind that
    drop(Kv::open(dir.path(), Options::default()).unwrap());
    drop(Kv::open(dir.path(), Options::default()).unwrap());
    let mut child = spawn_victim(dir.path(), Some(400));
    let said = acked(&mut child, usize::MAX);
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(6), "aborts: {status:?}");
    assert!(said.len() > 10, "{}", said.len());
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    assert!(rows(&kv.space("rows").unwrap()).len() >= said.len());
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    let mut child = spawn_victim(dir.path(), None);
    assert!(acked(&mut child, usize::MAX).is_empty());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(said.contains("Locked") && said.contains(&format!("process {}", std::process::id())), "{said}");
    drop(kv);
}

/// A closed store with ten rows, one batch each, all of them in its one journal.
fn ten_rows() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let kv = Kv::open(dir.path(), Options::default()).unwrap();
    let space = kv.space("rows").unwrap();
    runtime.block_on(async {
        for n in 0..10 {
            put(&kv, &space, n).await;
        }
    });
    drop((kv, space));
    let journal = dir.path().join("engine/0.jnl");
    (dir, journal)
}

/// Where the value of a row begins in the journal.
fn place(journal: &[u8], n: u64) -> usize {
    let mark = format!("row {n} ").into_bytes();
    journal.windows(mark.len()).position(|window| window == mark).unwrap()
}

fn reopened(dir: &Path) -> Result<Vec<u64>, open::Error> {
    let kv = Kv::open(dir, Options::default())?;
    Ok(rows(&kv.space("rows").unwrap()))
}

#[test]
fn a_torn_last_record_is_forgotten() {
    let nine: Vec<u64> = (0..9).collect();
    for torn in ["cut", "zeroed", "flipped", "garbage"] {
        let (dir, path) = ten_rows();
        let mut journal = std::fs::read(&path).unwrap();
        let last = place(&journal, 9);
        match torn {
            "cut" => journal.truncate(last + 100),
            // the end reached the disk, the middle did not
            "zeroed" => journal[last..last + 100].fill(0),
            "flipped" => journal[last + 150] ^= 1,
            _ => {
                let end = last + 400;
                journal[last - 42..end].fill(0xA5);
            }
        }
        std::fs::write(&path, journal).unwrap();
        assert_eq!(reopened(dir.path()).unwrap(), nine, "{torn}");
        // and what is written next is not behind the torn bytes
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let kv = Kv::open(dir.path(), Options::default()).unwrap();
        runtime.block_on(put(&kv, &kv.space("rows").unwrap(), 9));
        drop(kv);
        assert_eq!(reopened(dir.path()).unwrap().len(), 10, "{torn}");
    }
}

#[test]
fn damage_in_acked_rows_is_not_taken_for_a_torn_end() {
    for damage in ["value", "tag", "length", "zeroed", "end of the last but one"] {
        let (dir, path) = ten_rows();
        let mut journal = std::fs::read(&path).unwrap();
        let row = place(&journal, 4);
        match damage {
            // a batch ends with a mark, and the next begins 42 bytes before its value
            "end of the last but one" => {
                let last = place(&journal, 9) - 42;
                assert_eq!(&journal[last - 4..last], b"FJL\x03");
                journal[last - 1] ^= 1;
            }
            "value" => journal[row + 20] ^= 1,
            // tag, type, compression, space (8), lengths (2, 4, 4) and key (8) come before the value
            "tag" => journal[row - 29] ^= 0x40,
            "length" => journal[row - 9] ^= 0x40,
            _ => journal[row - 50..row + 100].fill(0),
        }
        let before = journal.clone();
        std::fs::write(&path, journal).unwrap();
        let error = reopened(dir.path()).unwrap_err();
        assert!(matches!(error, open::Error::Damaged { .. }), "{damage}: {error}");
        assert!(error.to_string().contains("0.jnl cannot be read from byte"), "{error}");
        assert!(std::fs::read(&path).unwrap() == before, "{damage}: evidence was changed");
    }
}
