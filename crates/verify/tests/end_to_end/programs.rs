//! The programs as people and pipes use them: the terminal client, the SDK's example.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use domain::ConversationId;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use verify::process::{Ports, Server, program};

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

/// A person at a pipe, with what is kept of them.
struct Chat {
    base: String,
    user: String,
    open: Option<String>,
    folder: tempfile::TempDir,
}

/// How a pipe ended.
struct Told {
    all_well: bool,
    output: String,
    errors: String,
}

/// The terminal client of a person, in pipe mode, with a conversation open.
fn chat(server: &Server, user: &str, open: Option<&str>) -> Chat {
    let folder = tempfile::tempdir().unwrap();
    Chat { base: server.base().to_owned(), user: user.to_owned(), open: open.map(str::to_owned), folder }
}

impl Chat {
    /// Says these lines, ends the input, and gives what was printed.
    async fn say(self, lines: &str) -> String {
        let told = self.pipes(lines.as_bytes(), 10).await;
        assert!(told.all_well, "{}{}", told.output, told.errors);
        told.output
    }

    /// Pipes these bytes in, and gives how it ended: all is sent, or so many seconds have passed.
    async fn pipes(&self, bytes: &[u8], linger_secs: u64) -> Told {
        let mut command = Command::new(program().unwrap());
        command.args(["chat", "--url", &self.base, "--user", &self.user, "--sign-up", "--state"]);
        command.arg(self.folder.path()).args(["--linger-secs", &linger_secs.to_string()]);
        command.args(self.open.iter().flat_map(|name| ["--open", name]));
        command.env("CONNECT_CHAT_PASSWORD", "correct horse").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut input, bytes) = (child.stdin.take().unwrap(), bytes.to_vec());
        // Beside reading what is printed: a program that reads no more before that was read would wait for ever.
        let said = tokio::spawn(async move { input.write_all(&bytes).await });
        let output = child.wait_with_output().await.unwrap();
        said.await.unwrap().unwrap();
        let (all_well, errors) = (output.status.success(), text(&output.stderr));
        Told { all_well, output: text(&output.stdout), errors }
    }

    /// The tokens that are kept are good for nothing any more.
    fn is_signed_out(&self) {
        let file = self.kept("tokens.json");
        let mut tokens: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for token in ["access_token", "refresh_token"] {
            tokens[token] = "no longer good".into();
        }
        std::fs::write(&file, tokens.to_string()).unwrap();
    }

    /// The one file of this name among what is kept.
    fn kept(&self, name: &str) -> PathBuf {
        let mut folders = vec![self.folder.path().to_owned()];
        let mut found = vec![];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let (inner, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
            folders.extend(inner);
            found.extend(files.into_iter().filter(|path| path.ends_with(name)));
        }
        let [one] = &found[..] else { panic!("{name} is there {} times", found.len()) };
        one.clone()
    }
}

/// Lines of the output with this name.
fn events<'a>(output: &'a str, name: &str) -> Vec<&'a str> {
    output.lines().filter(|line| line.split('\t').next() == Some(name)).collect()
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
    let told = chat(&server, "ada", Some("nobody")).pipes(b"hello\n", 10).await;
    assert!(!told.all_well, "{}", told.output);
    assert!(told.errors.contains("2 lines came to nothing"), "{}", told.errors);
    for line in [&b"/list\n/members\n"[..], b"/back\n", b"\xff"] {
        let told = chat(&server, "ada", None).pipes(line, 10).await;
        assert!(!told.all_well && told.errors.contains("1 line came to nothing"), "{}", told.errors);
    }
}

#[tokio::test]
async fn a_line_that_is_no_text_is_said_as_another() {
    let server = Server::start().await.unwrap();
    chat(&server, "bob", None).say("").await;
    let long = [&b"x".repeat(1 << 20)[..], b"/quit\nafter\n\xff\xfe\nlast\n"].concat();
    let told = chat(&server, "ada", Some("bob")).pipes(&long, 10).await;
    assert!(told.errors.contains("2 lines came to nothing"), "{}", told.errors);
    let said: Vec<&str> =
        events(&told.output, "message").iter().filter_map(|line| line.split('\t').nth(6)).collect();
    assert_eq!(said, ["after", "last"], "{}", told.output);
}

