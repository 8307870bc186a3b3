//! What goes wrong around a server: each is one clear message, and nothing that was acked is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use client::wire::{Connection, Heard};
use domain::Code;
use protocol::frame::{FromServer, Sent};
use tempfile::TempDir;
use verify::process::{Options, Ports, Server};

use crate::support::{Device, code, device, message, server, soon, texts};

/// A server that talks, and what two people said there.
async fn talked() -> (Server, Device, Device) {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    ada.post(ada.with(&bob), "kept").await;
    (server, ada, bob)
}

async fn still_talks(ada: &Device, bob: &Device) {
    ada.post(ada.with(bob), "more").await;
    assert_eq!(texts(&bob.history(ada.with(bob)).await)[0], "kept");
}

fn says(log: &str, words: &[&str]) {
    assert!(words.iter().all(|word| log.contains(word)), "it does not say {words:?}: {log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_port_in_use_is_not_told_or_harms_the_server_that_has_it() {
    let (server, ada, bob) = talked().await;
    let address = server.listen().unwrap();
    let log = Options::cheap().listen(address).refused().await.unwrap();
    says(&log, &["listen", &address.to_string(), "another port"]);
    let admin = server.admin_address().unwrap();
    let log = Options::cheap().set(format!("admin_listen={admin}")).refused().await.unwrap();
    says(&log, &["admin_listen", &admin.to_string(), "--admin-listen"]);
    still_talks(&ada, &bob).await;
}

#[tokio::test]
async fn two_processes_write_one_store() {
    let (mut server, ada, bob) = talked().await;
    let log = Options::cheap().data(server.data()).refused().await.unwrap();
    says(&log, &["in use by", &format!("process {}", server.pid().unwrap()), "another data folder"]);
    let refused = server.verify().await.unwrap_err().to_string();
    says(&refused, &["in use by"]);
    still_talks(&ada, &bob).await;
    server.terminate().await.unwrap();
    server.verify().await.unwrap();
}

#[tokio::test]
async fn a_data_folder_that_is_none_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "not a folder").unwrap();
    for data in [file.clone(), file.join("in-it"), PathBuf::from("/proc/no-folder-here")] {
        let log = Options::cheap().data(&data).refused().await.unwrap();
        says(&log, &["data folder", &data.display().to_string()]);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "not a folder");
}

#[tokio::test]
async fn a_setting_that_does_not_exist_is_ignored() {
    let log = Options::cheap().set("limits.text_byte_max=1").refused().await.unwrap();
    says(&log, &["limits.text_byte_max", "did you mean `limits.text_bytes_max`"]);
    let log = Options::cheap().set("limits.text_bytes_max=many").refused().await.unwrap();
    says(&log, &["--set"]);
    let log = Options::cheap().variable("CONNECT_CHAT_SERVE_LOG__LEVL", "info").refused().await.unwrap();
    says(&log, &["CONNECT_CHAT_SERVE_LOG__LEVL", "log.level"]);
    let log = Options::cheap().set("admin_listen=0.0.0.0:0").refused().await.unwrap();
    says(&log, &["admin_listen", "loopback"]);
}

fn keys(server: &Server) -> PathBuf {
    server.data().join("secrets").join("signing-keys.json")
}

