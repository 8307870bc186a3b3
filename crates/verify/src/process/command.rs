//! The command that starts a server, and where it then listens.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

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
    static NUMBER: AtomicU16 = AtomicU16::new(0);
    let address = if cfg!(target_os = "linux") {
        nth_address(std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
    } else {
        Ipv4Addr::LOCALHOST
    };
    SocketAddr::from((address, 0))
}

/// Values of an octet that are used, from 1 on: neither networks nor broadcasts.
const OCTETS: u32 = 250;

/// The n-th address of a process: one octet is the process's, two are counted through, and processes that share the one
/// begin apart.
fn nth_address(process: u32, number: u16) -> Ipv4Addr {
    const APART: u32 = 1_000;
    let at = (process / OCTETS).wrapping_mul(APART).wrapping_add(u32::from(number));
    let octet = |value: u32| 1 + (value % OCTETS).to_le_bytes()[0];
    Ipv4Addr::new(127, octet(process), octet(at / OCTETS), octet(at))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_process_with_many_servers_gives_two_of_them_one_address() {
        for process in [1, 250, 65_535, 4_194_304] {
            let addresses: BTreeSet<Ipv4Addr> = (0..600).map(|number| nth_address(process, number)).collect();
            assert_eq!(addresses.len(), 600);
            assert!(addresses.iter().all(Ipv4Addr::is_loopback));
        }
    }
}
