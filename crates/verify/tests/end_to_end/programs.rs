//! The programs as people and pipes use them: the terminal client, the SDK's example.

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
        let (mut input, lines) = (self.child.stdin.take().unwrap(), lines.to_owned());
        // Beside reading what is printed: a program that reads no more before that was read would wait for ever.
        let said = tokio::spawn(async move { input.write_all(lines.as_bytes()).await });
        let output = self.child.wait_with_output().await.unwrap();
        said.await.unwrap().unwrap();
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
async fn a_script_is_not_told_that_its_message_was_not_sent() {
    let server = Server::start().await.unwrap();
    let mut chat = chat(&server, "ada", Some("nobody"));
    chat.child.stdin.take().unwrap().write_all(b"hello\n").await.unwrap();
    let output = chat.child.wait_with_output().await.unwrap();
    assert!(!output.status.success(), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("2 came to nothing"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_pipe_that_is_faster_than_the_server_loses_lines() {
    let server = Server::start().await.unwrap();
    chat(&server, "bob", None).say("").await;
    let lines: String = (0..12_000).map(|n| format!("line {n}\n")).collect();
    let told = chat(&server, "ada", Some("bob")).say(&lines).await;
    assert_eq!(told.lines().filter(|line| line.starts_with("sent\t")).count(), 12_000);
}

#[tokio::test]
async fn the_example_of_the_sdk_does_not_run() {
    let server = Server::start().await.unwrap();
    let output = run(Command::new(example()).arg(server.base())).await;
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert!(told.contains("bob hears: hello, bob") && told.contains("ada hears: hello, ada"), "{told}");
}