#[tokio::test]
async fn a_damaged_or_open_secret_is_replaced_or_served_with() {
    let (mut server, ada, bob) = talked().await;
    server.kill().await.unwrap();
    let good = fs::read_to_string(keys(&server)).unwrap();
    let again = || Options::cheap().data(server.data());
    for (text, words) in [("", "is empty"), ("{}", "is damaged"), (&good[..good.len() / 2], "is damaged")] {
        fs::write(keys(&server), text).unwrap();
        let log = again().refused().await.unwrap();
        says(&log, &["signing-keys.json", words]);
    }
    fs::write(keys(&server), &good).unwrap();
    for secret in ["signing-keys.json", "admin-token"] {
        let path = server.data().join("secrets").join(secret);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let log = again().refused().await.unwrap();
        says(&log, &[secret, "644", "chmod 600"]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    server.restart(Ports::Same).await.unwrap();
    still_talks(&ada, &bob).await;
}

#[tokio::test]
async fn tokens_of_another_deployments_key_are_taken() {
    let (mut server, ada, bob) = talked().await;
    let other = self::server(&[]).await;
    server.kill().await.unwrap();
    fs::copy(keys(&other), keys(&server)).unwrap();
    server.restart(Ports::Same).await.unwrap();
    assert_eq!(code(ada.http.me().await), Code::Unauthenticated, "what the lost key signed is void");
    let foreign = other.mint("ada").await.unwrap();
    let foreign = Device::new(&server, foreign);
    assert_eq!(
        code(foreign.http.me().await),
        Code::Unauthenticated,
        "its key is known here, its device is not"
    );
    assert_eq!(code(bob.http.me().await), Code::Unauthenticated);
    still_talks(&device(&server, "ada").await, &device(&server, "bob").await).await;
}

/// A file system of its own, for as long as this lives.
struct Mount {
    folder: TempDir,
}

impl Mount {
    /// `None` where mounting was left out by name. Who may not mount is told how to leave it out: a test that was not run
    /// does not pass quietly.
    fn new(size: &str) -> Option<Self> {
        if std::env::var("WITHOUT").is_ok_and(|names| names.split(',').any(|name| name == "mount")) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={size}");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "none"])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "a file system cannot be mounted here; `WITHOUT=mount` leaves out what needs one: {output:?}"
        );
        Some(Self { folder })
    }

    fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let status = Command::new("mount").args(["-o", &how]).arg(self.path()).status().unwrap();
        assert!(status.success(), "{how}");
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(self.path()).status());
    }
}

/// Says things until the server ends or refuses. Gives what was acked.
async fn say_until_it_ends(device: &Device, base: &str, other: &Device) -> Vec<Sent> {
    let mut connection = Connection::hello(base, &device.tokens.access_token).await.unwrap();
    let mut acked: Vec<Sent> = vec![];
    let text = "x".repeat(15_000);
    loop {
        let frame = message(device.with(other), device.client_id(), &text, None);
        if connection.send(&frame).await.is_err() {
            return acked;
        }
        loop {
            match connection.next().await {
                Ok(Heard::Frame(FromServer::Sent(sent))) => {
                    acked.push(sent);
                    break;
                }
                Ok(Heard::Frame(FromServer::Error(_) | FromServer::Goodbye(_)) | Heard::Closed(_))
                | Err(_) => return acked,
                Ok(Heard::Frame(_) | Heard::Unknown(_)) => {}
            }
        }
        assert!(acked.len() < 20_000, "the disk is never full");
    }
}

#[tokio::test]
async fn a_full_disk_is_not_told_or_loses_what_was_acked() {
    let Some(mount) = Mount::new("12m") else { return };
    let mut server = Options::cheap().data(mount.path().join("data")).start().await.unwrap();
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let acked = soon("the disk is full", say_until_it_ends(&ada, server.base(), &bob)).await;
    assert!(acked.len() > 50, "{}", acked.len());
    let status = server.ended().await.expect("a server that cannot write ends");
    assert!(!status.success());
    says(&server.log().to_lowercase(), &["no space left"]);

    let log = Options::cheap().data(server.data()).refused().await;
    if let Ok(log) = log {
        says(&log.to_lowercase(), &["no space left"]);
    }
    mount.remount("size=200m");
    server.restart(Ports::Same).await.unwrap();
    let history = bob.history(ada.with(&bob)).await;
    for sent in &acked {
        assert!(
            history.iter().any(|entry| entry.position == sent.position && entry.client_id == sent.client_id)
        );
    }
    ada.post(ada.with(&bob), "room again").await;
    server.terminate().await.unwrap();
    server.verify().await.unwrap();
}

#[tokio::test]
async fn a_read_only_file_system_is_not_told_or_loses_what_was_acked() {
    let Some(mount) = Mount::new("50m") else { return };
    let mut server = Options::cheap().data(mount.path().join("data")).start().await.unwrap();
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    ada.post(ada.with(&bob), "kept").await;
    server.terminate().await.unwrap();
    mount.remount("ro");
    let log = Options::cheap().data(server.data()).refused().await.unwrap();
    says(&log, &["read-only", &server.data().display().to_string()]);
    let log = Options::cheap().data(mount.path().join("another")).refused().await.unwrap();
    says(&log, &["data folder", "cannot be written"]);
    mount.remount("rw");
    server.restart(Ports::Same).await.unwrap();
    still_talks(&ada, &bob).await;
}
