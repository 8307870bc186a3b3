//! A server in a process of its own: started, found, looked after, started again on what it left, ended.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::Common;

/// Where it listens.
#[derive(Debug, Deserialize)]
pub(super) struct Addresses {
    pub(super) listen: String,
    pub(super) admin: String,
}

/// A server of this benchmark. Its process and its data end with it.
pub(super) struct Server {
    process: Child,
    pub(super) addresses: Addresses,
    /// From the start of its process until it listened.
    pub(super) started_in: Duration,
    settings: Vec<String>,
    folder: TempDir,
}

/// How a server is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// SIGTERM: it ends in good order.
    Told,
    /// SIGKILL: what it had not sorted yet has to be read back by the next one.
    Killed,
}

/// It listens within this time.
const START_PATIENCE: Duration = Duration::from_secs(120);
const START_POLL: Duration = Duration::from_millis(2);

/// What one session, user or address may ask for is a policy; here a few make the load of thousands.
const RATES: [&str; 6] = [
    "session_frames_per_s",
    "session_frames_burst",
    "user_frames_per_s",
    "user_frames_burst",
    "address_requests_per_s",
    "address_requests_burst",
];

impl Server {
    /// Starts one with empty data, in a new folder in `scratch`.
    pub(super) async fn start(common: &Common) -> Result<Self> {
        let folder = scratch_folder(&common.scratch)?;
        let settings = settings(common);
        let (process, addresses, started_in) = launch(folder.path(), &settings).await?;
        Ok(Self { process, addresses, started_in, settings, folder })
    }

    /// Ends it, and starts another on what it left.
    pub(super) async fn restart(&mut self, end: End) -> Result<()> {
        self.stop(end).await?;
        (self.process, self.addresses, self.started_in) = launch(self.folder.path(), &self.settings).await?;
        Ok(())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Its data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(super) fn admin_token_file(&self) -> PathBuf {
        node::secrets::Secrets::admin_token_path(&self.data())
    }

    /// The end of what it logged.
    pub(super) fn log(&self) -> String {
        tail(self.folder.path())
    }

    /// Ends it; its data stays until this handle goes.
    pub(super) async fn stop(&mut self, end: End) -> Result<()> {
        match (end, self.process.id().and_then(|pid| Pid::from_raw(pid.cast_signed()))) {
            (End::Told, Some(pid)) => {
                kill_process(pid, Signal::TERM)?;
                self.process.wait().await?;
            }
            _ => self.process.kill().await?,
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Its process is gone before its folder is taken away.
    fn drop(&mut self) {
        if let Some(pid) = self.process.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            kill_process(pid, Signal::KILL).ok();
            waitpid(Some(pid), WaitOptions::empty()).ok();
        }
    }
}

/// A new folder on the disk that is to be measured; it goes with its handle.
pub(super) fn scratch_folder(scratch: &Path) -> Result<TempDir> {
    std::fs::create_dir_all(scratch).with_context(|| format!("{} cannot be made", scratch.display()))?;
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(scratch)?)
}

fn settings(common: &Common) -> Vec<String> {
    let mut settings: Vec<String> = RATES.iter().map(|limit| format!("limits.{limit}=100000000")).collect();
    // The load generator has the same cores, and reads in gusts: what waits for it is bounded more generously, so that
    // the server's speed is measured and not when it calls a reader slow.
    settings.push("limits.session_queue_bytes_max=8388608".to_owned());
    settings.push("limits.gateway_queue_bytes_max=17179869184".to_owned());
    settings.extend(common.fault.iter().map(|fault| format!("faults.deliver={fault}")));
    settings.extend(common.set.iter().cloned());
    settings
}

async fn launch(folder: &Path, settings: &[String]) -> Result<(Child, Addresses, Duration)> {
    let found = folder.join("addresses.json");
    // It is there only if this is not the first start.
    drop(std::fs::remove_file(&found));
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", "--with-parent", "--data"]).arg(folder.join("data"));
    command
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--addresses-file"])
        .arg(&found);
    command.args(settings.iter().flat_map(|setting| ["--set", setting]));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    let start = Instant::now();
    let mut process = command.spawn().context("the server could not be started")?;
    let addresses = listening(&mut process, &found, folder).await?;
    Ok((process, addresses, start.elapsed()))
}

async fn listening(process: &mut Child, found: &Path, folder: &Path) -> Result<Addresses> {
    let start = Instant::now();
    while start.elapsed() < START_PATIENCE {
        if let Ok(bytes) = std::fs::read(found) {
            return serde_json::from_slice(&bytes).context("where the server listens was not understood");
        }
        if let Some(status) = process.try_wait()? {
            bail!("the server ended with {status}:\n{}", tail(folder));
        }
        sleep(START_POLL).await;
    }
    bail!("the server does not listen:\n{}", tail(folder))
}

fn tail(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().rev().take(15).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
