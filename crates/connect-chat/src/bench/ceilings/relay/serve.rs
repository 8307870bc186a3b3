//! The relay itself: takes frames from one socket and gives frames to others. What a chat server would be that neither
//! reads, decides, stores nor names anything.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;

use super::bytes::{Counter, Frames, write_all};
use super::part::{Part, UNDERSTOOD};

/// Connections that wait to be accepted, as at the server.
const BACKLOG: u32 = 4_096;

/// Frames that wait for one group of members.
const QUEUE: usize = 64;

/// Connections that wait for who writes to them.
#[derive(Default)]
struct Parked {
    listeners: HashMap<u64, TcpStream>,
    members: Vec<TcpStream>,
}

type Shared = Arc<Mutex<Parked>>;

/// Relays until whoever started this process closes its standard input.
pub(in crate::bench) async fn run() -> Result<()> {
    let listener = listen()?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let parked = Shared::default();
    let accepting = async {
        loop {
            let (stream, _) = listener.accept().await?;
            let parked = Arc::clone(&parked);
            // One that breaks is one whose other end has seen enough.
            tokio::spawn(async move { drop(connection(stream, &parked).await) });
        }
    };
    let mut nothing = Vec::new();
    let mut input = tokio::io::stdin();
    tokio::select! {
        failed = accepting => failed,
        _ = input.read_to_end(&mut nothing) => Ok(()),
    }
}

fn listen() -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind("127.0.0.1:0".parse()?)?;
    Ok(socket.listen(BACKLOG)?)
}

async fn connection(mut stream: TcpStream, parked: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let part = line(&mut stream).await?.parse()?;
    match part {
        Part::Listener { pair } => {
            park(parked, stream, |parked, stream| drop(parked.listeners.insert(pair, stream)))
        }
        Part::Member => park(parked, stream, |parked, stream| parked.members.push(stream)),
        Part::Speaker { pair, send, entry, sent } => {
            write_all(&stream, UNDERSTOOD).await?;
            let listener = lock(parked).listeners.remove(&pair).context("nobody listens")?;
            relay(&stream, &listener, send, entry, sent).await
        }
        Part::Announcer { send, entry } => {
            write_all(&stream, UNDERSTOOD).await?;
            let members = std::mem::take(&mut lock(parked).members);
            announce(&stream, members, send, entry).await
        }
        Part::Asker { asked, answer } => {
            write_all(&stream, UNDERSTOOD).await?;
            respond(&stream, asked, answer).await
        }
    }
}

/// Keeps a connection for who writes to it, and says so under the lock: whoever reads that finds it kept.
fn park(parked: &Shared, stream: TcpStream, keep: impl FnOnce(&mut Parked, TcpStream)) -> Result<()> {
    let mut parked = lock(parked);
    // Nothing was written before, so there is room for it.
    stream.try_write(UNDERSTOOD)?;
    keep(&mut parked, stream);
    Ok(())
}

fn lock(parked: &Shared) -> MutexGuard<'_, Parked> {
    parked.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first line of a connection.
async fn line(stream: &mut TcpStream) -> Result<String> {
    let mut line = Vec::new();
    while line.len() < 100 {
        match stream.read_u8().await? {
            b'\n' => return Ok(String::from_utf8(line)?),
            byte => line.push(byte),
        }
    }
    bail!("a first line without an end")
}

async fn relay(
    speaker: &TcpStream,
    listener: &TcpStream,
    send: usize,
    entry: usize,
    sent: usize,
) -> Result<()> {
    let (mut coming, entries, acks) = (Counter::new(send), Frames::new(entry), Frames::new(sent));
    loop {
        let count = coming.next(speaker).await?;
        entries.write(listener, count).await?;
        acks.write(speaker, count).await?;
    }
}

/// The members are split among the cores: a frame is written to each in turn.
async fn announce(speaker: &TcpStream, mut members: Vec<TcpStream>, send: usize, entry: usize) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = members.len().div_ceil(cores).max(1);
    let mut queues = Vec::new();
    while !members.is_empty() {
        let part = members.split_off(members.len().saturating_sub(share));
        let (queue, mut frames) = mpsc::channel::<()>(QUEUE);
        queues.push(queue);
        tokio::spawn(async move {
            let (entries, mut waiting) = (Frames::new(entry), Vec::new());
            loop {
                // What waits is written at once, as a server does.
                let count = frames.recv_many(&mut waiting, QUEUE).await;
                if count == 0 {
                    return;
                }
                waiting.clear();
                for member in &part {
                    // One that is gone gets no more.
                    drop(entries.write(member, count).await);
                }
            }
        });
    }
    let mut coming = Counter::new(send);
    loop {
        for _ in 0..coming.next(speaker).await? {
            for queue in &queues {
                queue.send(()).await?;
            }
        }
    }
}

async fn respond(asker: &TcpStream, asked: usize, answer: usize) -> Result<()> {
    let mut coming = Counter::new(asked);
    loop {
        let count = coming.next(asker).await?;
        // Made for it and dropped with it: what waits for a question holds no buffer.
        write_all(asker, &vec![b'x'; answer * count]).await?;
    }
}
