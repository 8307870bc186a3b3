//! Answers of any length: made while they are sent, with a bounded part of them in memory.
//!
//! Whoever reads too slowly for too long is let go, since what makes the answer may hold a state of the store. A reader
//! finds out that an answer is not whole: what is sent has an end of its own, and a broken one closes the connection.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Pieces that wait for the reader.
const PIECES_MAX: usize = 4;

/// Bytes in a piece.
const PIECE_BYTES: usize = 64 << 10;

/// A reader that takes nothing for this long is let go.
const PATIENCE: Duration = Duration::from_secs(60);

type Piece = Result<Bytes, io::Error>;

/// Where an answer is written to.
pub(super) struct Pipe {
    to: mpsc::Sender<Piece>,
    piece: Vec<u8>,
}

/// An answer, and where it is written to.
pub(super) fn pipe() -> (Pipe, Body) {
    let (to, mut from) = mpsc::channel::<Piece>(PIECES_MAX);
    let body = Body::from_stream(stream::poll_fn(move |cx| from.poll_recv(cx)));
    (Pipe { to, piece: vec![] }, body)
}

impl Pipe {
    /// Adds to the answer.
    pub(super) async fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES { self.send().await } else { Ok(()) }
    }

    /// Ends the answer: whole, or broken for this reason.
    pub(super) async fn end(mut self, made: anyhow::Result<()>) {
        let sent = match made {
            Ok(()) => self.send().await,
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "an answer to an operator could not be finished"
                );
                self.to
                    .send(Err(io::Error::other("it could not be finished")))
                    .await
                    .map_err(io::Error::other)
            }
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "an operator did not wait for the end of an answer");
        }
    }

    async fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece).into();
        match tokio::time::timeout(PATIENCE, self.to.send(Ok(piece))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// A pipe for a thread that may block.
pub(super) struct Blocking<'a>(pub(super) &'a mut Pipe);

impl Write for Blocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Handle::current().block_on(self.0.put(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Handle::current().block_on(self.0.send())
    }
}
