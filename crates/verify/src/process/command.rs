//! The command that starts a server, and where it then listens.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::log::Log;

/// Where a server listens, as it says itself.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Addresses {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    tls: bool,
}

impl Addresses {
    /// Where devices connect.
    pub(super) fn base(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.listen)
    }
}

/// The program: it lies beside the tests, in the folder of their profile.
///
/// # Errors
///
/// When it is not there.
pub fn program() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let folder = me.parent().context("a test has a folder")?;
    let profile = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let program = profile.join("connect-chat");
    ensure!(
        program.is_file(),
        "{} is not there: build it first, with `cargo build -p connect-chat`",
        program.display()
    );
    Ok(program)
}

/// An address that no other server of these tests has. On Linux all of 127.0.0.0/8 is this machine, and connections from
/// it have 127.0.0.1: their ports are never those of a server that was killed and comes back.
pub(super) fn first_address() -> SocketAddr {
    static NUMBER: AtomicU8 = AtomicU8::new(0);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let address = if cfg!(target_os = "linux") {
        Ipv4Addr::new(127, 1 + (high & 0x7f), low, 1 + NUMBER.fetch_add(1, Ordering::Relaxed) % 250)
    } else {
        Ipv4Addr::LOCALHOST
    };
    SocketAddr::from((address, 0))
}

/// `connect-chat serve`, with nothing of the environment's settings.
pub(super) fn serve(
    program: &Path,
    data: &Path,
    (listen, admin): (SocketAddr, SocketAddr),
    found: &Path,
) -> Command {
    let mut command = Command::new(program);
    command.arg("serve").arg("--data").arg(data);
    command.arg("--listen").arg(listen.to_string()).arg("--admin-listen").arg(admin.to_string());
    command.arg("--addresses-file").arg(found);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CONNECT_CHAT_"))
    {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it; what it says is kept in `log`.
pub(super) fn started(command: &mut Command, log: &Log) -> Result<Child> {
    let mut child = command.spawn().context("the server could not be started")?;
    log.follow(child.stdout.take());
    log.follow(child.stderr.take());
    Ok(child)
}