#[tokio::test]
async fn a_pipe_goes_on_talking_to_whom_it_talked_before() {
    let server = Server::start().await.unwrap();
    chat(&server, "bob", None).say("").await;
    for opens in ["/open nobody", "/open", "/group team nobody"] {
        let lines = format!("for bob\n{opens}\nfor somebody else\n");
        let told = chat(&server, "ada", Some("bob")).pipes(lines.as_bytes(), 10).await;
        assert!(told.errors.contains("2 lines came to nothing"), "{opens}: {}", told.errors);
        assert_eq!(events(&told.output, "queued").len(), 1, "{opens}: {}", told.output);
    }
}

#[tokio::test]
async fn a_device_that_is_signed_out_can_never_sign_in_again() {
    let server = Server::start().await.unwrap();
    let ada = chat(&server, "ada", None);
    assert!(ada.pipes(b"", 10).await.all_well);
    ada.is_signed_out();
    let told = ada.pipes(b"/open nobody\n", 10).await;
    assert!(!told.all_well && told.errors.contains("signed out"), "{}{}", told.output, told.errors);
    let told = ada.pipes(b"/list\n", 10).await;
    assert!(told.all_well, "{}{}", told.output, told.errors);
}

#[tokio::test]
async fn what_waits_on_a_device_that_is_signed_out_is_never_sent() {
    let mut server = Server::start().await.unwrap();
    let bob = crate::support::device(&server, "bob").await;
    let ada = chat(&server, "ada", Some("bob"));
    assert!(ada.pipes(b"", 10).await.all_well);
    server.kill().await.unwrap();
    let told = ada.pipes(b"first\nsecond\n", 0).await;
    assert_eq!(events(&told.output, "queued").len(), 2, "{}{}", told.output, told.errors);
    server.restart(Ports::Same).await.unwrap();
    ada.is_signed_out();
    let told = ada.pipes(b"", 10).await;
    assert!(!told.all_well && told.errors.contains("signed out"), "{}{}", told.output, told.errors);
    let told = ada.pipes(b"third\n", 10).await;
    assert!(told.all_well, "{}{}", told.output, told.errors);
    assert_eq!(
        events(&told.output, "info"),
        ["info\t2 messages from before are sent now; some may come twice"]
    );
    assert!(events(&ada.pipes(b"", 10).await.output, "info").is_empty(), "they come once");
    let adas = bob.http.by_handle("ada").await.unwrap().id;
    let log = bob.history(ConversationId::direct(bob.user(), adas)).await;
    assert_eq!(crate::support::texts(&log), ["first", "second", "third"]);
}

#[tokio::test]
async fn what_waits_is_sent_in_the_name_of_another_with_the_same_handle() {
    let mut server = Server::start().await.unwrap();
    chat(&server, "bob", None).say("").await;
    let ada = chat(&server, "ada", Some("bob"));
    assert!(ada.pipes(b"", 10).await.all_well);
    server.kill().await.unwrap();
    assert_eq!(events(&ada.pipes(b"secret\n", 0).await.output, "queued").len(), 1);
    let another = domain::UserId::from_bytes([9; 16]);
    std::fs::write(ada.kept("user"), another.to_string()).unwrap();
    std::fs::remove_file(ada.kept("tokens.json")).unwrap();
    server.restart(Ports::Same).await.unwrap();
    let told = ada.pipes(b"", 10).await;
    assert!(told.all_well && events(&told.output, "sent").is_empty(), "{}{}", told.output, told.errors);
}

