//! Frames without content on a socket: counted as they come, written as often as needed. Both ends of a relay use it.

use std::io::{self, ErrorKind};

use tokio::net::TcpStream;

/// Read at once. On the stack and not in a future: an idle connection holds no buffer.
const READ_BYTES: usize = 64 << 10;

/// Counts whole frames of one size.
pub(super) struct Counter {
    size: usize,
    /// Bytes of a frame that is not whole yet.
    part: usize,
}

impl Counter {
    pub(super) fn new(size: usize) -> Self {
        Self { size: size.max(1), part: 0 }
    }

    /// Waits for bytes; how many frames they complete. An error once the other side is gone.
    pub(super) async fn next(&mut self, stream: &TcpStream) -> io::Result<usize> {
        loop {
            stream.readable().await?;
            match read(stream) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => {
                    let whole = (self.part + bytes) / self.size;
                    self.part = (self.part + bytes) % self.size;
                    return Ok(whole);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn read(stream: &TcpStream) -> io::Result<usize> {
    let mut buffer = [0; READ_BYTES];
    stream.try_read(&mut buffer)
}

/// Frames of one size, to be written.
pub(super) struct Frames {
    size: usize,
    bytes: Vec<u8>,
}

/// Frames in one write.
const FRAMES_MAX: usize = 64;

impl Frames {
    pub(super) fn new(size: usize) -> Self {
        Self { size, bytes: vec![b'x'; size * FRAMES_MAX] }
    }

    /// Writes so many.
    pub(super) async fn write(&self, stream: &TcpStream, mut count: usize) -> io::Result<()> {
        while count > 0 {
            let now = count.min(FRAMES_MAX);
            write_all(stream, &self.bytes[..now * self.size]).await?;
            count -= now;
        }
        Ok(())
    }
}

/// Writes all of it.
pub(super) async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
