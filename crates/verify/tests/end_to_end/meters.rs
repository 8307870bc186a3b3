//! `connect-chat bench` and its meters: each shows the fault that there is, and none where there is none; the real trace
//! replays whole.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;
use verify::process::program;

/// What a benchmark measures; the last word of `command` may be a file.
async fn bench(command: &str, file: Option<&Path>) -> Value {
    let scratch = tempfile::tempdir().unwrap();
    let mut bench = Command::new(program().unwrap());
    bench.arg("bench").args(command.split_whitespace()).args(file);
    bench.args(["--json", "--scratch"]).arg(scratch.path());
    let output = bench.kill_on_drop(true).output().await.unwrap();
    let failed = || panic!("{command}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| failed())
}

fn count(measured: &Value, key: &str) -> u64 {
    measured[key].as_u64().unwrap_or_else(|| panic!("{key}: {measured}"))
}

/// A sound server shows no fault, and one that drops, doubles or swaps deliveries shows just that.
async fn shows_each_fault(command: &str, file: Option<&Path>) {
    let sound = bench(command, file).await;
    assert!(count(&sound, "acked") > 0 && count(&sound, "received") > 0, "{sound}");
    for key in ["lost", "duplicated", "disordered"] {
        assert_eq!(count(&sound, key), 0, "{sound}");
    }
    for (fault, key) in [("drop", "lost"), ("dup", "duplicated"), ("swap", "disordered")] {
        let faulty = bench(&format!("--fault {fault} {command}"), file).await;
        assert!(count(&faulty, key) > 0, "{fault}: {faulty}");
    }
}

#[tokio::test]
async fn pairs_do_not_show_a_fault_or_show_one_where_there_is_none() {
    shows_each_fault("pairs --pairs 5 --window 8 --secs 1 --runs 1", None).await;
}

#[tokio::test]
async fn a_rate_does_not_show_a_fault_or_shows_one_where_there_is_none() {
    shows_each_fault("rate --pairs 5 --rate 1000 --secs 1 --runs 1", None).await;
}

#[tokio::test]
async fn a_replay_does_not_show_a_fault_or_shows_one_where_there_is_none() {
    shows_each_fault("replay", Some(small_trace().path())).await;
}

/// A trace of 2,000 messages by 3 people in one group: in two, a swap may be of entries of different logs, and is none.
fn small_trace() -> tempfile::NamedTempFile {
    let mut rows = String::from("second,group,user,bytes,mentions\n");
    for n in 0..2_000 {
        rows += &format!("{n},0,{},{},0\n", n % 3, 20 + n % 600);
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), rows).unwrap();
    file
}

/// 100,000 messages in 5,302 groups of 671 people: see `crates/connect-chat/traces`.
#[tokio::test]
async fn the_real_trace_is_not_what_empty_devices_read() {
    let trace: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "connect-chat", "traces", "group-chat-100k.csv.gz"]
            .iter()
            .collect();
    let replayed = bench("replay", Some(&trace)).await;
    assert_eq!(count(&replayed, "acked"), 100_000, "{replayed}");
    for fault in ["lost", "duplicated", "disordered", "different"] {
        assert_eq!(count(&replayed, fault), 0, "{replayed}");
    }
    assert_eq!((count(&replayed, "groups"), count(&replayed, "people")), (5_302, 671), "{replayed}");
    assert_eq!(count(&replayed, "devices"), 671, "{replayed}");
    assert_eq!(count(&replayed, "synced"), 703_194, "what all of them read: {replayed}");
    assert!(count(&replayed, "equal") > 0, "{replayed}");
}