#[tokio::test]
async fn what_is_meant_for_a_person_is_said_in_a_strangers_group_of_that_name() {
    let mut server = Server::start().await.unwrap();
    chat(&server, "dave2", None).say("").await;
    let victim = chat(&server, "victim", None);
    assert!(victim.pipes(b"", 10).await.all_well);
    chat(&server, "par2", None)
        .say("/group dave2 victim\n/group \"my grp\" victim\n/group \"my grp\" victim\n")
        .await;
    assert!(victim.pipes(b"/list\n", 10).await.all_well);

    server.kill().await.unwrap();
    let told = victim.pipes(b"/open dave2\nsecret\n", 0).await;
    assert!(told.errors.contains("2 lines came to nothing"), "{}{}", told.output, told.errors);
    let offered = events(&told.output, "conversation");
    assert!(offered.len() == 1 && offered[0].contains("\tdave2\t"), "{}", told.output);

    server.restart(Ports::Same).await.unwrap();
    let told = victim.pipes(b"/open my grp\nfor which?\n/open dave2\nsecret\n", 10).await;
    assert!(told.errors.contains("2 lines came to nothing"), "{}{}", told.output, told.errors);
    assert_eq!(events(&told.output, "conversation").len(), 2, "{}", told.output);
    let opened = events(&told.output, "opened");
    assert!(opened.len() == 1 && opened[0].starts_with("opened\td"), "{}", told.output);
    let id = offered[0].split('\t').nth(1).unwrap();
    let told = victim.pipes(format!("/open {id}\nhello all\n").as_bytes(), 10).await;
    assert!(told.all_well && told.output.contains(&format!("opened\t{id}\t")), "{}", told.output);
}

#[tokio::test]
async fn tokens_that_were_only_read_are_put_in_the_place_of_newer_ones() {
    let server = Server::start().await.unwrap();
    let ada = chat(&server, "ada", None);
    assert!(ada.pipes(b"", 10).await.all_well);
    let file = |path| std::fs::metadata(path).unwrap().ino();
    let before = file(ada.kept("tokens.json"));
    assert!(ada.pipes(b"/list\n", 10).await.all_well);
    assert_eq!(file(ada.kept("tokens.json")), before, "nothing was new");
}

#[tokio::test]
async fn a_key_made_as_the_readme_says_is_none() {
    let readme = include_str!("../../../../README.md");
    let makes = readme.lines().find(|line| line.starts_with("uuid7()")).unwrap();
    let made = run(Command::new("sh").args(["-c", &format!("{makes}\nuuid7")])).await;
    let key: domain::ClientId = text(&made.stdout).trim().parse().unwrap();
    let server = Server::start().await.unwrap();
    let ada = crate::support::device(&server, "ada").await;
    ada.http.group("team", &[], false, key).await.unwrap();
}

#[tokio::test]
async fn nobody_can_be_written_to_while_the_server_is_away() {
    let mut server = Server::start().await.unwrap();
    chat(&server, "bob", None).say("").await;
    let ada = chat(&server, "ada", None);
    let made = ada.pipes(b"/group \"our team\" bob\n/open bob\n", 10).await;
    assert!(made.all_well, "{}{}", made.output, made.errors);
    server.kill().await.unwrap();
    let told = ada.pipes(b"/open bob\nto bob\n/open our team\nto the team\n", 0).await;
    assert_eq!(events(&told.output, "queued").len(), 2, "{}{}", told.output, told.errors);
    assert!(!told.all_well, "what was not sent is told to a script");
    assert!(told.errors.contains("2 messages wait and are sent the next time"), "{}", told.errors);
    let nobody = ada.pipes(b"/open carol\nto carol\n", 0).await;
    assert!(nobody.errors.contains("2 lines came to nothing"), "{}{}", nobody.output, nobody.errors);
    server.restart(Ports::Same).await.unwrap();
    let told = ada.pipes(b"", 60).await;
    assert!(told.all_well && events(&told.output, "sent").len() == 2, "{}{}", told.output, told.errors);
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
