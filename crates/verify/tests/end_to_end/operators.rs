//! What operators ask of a running server, and of one that does not run.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use domain::ConversationId;
use protocol::frame::Reason;
use serde_json::Value;
use verify::process::program;

use crate::backups::{admin, run};
use crate::support::{device, server, until};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_type<'a>(lines: &'a [Value], name: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == name).collect()
}

#[tokio::test]
async fn an_export_lacks_what_a_person_may_see_or_shows_what_they_may_not() {
    let server = server(&[]).await;
    let (ada, bob, eve) =
        (device(&server, "ada").await, device(&server, "bob").await, device(&server, "eve").await);
    ada.post(ada.with(&bob), "for bob").await;
    let group = ada.group(&[&bob], false).await;
    ada.post(group, "before eve").await;
    ada.http.add(group, &[eve.user()], ada.client_id()).await.unwrap();
    ada.post(group, "with eve").await;
    eve.http.leave(group, eve.client_id()).await.unwrap();
    ada.post(group, "after eve").await;

    let (done, text) = admin(&server, &["export", "--user", "eve"]).await;
    assert!(done, "{text}");
    for (says, words) in [(true, "with eve"), (false, "before eve"), (false, "after eve"), (false, "for bob")]
    {
        assert_eq!(text.contains(words), says, "{words}: {text}");
    }
    let eves = lines(&text);
    assert_eq!(eves[0]["handle"], "eve");
    assert_eq!((of_type(&eves, "device").len(), of_type(&eves, "conversation").len()), (1, 1));
    assert_eq!(of_type(&eves, "entry").len(), 3, "joined, said, left");
    assert_eq!(eves.last().unwrap()["lines"], eves.len() - 1);
    let (_, by_id) = admin(&server, &["export", "--user", &eve.user().to_string()]).await;
    assert_eq!(by_id, text);

    let (done, text) = admin(&server, &["export", "--conversation", &group.to_string()]).await;
    let of_group = lines(&text);
    assert!(done && text.contains("before eve") && text.contains("after eve"));
    assert_eq!((of_type(&of_group, "entry").len(), of_type(&of_group, "member").len()), (6, 3));
    let nobody = ConversationId::Own(eve.user()).to_string();
    for args in [["export", "--user", "nobody"], ["export", "--conversation", &nobody]] {
        let (done, said) = admin(&server, &args).await;
        assert!(!done && said.contains("there is no"), "{said}");
    }
}

#[tokio::test]
async fn who_is_connected_is_not_shown_or_is_not_let_go() {
    let mut server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let (mut first, second, third) = (ada.connect().await, ada.connect().await, bob.connect().await);
    let (done, text) = admin(&server, &["sessions", "--json"]).await;
    let all = lines(&text);
    assert!(done && all.len() == 3, "{text}");
    assert_eq!(
        (&all[0]["user"], &all[0]["lagging"]),
        (&Value::from(ada.user().to_string()), &Value::from(false))
    );
    let (_, text) = admin(&server, &["sessions", "--user", &bob.user().to_string(), "--json"]).await;
    assert_eq!(lines(&text), all[2..], "{text}");

    let (done, text) = admin(&server, &["drain", "--json"]).await;
    assert!(done && lines(&text)[0]["sessions"] == 3, "{text}");
    let (goodbye, _) = first.end().await;
    let goodbye = goodbye.expect("a session is told why it ends");
    assert!(goodbye.reason == Reason::Restart && goodbye.retry_after_ms.is_some(), "{goodbye:?}");
    assert!(reqwest::get(format!("{}/v1/users/me", server.base())).await.is_err(), "nobody is let in");
    assert!(server.admin("/ready").await.is_err(), "it is not ready");
    assert!(server.admin("/live").await.is_ok(), "it stays until it is told to stop");
    let (done, text) = admin(&server, &["drain", "--stop"]).await;
    assert!(done, "{text}");
    assert!(server.ended().await.unwrap().success());
    server.verify().await.unwrap();
    drop((second, third));
}

