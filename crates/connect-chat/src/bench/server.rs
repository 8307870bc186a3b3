//! A server in a process of its own: started, found, looked after, ended.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
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
    folder: TempDir,
}

/// It listens within this time.
const START_POLLS: u32 = 1_500;
const START_POLL: Duration = Duration::from_millis(20);

impl Server {
    /// Starts one with empty data, in a new folder in `scratch`.
    pub(super) async fn start(common: &Common) -> Result<Self> {
        std::fs::create_dir_all(&common.scratch)
            .with_context(|| format!("{} cannot be made", common.scratch.display()))?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&common.scratch)?;
        let found = folder.path().join("addresses.json");
        let log = File::create(folder.path().join("log"))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg("--data").arg(folder.path().join("data"));
        command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--addresses-file"])
            .arg(&found);
        // What one session or user may send is a policy; here a few make the load of thousands.
        for limit in
            ["session_frames_per_s", "session_frames_burst", "user_frames_per_s", "user_frames_burst"]
        {
            command.args(["--set", &format!("limits.{limit}=100000000")]);
        }
        // The load generator has the same cores, and reads in gusts: what waits for it is bounded more generously, so that
        // the server's speed is measured and not when it calls a reader slow.
        command.args(["--set", "limits.session_queue_bytes_max=8388608"]);
        command.args(["--set", "limits.gateway_queue_bytes_max=17179869184"]);
        for setting in &common.set {
            command.args(["--set", setting]);
        }
        if let Some(fault) = &common.fault {
            command.args(["--fault", fault]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let mut process = command.spawn().context("the server could not be started")?;
        let addresses = listening(&mut process, &found, folder.path()).await?;
        Ok(Self { process, addresses, folder })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    pub(super) fn admin_token_file(&self) -> PathBuf {
        node::secrets::Secrets::admin_token_path(&self.folder.path().join("data"))
    }

    /// The end of what it logged.
    pub(super) fn log(&self) -> String {
        tail(self.folder.path())
    }

    /// Ends it.
    pub(super) async fn end(mut self) {
        // It ends with this handle in any case.
        drop(self.process.kill().await);
    }
}

async fn listening(process: &mut Child, found: &Path, folder: &Path) -> Result<Addresses> {
    for _ in 0..START_POLLS {
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

/// CPU time that a process has taken so far, in microseconds: user and system time of `/proc/PID/stat`, whose unit is a
/// hundredth of a second on every Linux that user programs see (`USER_HZ`).
pub(super) fn cpu_us(pid: u32) -> Option<u64> {
    const TICK_US: u64 = 10_000;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * TICK_US)
}

/// Memory of a process that is in RAM, in MB (10^6 bytes).
pub(super) fn rss_mb(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_works_shows_its_cpu_time_and_memory() {
        let pid = std::process::id();
        let before = cpu_us(pid).unwrap();
        let mut x = 1_u64;
        while cpu_us(pid).unwrap() < before + 20_000 {
            (0..1_000_000_u64).for_each(|n| x = std::hint::black_box(x.wrapping_mul(n | 1)));
        }
        assert!(rss_mb(pid).unwrap() > 1.0);
        assert_eq!(cpu_us(u32::MAX), None);
    }
}
