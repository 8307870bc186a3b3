//! The benchmarks, small: each gives its figures with the keys that others read, its meter shows a fault where there is one
//! and none where there is none, and the program fails just when it shows one. The real trace replays whole. No figure is
//! judged.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::Command;
use verify::process::program;

use crate::support::until;

/// What the program does with these arguments.
async fn run(arguments: &str) -> Output {
    let mut command = Command::new(program().unwrap());
    command.arg("bench").args(arguments.split_whitespace());
    command.kill_on_drop(true).output().await.unwrap()
}

/// One run of a benchmark. It has all keys, and the program fails if and only if something was got wrong.
async fn measured(arguments: &str) -> Value {
    let scratch = tempfile::tempdir().unwrap();
    let common = format!("--json --runs 1 --scratch {}", scratch.path().display());
    let output = run(&format!("{arguments} {common}")).await;
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{arguments}: {}", String::from_utf8_lossy(&output.stderr)));
    for key in KEYS {
        assert!(report.get(key).is_some(), "{key}: {report}");
    }
    let counted = FAULTS.iter().any(|key| report[key].as_u64().is_some_and(|count| count > 0));
    let is_wrong = counted || report["wrong"].as_array().is_some_and(|wrong| !wrong.is_empty());
    assert_eq!(output.status.success(), !is_wrong, "{report}");
    report
}

/// What is counted as got wrong.
const FAULTS: [&str; 4] = ["lost", "duplicated", "disordered", "unanswered"];

/// The keys that every report has.
const KEYS: [&str; 12] = [
    "acked_per_s",
    "received_per_s",
    "ack_ms",
    "receive_ms",
    "server_cpu_us_per_delivery",
    "server_rss_mb",
    "rss_bytes_per_session",
    "lost",
    "duplicated",
    "disordered",
    "unanswered",
    "wrong",
];

fn count(report: &Value, key: &str) -> u64 {
    report[key].as_u64().unwrap_or_else(|| panic!("{key}: {report}"))
}

/// A report has a figure above 0 at each of these places.
fn check(report: &Value, figures: &[&str]) {
    for figure in figures {
        let value = report.pointer(figure).and_then(Value::as_f64);
        assert!(value.is_some_and(|value| value > 0.0), "{figure}: {report}");
    }
}

/// A sound server shows no fault to this benchmark and is held against a ceiling; one that drops, repeats or swaps shows
/// just that, and is held against none.
async fn shows_faults(arguments: &str) {
    let sound = measured(arguments).await;
    check(&sound, &["/acked", "/received", "/ceiling/ratio"]);
    for key in FAULTS {
        assert_eq!(sound[key], 0, "{sound}");
    }
    for (fault, key) in [("drop", "lost"), ("dup", "duplicated"), ("swap", "disordered")] {
        let faulty = measured(&format!("{arguments} --fault {fault}")).await;
        assert!(count(&faulty, key) > 0, "{fault}: {faulty}");
        assert_eq!(faulty["ceiling"], Value::Null, "{faulty}");
    }
}

#[tokio::test]
async fn pairs_hide_what_they_missed() {
    shows_faults("pairs --pairs 5 --window 8 --secs 1").await;
}

#[tokio::test]
async fn a_rate_hides_what_its_pairs_missed() {
    shows_faults("rate --pairs 5 --rate 1000 --secs 2").await;
}

#[tokio::test]
async fn a_fanout_hides_what_its_members_missed() {
    shows_faults("fanout --members 70 --secs 1 --large 0").await;
}

#[tokio::test]
async fn a_storm_hides_what_its_sessions_missed() {
    shows_faults("storm --sessions 40 --conversations 1 --rate 400").await;
}

