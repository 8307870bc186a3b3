//! Frames on their way into the socket: many in one vectored write.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{array, io};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// Frames in one write.
const FRAMES_MAX: usize = 64;

/// Frames that were taken from a queue; the first may be written in part.
#[derive(Debug, Default)]
pub(super) struct Writing(VecDeque<Bytes>);

impl Writing {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, frame: Bytes) {
        self.0.push_back(frame);
    }

    pub(super) fn replace(&mut self, frames: VecDeque<Bytes>) {
        self.0 = frames;
    }

    /// Writes once. Gives the bytes and whole frames that went.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        io: Pin<&mut impl AsyncWrite>,
    ) -> Poll<io::Result<(usize, u64)>> {
        let written = if let [frame] = self.0.make_contiguous() {
            ready!(io.poll_write(cx, frame))?
        } else {
            let mut frames = self.0.iter();
            let slices: [IoSlice<'_>; FRAMES_MAX] =
                array::from_fn(|_| IoSlice::new(frames.next().map_or(&[], |frame| frame)));
            let count = self.0.len().min(FRAMES_MAX);
            ready!(io.poll_write_vectored(cx, &slices[..count]))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok((written, self.advance(written))))
    }

    fn advance(&mut self, mut bytes: usize) -> u64 {
        let mut frames = 0;
        while let Some(first) = self.0.front_mut()
            && bytes > 0
        {
            if first.len() > bytes {
                first.advance(bytes);
                return frames;
            }
            bytes -= first.len();
            frames += 1;
            self.0.pop_front();
        }
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
        frames
    }
}
