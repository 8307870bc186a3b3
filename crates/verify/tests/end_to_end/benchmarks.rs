//! The benchmarks, small: each gives its figures with the keys that others read, and its meter shows a fault where there
//! is one and none where there is none. No figure is judged.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;
use verify::process::program;

/// What `bench` prints for these arguments.
async fn bench(arguments: &str, scratch: &Path) -> Value {
    let mut command = Command::new(program().unwrap());
    command.arg("bench").args(arguments.split(' ')).args(["--json", "--runs", "1", "--scratch"]).arg(scratch);
    let output = command.kill_on_drop(true).output().await.unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{arguments}: {}", String::from_utf8_lossy(&output.stderr)))
}

async fn measured(arguments: &str) -> Value {
    bench(arguments, tempfile::tempdir().unwrap().path()).await
}

/// The keys that every report has.
const KEYS: [&str; 10] = [
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
];

/// A report has all keys, and a figure above 0 at each of these places.
fn check(report: &Value, figures: &[&str]) {
    for key in KEYS {
        assert!(report.get(key).is_some(), "{key}: {report}");
    }
    for figure in figures {
        let value = report.pointer(figure).and_then(Value::as_f64);
        assert!(value.is_some_and(|value| value > 0.0), "{figure}: {report}");
    }
}

/// A sound server shows no fault to this benchmark, and one that drops, repeats or swaps shows that.
async fn shows_faults(arguments: &str) {
    let sound = measured(arguments).await;
    check(&sound, &["/received"]);
    for key in ["lost", "duplicated", "disordered"] {
        assert_eq!(sound[key], 0, "{sound}");
    }
    for (fault, key) in [("drop", "lost"), ("dup", "duplicated"), ("swap", "disordered")] {
        let faulty = measured(&format!("{arguments} --fault {fault}")).await;
        assert!(faulty[key].as_u64().unwrap() > 0, "{fault}: {faulty}");
    }
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
async fn a_rate_is_not_held_against_the_commits_of_its_time() {
    let report = measured("rate --pairs 4 --rate 400 --secs 1").await;
    check(&report, &["/receive_ms/p99", "/commit_p99_ms", "/commit_max_ms", "/ceiling/ratio"]);
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
    let (scratch, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let report = bench("ceilings --pairs 4 --members 10 --secs 1", scratch.path()).await;
    check(
        &report,
        &["/fdatasync_4k/ms/p50", "/relay_window_64/per_s", "/fan_out/per_s", "/store_batch_1_per_s"],
    );
    std::fs::write(kept.path().join("ceilings.json"), report.to_string()).unwrap();
    let page = kept.path().join("README.md");
    std::fs::write(&page, "# Figures\n<!-- bench report -->\n<!-- end of bench report -->\nand so on\n")
        .unwrap();
    let mut command = Command::new(program().unwrap());
    command.args(["bench", "report", "--from"]).arg(kept.path()).arg("--write").arg(&page);
    let output = command.kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = std::fs::read_to_string(&page).unwrap();
    let row =
        "| `connect-chat bench ceilings --pairs 4 --members 10 --secs 1 --runs 1` | fdatasync of 4 KiB ";
    assert!(page.starts_with("# Figures\n") && page.contains(row) && page.ends_with("and so on\n"), "{page}");
}