#[tokio::test]
async fn a_replay_hides_what_its_people_missed() {
    let trace = small_trace();
    shows_faults(&format!("replay {}", trace.path().display())).await;
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
    let replayed = measured(&format!("replay {}", trace.display())).await;
    assert_eq!(count(&replayed, "acked"), 100_000, "{replayed}");
    for fault in ["lost", "duplicated", "disordered", "different"] {
        assert_eq!(count(&replayed, fault), 0, "{replayed}");
    }
    assert_eq!((count(&replayed, "groups"), count(&replayed, "people")), (5_302, 671), "{replayed}");
    assert_eq!(count(&replayed, "devices"), 671, "{replayed}");
    assert_eq!(count(&replayed, "synced"), 703_194, "what all of them read: {replayed}");
    check(&replayed, &["/equal"]);
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_a_fast_one() {
    let refused = measured("pairs --pairs 2 --secs 1 --set limits.text_bytes_max=10").await;
    check(&refused, &["/refused"]);
    assert_eq!((count(&refused, "acked"), count(&refused, "unanswered")), (0, 0), "{refused}");
    assert!(refused["wrong"][0].as_str().unwrap().contains("refused, the first: "), "{refused}");
}

#[tokio::test]
async fn what_was_lost_while_a_log_was_written_goes_unseen() {
    for arguments in
        ["history --stored 400 --long 800 --asks 5", "growth --messages 4000 --pairs 4 --large 0"]
    {
        let faulty = measured(&format!("{arguments} --fault drop")).await;
        assert!(count(&faulty, "lost") > 0, "{faulty}");
    }
}

#[tokio::test]
async fn a_rate_does_not_tell_what_it_stands_on() {
    let report = measured("rate --pairs 4 --rate 400 --secs 2").await;
    check(&report, &["/receive_ms/p99", "/send_late_ms/p99", "/commit_p99_ms", "/commit_max_ms"]);
}

#[tokio::test]
async fn an_idle_session_costs_nothing_or_is_not_held() {
    let report = measured("idle --sessions 100 --conversations 2 --hold 1").await;
    check(&report, &["/rss_bytes_per_session", "/rss_before_mb", "/ceiling/value"]);
}

#[tokio::test]
async fn a_page_of_a_long_log_is_not_found() {
    let report = measured("history --stored 200 --long 600 --asks 5").await;
    check(&report, &["/latest/ms/p50", "/page_at_start/ms/p50", "/page_in_middle/ms/p50", "/ceiling/ratio"]);
}

#[tokio::test]
async fn a_store_that_has_grown_is_not_opened_again() {
    let report = measured("growth --messages 4000 --pairs 4 --large 30").await;
    let figures =
        ["/cost_ratio", "/reopening_s", "/listening_s", "/disk_bytes_per_message", "/large_cost_ratio"];
    check(&report, &figures);
}

#[tokio::test]
async fn a_report_is_not_made_of_what_was_printed() {
    let kept = tempfile::tempdir().unwrap();
    let report = measured("ceilings --pairs 4 --members 10 --secs 1").await;
    check(
        &report,
        &["/fdatasync_4k/ms/p50", "/relay_window_64/per_s", "/fan_out/per_s", "/store_batch_1_per_s"],
    );
    std::fs::write(kept.path().join("ceilings.json"), report.to_string()).unwrap();
    let page = kept.path().join("README.md");
    std::fs::write(&page, "# Figures\n<!-- bench report -->\n<!-- end of bench report -->\nand so on\n")
        .unwrap();
    let output = run(&format!("report --from {} --write {}", kept.path().display(), page.display())).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = std::fs::read_to_string(&page).unwrap();
    let row = "| `connect-chat bench ceilings --pairs 4 --members 10 --secs 1` | 1 | fdatasync of 4 KiB ";
    assert!(page.starts_with("# Figures\n") && page.contains(row) && page.ends_with("and so on\n"), "{page}");
}

#[tokio::test]
async fn a_report_of_a_benchmark_that_went_wrong_is_a_success() {
    let kept = tempfile::tempdir().unwrap();
    let wrong = json!({ "benchmark": "replay", "lost": 0, "wrong": ["3 groups read back differently"] });
    std::fs::write(kept.path().join("replay.json"), wrong.to_string()).unwrap();
    let output = run(&format!("report --from {}", kept.path().display())).await;
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("3 groups read back differently"), "the table is made nevertheless: {table}");
    assert!(!output.status.success());
}

/// The processes that name `folder` in their arguments.
fn processes_on(folder: &Path) -> Vec<Pid> {
    let named = |process: DirEntry| {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let folder = folder.as_os_str().as_encoded_bytes();
        let pid = process.file_name().to_str()?.parse().ok()?;
        arguments.windows(folder.len()).any(|part| part == folder).then_some(Pid::from_raw(pid)?)
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(named).collect()
}

#[tokio::test]
async fn a_benchmark_that_is_stopped_leaves_its_server_behind() {
    for (signal, is_orderly) in [(Signal::TERM, true), (Signal::INT, true), (Signal::KILL, false)] {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = Command::new(program().unwrap());
        command.args(["bench", "pairs", "--pairs", "2", "--secs", "600", "--scratch"]).arg(scratch.path());
        let mut bench = command.kill_on_drop(true).stderr(Stdio::null()).spawn().unwrap();
        until("its server listens", async || {
            let mut runs = std::fs::read_dir(scratch.path()).unwrap().flatten();
            runs.any(|run| run.path().join("addresses.json").exists())
        })
        .await;
        assert_eq!(processes_on(scratch.path()).len(), 2, "the benchmark and its server");
        kill_process(Pid::from_raw(bench.id().unwrap().cast_signed()).unwrap(), signal).unwrap();
        assert!(!bench.wait().await.unwrap().success());
        until("its server is gone", async || processes_on(scratch.path()).is_empty()).await;
        let left = std::fs::read_dir(scratch.path()).unwrap().count();
        assert_eq!(left, usize::from(!is_orderly), "folders after {signal:?}");
    }
}
