//! How much memory an idle WebSocket session holds: the codec of this crate beside tokio-tungstenite's server, and over TLS.
//!
//! `cargo run --release -p gateway --example websocket_idle [SESSIONS]`, 5,000 if not given. For every row a server
//! process of its own accepts that many connections over loopback, each upgraded by hyper, each having carried one
//! message from the client and one back. Printed is what its resident memory grew by, per session. The allocator is the
//! program's, told to return freed pages at once, so that only what is held counts. What the kernel holds for a socket
//! is not in it.

#![allow(clippy::print_stdout, reason = "the numbers are what it is for")]

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream as ClientSocket};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use gateway::websocket::{Decoder, Event, encode, handshake};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::Parts;
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tls::Pair;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

mod tls;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Sessions that are open before counting begins, so that what is paid once is not counted.
const WARM_UP: usize = 200;
const SCRATCH_BYTES: usize = 16 << 10;
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// A `hello` with its token, and a message near the limit.
const MESSAGE_BYTES: [usize; 2] = [700, 60_000];
const MODES: [&str; 5] = [
    "socket and task alone",
    "this codec",
    "tungstenite",
    "tungstenite, 1 KiB buffers",
    "this codec, over TLS",
];
const OVER_TLS: usize = 4;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Sessions that have answered.
static ANSWERED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Where every session of this thread reads.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into());
}

fn main() -> Result<()> {
    raise_open_files()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [role, mode, sessions] if role == "serve" => serve(mode.parse()?, sessions.parse()?),
        [] => measure(5_000),
        [sessions] => measure(sessions.parse()?),
        _ => Err("usage: websocket_idle [SESSIONS]".into()),
    }
}

fn raise_open_files() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

// The clients.

fn measure(sessions: usize) -> Result<()> {
    println!("bytes of resident memory per idle session, {sessions} sessions");
    let pair = tls::make()?;
    for message_bytes in MESSAGE_BYTES {
        println!("\nafter one message of {message_bytes} bytes:");
        for (mode, name) in MODES.iter().enumerate() {
            println!("{name:>28} {:>8}", per_session(mode, sessions, message_bytes, &pair)?);
        }
    }
    Ok(())
}

/// Starts a server, opens the sessions, and asks it what it holds.
fn per_session(mode: usize, sessions: usize, message_bytes: usize, pair: &Pair) -> Result<usize> {
    let mut server = Command::new(std::env::current_exe()?)
        .args(["serve", &mode.to_string(), &sessions.to_string()])
        .env("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
        .envs(tls::VARIABLES.into_iter().zip([&pair.certificate, &pair.key]))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(server.stdout.take().ok_or("the server has no output")?).lines();
    let mut line = || said.next().ok_or("the server is gone")?.map_err(Box::<dyn Error + Send + Sync>::from);
    let address = line()?.parse()?;
    let open = |count| {
        (0..count)
            .map(|_| connect(address, message_bytes, (mode == OVER_TLS).then_some(pair)))
            .collect::<Result<Vec<_>>>()
    };
    let warm = open(WARM_UP)?;
    line()?;
    let counted = open(sessions)?;
    let grown: usize = line()?.parse()?;
    drop((warm, counted));
    server.wait()?;
    Ok(grown / sessions)
}

/// What a client holds.
trait Speak: Read + Write {}

impl<S: Read + Write> Speak for S {}

/// One client: upgraded, one message there, one back.
fn connect(address: SocketAddr, message_bytes: usize, over: Option<&Pair>) -> Result<Box<dyn Speak>> {
    let socket = ClientSocket::connect(address)?;
    let mut socket: Box<dyn Speak> = match over {
        Some(pair) => Box::new(tls::client(pair, socket)?),
        None => Box::new(socket),
    };
    socket.write_all(
        b"GET /v1/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Protocol: connect.v1.json\r\n\r\n",
    )?;
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        answer.extend(byte);
    }
    let length = u16::try_from(message_bytes)?.to_be_bytes();
    let header = [0x81, 0xfe, length[0], length[1], 0, 0, 0, 0]; // masked with zeros, which changes nothing
    socket.write_all(&[&header[..], &vec![b'x'; message_bytes]].concat())?;
    socket.read_exact(&mut [0; 4])?; // the frame of "ok"
    Ok(socket)
}

