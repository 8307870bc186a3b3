//! A port that is the process's before anybody can connect to it.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted: a storm of devices that come back is taken in, and not told to try again by the
/// kernel a second later.
const BACKLOG: u32 = 4_096;

/// A port that is bound, and not listened on: who connects is refused.
pub(crate) struct Port {
    socket: TcpSocket,
    asked: SocketAddr,
    setting: &'static str,
}

impl Port {
    /// Takes the port that `setting` names, unless a server listens there.
    pub(crate) fn take(asked: SocketAddr, setting: &'static str) -> anyhow::Result<Self> {
        let bind = || -> std::io::Result<TcpSocket> {
            let socket = if asked.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            socket.bind(asked)?;
            Ok(socket)
        };
        let socket = bind().with_context(|| in_use(asked, setting))?;
        Ok(Self { socket, asked, setting })
    }

    /// Where it is: the system chose, if port 0 was asked for.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    /// Lets everybody connect. Fails only if another server took the same port and was quicker.
    pub(crate) fn listen(self) -> anyhow::Result<TcpListener> {
        self.socket.listen(BACKLOG).with_context(|| in_use(self.asked, self.setting))
    }
}

fn in_use(address: SocketAddr, setting: &str) -> String {
    let flag = setting.replace('_', "-");
    format!(
        "{setting}: cannot listen on {address}; is another server running there? Choose another port with `--{flag}`"
    )
}