#[tokio::test]
async fn a_doctor_finds_fault_with_what_works_or_none_with_what_does_not() {
    let mut server = server(&[]).await;
    let listen = format!("listen={}", server.listen().unwrap());
    let admin_listen = format!("admin_listen={}", server.admin_address().unwrap());
    let settings = ["--set", &listen, "--set", &admin_listen];
    let doctor = [&["doctor", "--json"][..], &settings].concat();
    let (done, text) = admin(&server, &doctor).await;
    let findings: Vec<Value> = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert!(done && findings.len() > 8, "{text}");
    assert!(text.contains("in use by process"), "{text}");

    server.kill().await.unwrap();
    let (done, text) = admin(&server, &doctor).await;
    assert!(done && text.contains("it opens"), "{text}");
    let token = server.data().join("secrets/admin-token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let (done, text) = admin(&server, &[&["doctor"][..], &settings].concat()).await;
    assert!(!done && text.contains("FAIL  secrets") && text.contains("chmod 600"), "{text}");
    let (done, text) = admin(&server, &["doctor", "--set", "limits.text_byte_max=1"]).await;
    assert!(!done && text.contains("did you mean `limits.text_bytes_max`"), "{text}");
}

#[tokio::test]
async fn a_variable_that_is_no_text_keeps_a_server_or_its_doctor_from_work() {
    let folder = tempfile::tempdir().unwrap();
    let data = format!("data={}", folder.path().join("data").display());
    for args in [&["serve", "--print-config"][..], &["admin", "doctor", "--set", "listen=127.0.0.1:0"]] {
        let mut command = std::process::Command::new(program().unwrap());
        command.args(args).args(["--set", &data, "--set", "admin_listen=127.0.0.1:0"]);
        command.env("OF_ANOTHER", std::ffi::OsStr::from_bytes(b"\xff\xfe"));
        command.env(std::ffi::OsStr::from_bytes(b"\xff"), "x");
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_folder_that_is_no_servers_is_found_in_order() {
    let mut server = server(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let (done, said) =
        run(&["admin", "--data", folder.path().to_str().unwrap(), "verify", "--offline"]).await;
    assert!(!done && said.contains("holds no store") && said.contains("--data"), "{said}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "and nothing is made there");
    server.kill().await.unwrap();
    let (done, said) = admin(&server, &["verify", "--offline"]).await;
    assert!(done && said.contains("0 conversations"), "{said}");
}

#[tokio::test]
async fn another_listener_is_taken_for_that_of_admins() {
    let server = server(&[]).await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nno\r\n").unwrap();
    });
    let data = server.data().to_str().unwrap();
    let (done, said) = run(&["admin", "--data", data, "--admin", &address, "users"]).await;
    assert!(!done && said.contains("is not an admin listener"), "{said}");
    answers.join().unwrap();
}

#[tokio::test]
async fn a_page_of_the_manual_or_a_completion_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = std::process::Command::new(program().unwrap()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["man", folder.path().to_str().unwrap()]);
    let page = fs::read_to_string(folder.path().join("connect-chat-admin-backup.1")).unwrap();
    assert!(page.contains(".TH"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completion", shell]).contains("rotate-key"), "{shell}");
    }
    for command in ["serve", "chat", "admin", "bench"] {
        assert!(run(&[command, "--help"]).contains("Examples:"), "{command}");
    }
}

#[tokio::test]
async fn a_reader_that_does_not_keep_up_is_not_told() {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let mut session = bob.connect().await;
    ada.post(ada.with(&bob), "hello").await;
    session.hears(ada.with(&bob), "hello").await;
    let metrics = server.admin("/metrics").await.unwrap();
    let readers = [
        "submit/messaging",
        "deliver/gateways",
        "sessions/messaging",
        "sessions/notification",
        "entries/notification",
    ];
    for reader in readers {
        let series = format!("bus_lag_records{{reader=\"{reader}\"}}");
        assert!(metrics.contains(&series), "{series}: {metrics}");
    }
    until("everything is read", async || server.metric("bus_lag_records", "").await.unwrap() == 0.0).await;
}
