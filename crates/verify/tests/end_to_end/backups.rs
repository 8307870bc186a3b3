//! A backup is taken while the server works, and becomes a server that people go on with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use client::http::Http;
use domain::{Entry, Position};
use protocol::http::Credentials;
use verify::process::{Options, Server, program};

use crate::support::{Device, device, server, soon, texts};

/// What the program said, and whether it was content.
pub(crate) async fn run(args: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(program().unwrap());
    command.args(args);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    (output.status.success(), said)
}

/// `admin` with the listener and the token of a server.
pub(crate) async fn admin(server: &Server, args: &[&str]) -> (bool, String) {
    let (address, data) = (server.admin_address().unwrap().to_string(), server.data().display().to_string());
    run(&[&["admin", "--admin", &address, "--data", &data], args].concat()).await
}

async fn restore(file: &Path, data: &Path) -> (bool, String) {
    run(&["admin", "restore", file.to_str().unwrap(), "--data", data.to_str().unwrap()]).await
}

/// People who talk until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    talking: Vec<tokio::task::JoinHandle<usize>>,
}

impl Load {
    fn start(pairs: &[(Device, Device)]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let talk = |(one, other): &(Device, Device)| {
            let (one, other, stop) = (one.clone(), other.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut said = 0;
                while !stop.load(Ordering::Relaxed) {
                    one.post(one.with(&other), &format!("{said}")).await;
                    said += 1;
                }
                said
            })
        };
        let talking = pairs.iter().map(talk).collect();
        Self { stop, talking }
    }

    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let said = futures_util::future::join_all(self.talking);
        soon("the end of the talk", said).await.into_iter().map(Result::unwrap).sum()
    }
}

async fn log(server: &Server, one: &Device, other: &Device) -> Vec<Entry> {
    let text = server.admin(&format!("/admin/log/{}", one.with(other))).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Somebody with a password.
fn eve() -> Credentials {
    Credentials { handle: "eve".into(), password: "correct horse".into(), device_name: None }
}

/// A server that is told nothing but where its data is.
async fn started(data: &Path) -> Server {
    Options::cheap().data(data).start().await.unwrap()
}

async fn pairs(server: &Server) -> Vec<(Device, Device)> {
    let mut pairs = vec![];
    for pair in 0..8 {
        pairs.push((
            device(server, &format!("one{pair}")).await,
            device(server, &format!("other{pair}")).await,
        ));
    }
    pairs
}

#[tokio::test]
async fn a_backup_of_a_busy_server_is_of_no_one_state_or_cannot_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("backup"), folder.path().join("restored"));
    let mut server = server(&[]).await;
    let http = Http::new(server.base()).unwrap();
    http.sign_up(&eve()).await.unwrap();
    let pairs = pairs(&server).await;
    for (one, other) in &pairs {
        one.post(one.with(other), "before").await;
    }
    let load = Load::start(&pairs);
    let (done, said) = admin(&server, &["backup", file.to_str().unwrap(), "--json"]).await;
    assert!(done, "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    for (one, other) in &pairs {
        one.post(one.with(other), "after").await;
    }
    assert!(load.stop().await > 0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (one, other) = &pairs[0];
    let token = one.connect().await.sync(None).await.pop().unwrap().token;
    let newest = log(&server, one, other).await.last().unwrap().position;

    let (done, told) = restore(&file, &data).await;
    assert!(done, "{told}");
    let restored = started(&data).await;
    let mut entries = 0;
    for (one, other) in &pairs {
        let (live, kept) = (log(&server, one, other).await, log(&restored, one, other).await);
        assert!(!kept.is_empty() && kept.len() < live.len(), "{} of {}", kept.len(), live.len());
        assert_eq!(kept[..], live[..kept.len()], "a log that is not the beginning of the other");
        entries += kept.len();
    }
    assert_eq!(
        (said["entries"].as_u64(), said["feed"].as_u64()),
        (Some(entries as u64), Some(entries as u64))
    );
    let (done, told) = admin(&restored, &["verify"]).await;
    assert!(done && told.contains("0 violations"), "{told}");

    goes_on(&restored, pairs[0].clone(), token, newest).await;
    server.terminate().await.unwrap();
}

/// People sign in, a device that knows more than the backup is told to begin anew, and no position is given twice.
async fn goes_on(restored: &Server, (one, other): (Device, Device), token: String, newest: Position) {
    let http = Http::new(restored.base()).unwrap();
    http.sign_in(&eve()).await.unwrap();
    let (one, other) =
        (device(restored, &one.tokens.handle).await, device(restored, &other.tokens.handle).await);
    let mut session = one.connect().await;
    let changes = session.sync(Some(token)).await;
    assert!(changes[0].reset, "a token of another life is known");
    let said = session.say(one.with(&other), "and on").await;
    assert!(said.position > newest, "{} was given already: {newest}", said.position);
    assert_eq!(texts(&other.history(one.with(&other)).await).last().unwrap(), "and on");
}

async fn backed_up(folder: &Path) -> (Server, PathBuf) {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    ada.post(ada.with(&bob), "kept").await;
    let (done, said) = admin(&server, &["backup", folder.to_str().unwrap()]).await;
    assert!(done && said.contains("good up to offset 1"), "{said}");
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    (server, file)
}

#[tokio::test]
async fn a_restore_writes_over_something_or_is_half_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let (server, file) = backed_up(folder.path()).await;
    let data = folder.path().join("restored");

    let (done, said) = restore(&file, server.data()).await;
    assert!(!done && said.contains("not empty"), "{said}");
    let (done, said) = restore(&server.data().join("secrets/admin-token"), &data).await;
    assert!(!done && said.contains("no backup of Connect Chat"), "{said}");
    let (done, said) = Options::cheap().data(&data).refused().await.map(|said| (true, said)).unwrap();
    assert!(done && said.contains("half restored"), "a server starts with half a store: {said}");
    fs::remove_dir_all(&data).unwrap();

    let whole = fs::read(&file).unwrap();
    let damaged = folder.path().join("damaged");
    for (at, bit) in [(whole.len() / 2, 1), (whole.len() - 1, 0x80)] {
        let mut bytes = whole.clone();
        bytes[at] ^= bit;
        fs::write(&damaged, bytes).unwrap();
        let (done, said) = restore(&damaged, &data).await;
        assert!(!done && said.contains("damaged"), "{said}");
        fs::remove_dir_all(&data).unwrap();
        let (done, said) = run(&["admin", "restore", damaged.to_str().unwrap(), "--check"]).await;
        assert!(!done && said.contains("damaged"), "{said}");
    }
    let (done, said) = run(&["admin", "restore", file.to_str().unwrap(), "--check"]).await;
    assert!(done && said.contains("1 conversation, 1 entry,"), "{said}");
    let (done, said) = admin(&server, &["backup", file.to_str().unwrap()]).await;
    assert!(!done && said.contains("there already"), "{said}");
    let (done, said) = restore(&file, &data).await;
    assert!(done, "{said}");
    started(&data).await;
}
