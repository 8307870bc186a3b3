//! Lines of the input, read in a thread of its own: a read of a terminal cannot be given up, and must not hold the end of
//! the program.

use std::io::{BufRead, Read};

use tokio::sync::mpsc;

/// Lines that wait to be worked on.
const LINES_MAX: usize = 16;

/// The longest line that is read, in bytes: well above the longest text.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// The lines of standard input. The channel is closed at its end.
pub(super) fn lines() -> std::io::Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    let read = move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(receiver)
}
