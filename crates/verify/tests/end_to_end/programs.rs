//! The programs as people and pipes use them: the terminal client, the SDK's example, the bench and its meters.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use verify::process::{Server, program};

/// The example, which is built beside the program.
fn example() -> PathBuf {
    program().unwrap().with_file_name("examples").join("hello")
}

async fn run(command: &mut Command) -> Output {
    command.kill_on_drop(true).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Chat {
    child: Child,
    folder: tempfile::TempDir,
}

/// The terminal client of a person, in pipe mode, with a conversation open.
fn chat(server: &Server, user: &str, open: Option<&str>) -> Chat {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program().unwrap());
    command.args(["chat", "--url", server.base(), "--user", user, "--sign-up", "--state"]).arg(folder.path());
    command.args(open.into_iter().flat_map(|name| ["--open", name]));
    command.env("CONNECT_CHAT_PASSWORD", "correct horse").kill_on_drop(true);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    Chat { child, folder }
}

impl Chat {
    /// Says these lines, ends the input, and gives what was printed.
    async fn say(mut self, lines: &str) -> String {
        self.child.stdin.take().unwrap().write_all(lines.as_bytes()).await.unwrap();
        let output = self.child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        drop(self.folder);
        text(&output.stdout)
    }
}

#[tokio::test]
async fn two_people_at_pipes_do_not_hear_each_other() {
    let server = Server::start().await.unwrap();
    chat(&server, "bob", None).say("").await;
    let told = chat(&server, "ada", Some("bob")).say("hello bob\n").await;
    assert!(told.lines().any(|line| line.starts_with("sent\t")), "{told}");
    let listed = chat(&server, "bob", None).say("/list\n").await;
    assert!(
        listed.lines().any(|line| line.starts_with("conversation\t") && line.ends_with("ada\t1")),
        "{listed}"
    );
    let opened = chat(&server, "bob", Some("ada")).say("hi ada\n").await;
    assert!(opened.contains("hello bob") && opened.contains("sent\t"), "{opened}");
}

#[tokio::test]
async fn the_example_of_the_sdk_does_not_run() {
    let server = Server::start().await.unwrap();
    let output = run(Command::new(example()).arg(server.base())).await;
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert!(told.contains("bob hears: hello, bob") && told.contains("ada hears: hello, ada"), "{told}");
}

/// What a short `bench pairs` measures, with this fault on the server.
async fn pairs(fault: Option<&str>) -> serde_json::Value {
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new(program().unwrap());
    command.args(["bench", "pairs", "--pairs", "5", "--window", "8", "--secs", "1", "--json", "--scratch"]);
    command.arg(scratch.path());
    command.args(fault.into_iter().flat_map(|fault| ["--fault", fault]));
    let output = run(&mut command).await;
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

#[tokio::test]
async fn a_meter_shows_a_fault_where_there_is_none_or_none_where_there_is() {
    let count = |measured: &serde_json::Value, key: &str| measured[key].as_u64().unwrap();
    let sound = pairs(None).await;
    assert!(sound["acked_per_s"].as_f64().unwrap() > 0.0);
    for key in ["lost", "duplicated", "disordered"] {
        assert_eq!(count(&sound, key), 0, "{sound}");
    }
    for (fault, key) in [("drop", "lost"), ("dup", "duplicated"), ("swap", "disordered")] {
        let faulty = pairs(Some(fault)).await;
        assert!(count(&faulty, key) > 0, "{fault}: {faulty}");
    }
}

/// A trace of 60 messages by 3 people in 2 groups.
fn small_trace() -> tempfile::NamedTempFile {
    let mut rows = String::from("second,group,user,bytes,mentions\n");
    for n in 0..60 {
        rows += &format!("{n},{},{},{},0\n", n % 2, n % 3, 20 + n);
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), rows).unwrap();
    file
}

#[tokio::test]
async fn a_replayed_trace_is_not_what_an_empty_device_reads() {
    let (trace, scratch) = (small_trace(), tempfile::tempdir().unwrap());
    let mut command = Command::new(program().unwrap());
    command.args(["bench", "replay"]).arg(trace.path()).args(["--json", "--scratch"]).arg(scratch.path());
    let output = run(&mut command).await;
    let measured: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    assert_eq!(measured["acked"], 60, "{measured}");
    assert_eq!(measured["different"], 0, "{measured}");
    assert!(measured["equal"].as_u64().unwrap() > 0, "{measured}");
}
