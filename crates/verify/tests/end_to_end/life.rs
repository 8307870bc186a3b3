//! The first moments of a process, and the last: what others see of it while it is not all there.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::Code;
use protocol::frame::Reason;
use protocol::http::Failure;
use rustix::process::Signal;
use tokio::net::TcpStream;
use verify::process::Server;

use crate::support::{device, server, soon, until};

/// A file of the store that a server waits to read: a start takes as long as is wanted.
struct HeldUp {
    file: PathBuf,
    text: String,
}

impl HeldUp {
    fn of(data: &Path) -> Self {
        let file = data.join("store").join("engine").join("FORMAT");
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
        Self { file, text }
    }

    /// Lets the one who waits go on.
    async fn go_on(self) {
        let written = tokio::task::spawn_blocking(move || fs::write(self.file, self.text));
        soon("a server that reads its store", written).await.unwrap().unwrap();
    }
}

/// What the admin listener answers, once it does.
async fn asked(server: &Server, path: &str) -> (u16, String) {
    let url = format!("http://{}{path}", server.admin_address().unwrap());
    soon("an answer", async {
        loop {
            if let Ok(answer) = reqwest::get(&url).await {
                return (answer.status().as_u16(), answer.text().await.unwrap());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_long_start_looks_like_a_hang_or_lets_devices_in_or_cannot_be_stopped() {
    let mut server = server(&[]).await;
    server.terminate().await.unwrap();
    let held_up = HeldUp::of(server.data());
    server.launch().unwrap();
    assert_eq!(asked(&server, "/live").await, (200, "live\n".to_owned()));
    let (status, said) = asked(&server, "/ready").await;
    assert!(status == 503 && said.contains("the store is opened"), "{status} {said}");
    let (status, said) = asked(&server, "/admin/users").await;
    let failure: Failure = serde_json::from_str(&said).unwrap();
    assert_eq!((status, failure.error.code), (503, Code::Unavailable), "{said}");
    let refused = TcpStream::connect(server.listen().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let status = server.terminate().await.unwrap();
    assert!(status.success(), "{status}: {}", server.log());

    server.launch().unwrap();
    assert_eq!(asked(&server, "/live").await.0, 200);
    held_up.go_on().await;
    until("ready", async || asked(&server, "/ready").await == (200, "ready\n".to_owned())).await;
    device(&server, "ada").await.connect().await;
}

/// As `timeout` and terminals do it, who tell a process and its group.
#[tokio::test]
async fn a_word_to_stop_that_comes_twice_at_once_skips_the_farewell() {
    let mut server = server(&[]).await;
    let mut session = device(&server, "ada").await.connect().await;
    // Two kinds: two of one kind may come as one.
    server.signal(Signal::TERM).unwrap();
    server.signal(Signal::INT).unwrap();
    let (goodbye, code) = session.end().await;
    assert_eq!((goodbye.unwrap().reason, code), (Reason::Restart, Some(Reason::Restart.close_code())));
    let status = server.ended().await.unwrap();
    assert!(status.success(), "{status}: {}", server.log());
}
