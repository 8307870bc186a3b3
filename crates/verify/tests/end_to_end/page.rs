//! The page that a server shows: what it tells people to type does what it says.

use std::path::Path;
use std::process::{Output, Stdio};

use client::Clock;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use verify::process::{Server, program};

/// What stands between `<pre>` and `</pre>`.
fn told(page: &str) -> Vec<&str> {
    page.split("<pre>").skip(1).map(|rest| rest.split("</pre>").next().unwrap()).collect()
}

/// Runs a command of the page with these lines at its input; `state` keeps what the program keeps of a machine's people.
async fn chat(command: &str, lines: &str, state: &Path) -> Output {
    let (name, flags) = command.split_once(' ').unwrap();
    assert_eq!(name, "target/release/connect-chat");
    let mut command = Command::new(program().unwrap());
    command.args(flags.split(' ')).args(["--sign-up", "--linger-secs", "10", "--state"]).arg(state);
    command.env("CONNECT_CHAT_PASSWORD", "correct horse").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).await.unwrap();
    child.wait_with_output().await.unwrap()
}

/// Runs lines of the page in a shell, and gives the answer.
async fn shell(lines: &str) -> Value {
    let output = Command::new("sh").args(["-c", lines]).kill_on_drop(true).output().await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{lines}\n{output:?}"))
}

#[tokio::test]
async fn what_the_page_tells_to_type_does_not_work() {
    let server = Server::start().await.unwrap();
    let page = reqwest::get(server.base()).await.unwrap().text().await.unwrap();
    let [ada, bob, lines, sign_up, calls] = told(&page)[..] else { panic!("{page}") };

    // Both sit at one machine, as somebody does who tries it.
    let state = tempfile::tempdir().unwrap();
    let came = chat(bob, "", state.path()).await;
    assert!(came.status.success(), "{came:?}");
    let said = chat(ada, &format!("{lines}\n"), state.path()).await;
    assert!(said.status.success(), "{said:?}");
    let listed = chat(bob, "/list\n", state.path()).await;
    assert!(String::from_utf8_lossy(&listed.stdout).contains("ada\t1"), "{listed:?}");

    let eve = shell(sign_up).await;
    let origin = sign_up.lines().next().unwrap();
    let calls = calls.replace("\\\n", "").replace("TOKEN", eve["access_token"].as_str().unwrap());
    let [header, by_handle, open, send] = calls.lines().collect::<Vec<_>>()[..] else { panic!("{calls}") };
    let call = |line: String| async move { shell(&format!("{origin}\n{header}\n{line}")).await };
    let found = call(by_handle.to_owned()).await;
    let found = found["id"].as_str().unwrap();
    let opened = call(open.replace("u…", found)).await;
    assert_eq!(opened.get("time"), None, "nothing was said yet");
    let clock = Clock::new();
    clock.told(serde_json::from_value(eve["time"].clone()).unwrap());
    let key = clock.client_id().to_string();
    let sent = call(send.replace("d…", opened["id"].as_str().unwrap()).replace("UUIDv7", &key)).await;
    assert_eq!(sent["position"]["seq"], 1, "{sent}");
}
