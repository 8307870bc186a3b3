//! A connection by hand, for what no library sends.

use protocol::frame::FromServer;
use protocol::{CONNECT_PATH, SUBPROTOCOL};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use verify::process::Server;

use crate::support::{hello, parsed, soon};

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;

/// A WebSocket, from the client's side, with every bit in the test's hand.
pub(crate) struct Raw<S = TcpStream> {
    stream: S,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    Frame(Box<FromServer>),
    /// A pong of WebSocket.
    Pong,
    Close(u16),
    Gone,
}

impl Raw {
    /// After the handshake; nothing was said yet.
    pub(crate) async fn open(server: &Server) -> Self {
        Self::over(TcpStream::connect(server.listen().unwrap()).await.unwrap()).await
    }

    /// A live session.
    pub(crate) async fn live(server: &Server, token: &str) -> Self {
        Self::open(server).await.greeted(token).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// The same over a connection that was made with care.
    pub(crate) async fn over(mut stream: S) -> Self {
        let request = format!(
            "GET {CONNECT_PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = vec![];
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    /// The session that this connection becomes.
    pub(crate) async fn greeted(mut self, token: &str) -> Self {
        self.text(&serde_json::to_string(&hello(token)).unwrap()).await;
        let came = self.next().await;
        assert!(matches!(&came, Came::Frame(frame) if matches!(**frame, FromServer::Welcome(_))), "{came:?}");
        self
    }

    /// What it goes over: to see how it ends.
    pub(crate) const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Bytes as they are. The server may have closed already: what it says is what counts.
    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.bytes(&frame(TEXT, true, text.as_bytes())).await;
    }

    /// What comes next, pushed entries and cursors aside.
    pub(crate) async fn next(&mut self) -> Came {
        soon("an answer", async {
            loop {
                match self.read().await {
                    Some(Came::Frame(frame))
                        if matches!(*frame, FromServer::Entry { .. } | FromServer::Cursor(_)) => {}
                    came => return came.unwrap_or(Came::Gone),
                }
            }
        })
        .await
    }

    async fn read(&mut self) -> Option<Came> {
        let first = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.ok()? {
            126 => u64::from(self.stream.read_u16().await.ok()?),
            127 => self.stream.read_u64().await.ok()?,
            length => u64::from(length),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        match first {
            0x81 => Some(Came::Frame(Box::new(parsed(str::from_utf8(&payload).unwrap())))),
            0x8a => Some(Came::Pong),
            0x88 => Some(Came::Close(u16::from_be_bytes(payload[..2].try_into().unwrap()))),
            other => panic!("a frame of kind {other:x}"),
        }
    }
}

/// A whole frame; one of a client is masked.
pub(crate) fn frame(opcode: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask_bit = if masked { 0x80 } else { 0 };
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ ..126 => frame.push(mask_bit | u8::try_from(length).unwrap()),
        length @ ..65_536 => {
            frame.push(mask_bit | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(mask_bit | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    let mask: [u8; 4] = if masked { [0x1f, 0x2e, 0x3d, 0x4c] } else { [0; 4] };
    if masked {
        frame.extend(mask);
    }
    frame.extend(payload.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
