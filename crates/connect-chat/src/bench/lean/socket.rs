//! The connection: what is to be written is gathered, what came in is looked at in place.

use std::io::ErrorKind;

use anyhow::{Context, Result, bail, ensure};
use protocol::frame::FromDevice;
use protocol::{CONNECT_PATH, SUBPROTOCOL};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep_until};

use super::frame::{Front, front, write_text};
use super::heard::{Heard, parse};

/// A connection.
pub(in crate::bench) struct Socket {
    stream: TcpStream,
    coming: Vec<u8>,
    /// Up to here `coming` was looked at.
    looked: usize,
    going: Vec<u8>,
    /// Of all that was ever in `going`, what the kernel took.
    written_bytes: u64,
    scratch: Vec<u8>,
    /// When something was said last.
    said: Instant,
}

/// Who has nothing to say is heard this often: a server asks for every 25 seconds, and takes who is silent for dead.
const BEAT: Duration = Duration::from_secs(20);

const READ_BYTES: usize = 16 << 10;
const HEAD_BYTES_MAX: usize = 8 << 10;

impl Socket {
    /// Connects to the server at `url`, says hello, and waits for its welcome.
    pub(in crate::bench) async fn connect(url: &str, token: &str) -> Result<Self> {
        let mut socket = Self::hello(url, token).await?;
        loop {
            while let Some(frame) = socket.next()? {
                match parse(frame)? {
                    Heard::Welcome => return Ok(socket),
                    Heard::Goodbye(goodbye) => bail!("the server said goodbye: {goodbye:?}"),
                    Heard::Error(error) => bail!("the server refused hello: {}", error.error),
                    _ => {}
                }
            }
            socket.turn().await?;
        }
    }

    /// Connects to the server at `url` and puts a hello in line, unawaited.
    pub(in crate::bench) async fn hello(url: &str, token: &str) -> Result<Self> {
        let mut socket = Self::open(url).await?;
        socket.say(&FromDevice::Hello { token: token.into() })?;
        Ok(socket)
    }

    async fn open(url: &str) -> Result<Self> {
        let host = super::host(url)?;
        let mut stream = TcpStream::connect(host).await.with_context(|| format!("no server at {host}"))?;
        stream.set_nodelay(true)?;
        let head = format!(
            "GET {CONNECT_PATH} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y29ubmVjdC1jaGF0LWJlbg==\r\n\
             Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        let mut coming = Vec::new();
        let end = loop {
            let read = stream.read_buf(&mut coming).await?;
            ensure!(read > 0 && coming.len() < HEAD_BYTES_MAX, "the server did not take the connection");
            if let Some(end) = super::end_of_head(&coming) {
                break end;
            }
        };
        let status = String::from_utf8_lossy(&coming[..end]).lines().next().unwrap_or_default().to_owned();
        ensure!(status.contains(" 101 "), "the server did not take the connection: {status}");
        Ok(Self {
            stream,
            coming,
            looked: end,
            going: Vec::new(),
            written_bytes: 0,
            scratch: Vec::new(),
            said: Instant::now(),
        })
    }

    /// Cuts the connection, without a word to the other side but a reset.
    pub(in crate::bench) fn cut(self) -> Result<()> {
        Ok(self.stream.set_zero_linger()?)
    }

    /// Puts a frame in line.
    pub(in crate::bench) fn say(&mut self, frame: &impl Serialize) -> Result<()> {
        self.scratch.clear();
        serde_json::to_writer(&mut self.scratch, frame)?;
        write_text(&mut self.going, &self.scratch);
        self.said = Instant::now();
        Ok(())
    }

    /// Bytes that wait for the kernel to take them.
    pub(in crate::bench) fn waiting_bytes(&self) -> usize {
        self.going.len()
    }

    /// Bytes that the kernel took so far.
    pub(in crate::bench) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Bytes that were put in line so far, and those that the kernel took among them.
    pub(in crate::bench) fn said_bytes(&self) -> u64 {
        self.written_bytes + self.going.len() as u64
    }

    /// The next frame that came in whole, if there is one.
    pub(in crate::bench) fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            let at = self.looked;
            match front(&self.coming[at..])? {
                Front::Partial => return Ok(None),
                Front::Text(from, to) => {
                    self.looked = at + to;
                    return Ok(Some(&self.coming[at + from..at + to]));
                }
                Front::Control(to) => self.looked = at + to,
                Front::Close(code) => bail!("the server closed the connection ({code:?})"),
            }
        }
    }

    /// Writes what is in line, and waits until something came in or there is room to write more; says a ping where it
    /// was silent for long. Can be dropped and called again without loss.
    pub(in crate::bench) async fn turn(&mut self) -> Result<()> {
        self.write()?;
        let interest =
            if self.going.is_empty() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        tokio::select! {
            ready = self.stream.ready(interest) => if ready?.is_readable() {
                self.read()?;
            },
            () = sleep_until(self.said + BEAT) => self.say(&FromDevice::Ping {})?,
        }
        self.write()
    }

    /// Writes what goes without waiting.
    pub(in crate::bench) fn write(&mut self) -> Result<()> {
        let mut written = 0;
        while written < self.going.len() {
            match self.stream.try_write(&self.going[written..]) {
                Ok(0) => bail!("the connection ended"),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.going.drain(..written);
        self.written_bytes += written as u64;
        Ok(())
    }

    fn read(&mut self) -> Result<()> {
        self.coming.drain(..self.looked);
        self.looked = 0;
        self.coming.reserve(READ_BYTES);
        match self.stream.try_read_buf(&mut self.coming) {
            Ok(0) => bail!("the connection ended"),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