// The server.

fn serve(mode: usize, sessions: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let tls = tls::server()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let tls = tls.clone();
                tokio::spawn(async move {
                    if mode == OVER_TLS {
                        upgrade(tls.accept(socket).await?, |stream| Box::pin(codec(stream))).await
                    } else {
                        upgrade(socket, move |socket| Box::pin(session(socket, mode))).await
                    }
                });
            }
        });
        let before = resident_when(WARM_UP).await?;
        println!("{before}");
        println!("{}", resident_when(WARM_UP + sessions).await?.saturating_sub(before));
        Ok(())
    })
}

/// The resident bytes of this process a moment after so many sessions have answered.
async fn resident_when(answered: usize) -> Result<usize> {
    while ANSWERED.load(Ordering::Relaxed) < answered {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(resident.trim_ascii().trim_end_matches(" kB").parse::<usize>()? * 1024)
}

type Session = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

async fn upgrade<S>(stream: S, session: impl FnOnce(S) -> Session + Copy + Send + 'static) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| async move {
        let accept = handshake::check(&request)?;
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await?;
            drop(request);
            let parts = upgraded.downcast::<TokioIo<S>>().map_err(|_other| "another socket")?;
            let Parts { io, read_buf: early, .. } = parts;
            if !early.is_empty() {
                return Err(
                    "these clients wait for the answer; another one's early frames would be fed first".into(),
                );
            }
            drop(early);
            session(io.into_inner()).await
        });
        let answer: Response<Empty<Bytes>> = accept.response();
        Ok::<_, handshake::Refusal>(answer)
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    Ok(connection.with_upgrades().await?)
}

async fn session(socket: TcpStream, mode: usize) -> Result<()> {
    let small = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(1024);
    match mode {
        0 => Box::pin(bare(socket)).await,
        1 => Box::pin(codec(socket)).await,
        2 => Box::pin(tungstenite(socket, WebSocketConfig::default())).await,
        _ => Box::pin(tungstenite(socket, small)).await,
    }
}

/// Answers once all that was sent has been seen, without decoding: the floor that no codec can go under.
async fn bare(mut socket: TcpStream) -> Result<()> {
    let mut is_answered = false;
    loop {
        socket.readable().await?;
        match SCRATCH.with_borrow_mut(|scratch| socket.try_read(scratch)) {
            Ok(0) => return Ok(()),
            Ok(_) if is_answered => {}
            Ok(_) => {
                is_answered = true;
                answer(&mut socket).await?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn codec(mut socket: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
    let mut decoder = Decoder::new();
    loop {
        match std::future::poll_fn(|context| poll_texts(&mut socket, &mut decoder, context)).await? {
            None => return Ok(()),
            Some(0) => {}
            Some(_texts) => answer(&mut socket).await?,
        }
    }
}

/// Reads what there is into the thread's scratch buffer and counts its texts. `None` at the end.
fn poll_texts(
    socket: &mut (impl AsyncRead + Unpin),
    decoder: &mut Decoder,
    context: &mut Context<'_>,
) -> Poll<Result<Option<usize>>> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(socket).poll_read(context, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(None));
        }
        let mut texts = 0;
        decoder.feed(buffer.filled_mut(), MESSAGE_BYTES_MAX, &mut |event| {
            texts += usize::from(matches!(event, Event::Text(_)));
            ControlFlow::Continue(())
        })?;
        Poll::Ready(Ok(Some(texts)))
    })
}

async fn answer(socket: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
    socket.write_all(&encode::text("ok")).await?;
    socket.flush().await?;
    ANSWERED.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

async fn tungstenite(socket: TcpStream, config: WebSocketConfig) -> Result<()> {
    let mut stream = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
    while let Some(message) = stream.next().await {
        if message?.is_text() {
            stream.send(Message::text("ok")).await?;
            ANSWERED.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}
