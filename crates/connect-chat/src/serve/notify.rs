//! Tells the service manager that started the server how it is (`sd_notify`): a datagram to the socket that it named.
//!
//! Deliberately absent: watchdog pings. A part of the server that fails ends the process.

use std::ffi::OsStr;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Devices are served.
pub(super) const READY: &str = "READY=1";

/// The server was told to stop, and does.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Tells the service manager, if there is one.
pub(super) fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&name, state) {
        tracing::warn!(%error, state, "the service manager could not be told");
    }
}

fn send(name: &OsStr, state: &str) -> io::Result<()> {
    let address = address(name)?;
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

/// A name that begins with `@` is none of the file system.
#[cfg(target_os = "linux")]
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    match name.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt;

    use super::*;

    #[test]
    fn a_service_manager_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let named = UnixDatagram::bind(&path).unwrap();
        let name = format!("connect-chat-test-{}", std::process::id());
        let unnamed = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let mut heard = [0; 64];
        for (socket, address) in [(named, path.into_os_string()), (unnamed, format!("@{name}").into())] {
            send(&address, READY).unwrap();
            let bytes = socket.recv(&mut heard).unwrap();
            assert_eq!(&heard[..bytes], READY.as_bytes());
        }
    }
}
