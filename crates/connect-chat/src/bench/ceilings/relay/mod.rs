//! A relay in a process of its own, and the load that shows how fast it is: the ceiling of whatever a server does with
//! sockets on this machine.

mod bytes;
mod load;
mod part;
mod serve;

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::bench::process;
use part::{Part, UNDERSTOOD};

pub(in crate::bench) use load::Relayed;
pub(in crate::bench) use serve::run;

/// Connections made at once.
const CONNECTS_MAX: usize = 64;

/// A relay that runs; it ends with this handle.
pub(in crate::bench) struct Relay {
    process: Child,
    address: String,
}

impl Relay {
    pub(in crate::bench) async fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "relay"]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("the relay could not be started")?;
        let output = process.stdout.take().context("the relay has an output")?;
        let address = BufReader::new(output).lines().next_line().await?.context("the relay ended")?;
        Ok(Self { process, address })
    }

    fn cpu_us(&self) -> u64 {
        self.process.id().and_then(process::cpu_us).unwrap_or_default()
    }

    fn rss_bytes(&self) -> u64 {
        self.process.id().and_then(process::rss_bytes).unwrap_or_default()
    }

    /// Connects as `part`, and waits until the relay has understood.
    async fn connect(&self, part: Part) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        bytes::write_all(&stream, format!("{part}\n").as_bytes()).await?;
        let mut answer = [0; UNDERSTOOD.len()];
        stream.read_exact(&mut answer).await?;
        ensure!(answer == UNDERSTOOD, "the relay did not understand");
        Ok(stream)
    }

    async fn connect_all(&self, count: usize, part: Part) -> Result<Vec<TcpStream>> {
        let connecting = stream::iter((0..count).map(|_| self.connect(part)));
        connecting.buffer_unordered(CONNECTS_MAX).try_collect().await
    }
}
