//! The connection, or the wait for the next one.

use std::sync::Arc;
use std::time::Duration;

use protocol::frame::{FromDevice, FromServer};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::core::Ended;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::tokens::{Access, TokenSource};
use crate::wire::{Connection, Heard, Receiver, Sender};

/// A connection is made, and a write goes through, within this time.
const PATIENCE: Duration = Duration::from_secs(15);
/// Frames that wait to be written. What may be under way at once is less; when it is full, writing is stuck.
const FRAMES_MAX: usize = 1_024;

/// The connection, or the wait for the next one.
pub(super) enum Link {
    /// Nothing until then; `stale` is a token that the server refused.
    Waiting { until: Instant, stale: Option<String> },
    /// A connection is being made.
    Connecting(Connecting),
    /// A connection is open.
    Up(Up),
}

/// A connection in the making, which ends when it is not wanted any more.
pub(super) struct Connecting(JoinHandle<Result<(Access, Connection), Error>>);

/// An open connection. Dropped, it writes what waits and says that it goes.
pub(super) struct Up {
    pub(super) access: Access,
    receiver: Receiver,
    frames: mpsc::Sender<FromDevice<'static>>,
    writer: JoinHandle<()>,
}

/// What the link has to tell.
pub(super) enum News {
    /// The wait is over.
    Due,
    /// A connection is open.
    Opened(Box<(Access, Connection)>),
    /// A connection could not be made.
    NotOpened(Error),
    /// A frame came.
    Frame(Box<FromServer>),
    /// The connection ended.
    Ended(Ended),
}

impl Link {
    /// The next news. Can be dropped and called again without loss.
    pub(super) async fn news(&mut self) -> News {
        match self {
            Self::Waiting { until, .. } => {
                sleep_until(*until).await;
                News::Due
            }
            Self::Connecting(Connecting(task)) => match task.await {
                Ok(Ok(opened)) => News::Opened(Box::new(opened)),
                Ok(Err(error)) => News::NotOpened(error),
                Err(error) => News::NotOpened(Error::Unreachable(error.to_string())),
            },
            Self::Up(up) => up.news().await,
        }
    }

    /// Starts to connect with a good token.
    pub(super) fn connect(endpoint: &Endpoint, tokens: &Arc<dyn TokenSource>, stale: Option<String>) -> Self {
        let (endpoint, tokens) = (endpoint.clone(), Arc::clone(tokens));
        Self::Connecting(Connecting(tokio::spawn(async move {
            let access = tokens.access(stale.as_deref()).await?;
            let slow = |_| Error::Unreachable("no connection in time".to_owned());
            let connection = timeout(PATIENCE, Connection::at(&endpoint)).await.map_err(slow)??;
            Ok((access, connection))
        })))
    }

    /// Says this; `false` if the connection does not take it.
    pub(super) fn say(&self, frame: FromDevice<'static>) -> bool {
        match self {
            Self::Up(up) => up.frames.try_send(frame).is_ok(),
            _ => true,
        }
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Up {
    pub(super) fn new(access: Access, connection: Connection) -> Self {
        let (sender, receiver) = connection.split();
        let (frames, to_write) = mpsc::channel(FRAMES_MAX);
        Self { access, receiver, frames, writer: tokio::spawn(write(sender, to_write)) }
    }

    async fn news(&mut self) -> News {
        loop {
            match self.receiver.next().await {
                Ok(Heard::Frame(frame)) => return News::Frame(Box::new(frame)),
                Ok(Heard::Unknown(_)) => {}
                Ok(Heard::Closed(code)) => return News::Ended(Ended::Closed(code)),
                Err(error) => return News::Ended(Ended::Broken(error.to_string())),
            }
        }
    }

    /// Writes what waits, says that it goes, and ends.
    pub(super) async fn close(self) {
        drop((self.frames, self.receiver));
        // It is over either way.
        drop(timeout(PATIENCE, self.writer).await);
    }
}

/// Writes frames, those that wait together at once. When it fails it ends, and the reader sees that, too.
async fn write(mut sender: Sender, mut frames: mpsc::Receiver<FromDevice<'static>>) {
    while let Some(frame) = frames.recv().await {
        let batch = async {
            sender.feed(&frame).await?;
            while let Ok(frame) = frames.try_recv() {
                sender.feed(&frame).await?;
            }
            sender.flush().await
        };
        if !matches!(timeout(PATIENCE, batch).await, Ok(Ok(()))) {
            return;
        }
    }
    drop(timeout(PATIENCE, sender.close()).await);
}
