//! Lines of the input, read in a thread of its own: a read of a terminal cannot be given up, and must not hold the end of
//! the program.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

/// Lines that wait to be worked on.
const LINES_MAX: usize = 16;

/// The longest line that is read, in bytes: well above the longest text.
const LINE_BYTES_MAX: usize = 1 << 20;

/// A line, with its line feed, or why it is none. Nothing is made of a part of a line.
pub(super) type Line = Result<String, Unread>;

/// Why a line is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("a line of the input is longer than {LINE_BYTES_MAX} bytes, and was passed over")]
    TooLong,
    #[error("a line of the input is not UTF-8, and was passed over")]
    NotUtf8,
    #[error("the input cannot be read: {0}")]
    Broken(#[from] io::Error),
}

/// The lines of standard input. The channel is closed at its end.
pub(super) fn lines() -> io::Result<mpsc::Receiver<Line>> {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    let read = move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next(&mut input) {
            let last = matches!(line, Err(Unread::Broken(_)));
            if sender.blocking_send(line).is_err() || last {
                return;
            }
        }
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(receiver)
}

/// The next line; `None` at the end.
fn next(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    match input.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line) {
        Ok(0) => return None,
        Ok(_) => {}
        Err(error) => return Some(Err(error.into())),
    }
    if line.len() < LINE_BYTES_MAX || line.ends_with(b"\n") {
        return Some(String::from_utf8(line).map_err(|_| Unread::NotUtf8));
    }
    // What follows belongs to it, and is neither said nor done.
    Some(match input.skip_until(b'\n') {
        Ok(0) => String::from_utf8(line).map_err(|_| Unread::NotUtf8),
        Ok(_) => Err(Unread::TooLong),
        Err(error) => Err(error.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> Vec<Result<String, String>> {
        std::iter::from_fn(|| next(&mut bytes))
            .map(|line| line.map_err(|unread| unread.to_string()))
            .collect()
    }

    #[test]
    fn the_tail_of_a_long_line_is_done_as_a_command() {
        let longest = format!("{}\n", "x".repeat(LINE_BYTES_MAX - 1));
        let long = format!("{}/quit\n", "x".repeat(LINE_BYTES_MAX));
        let lines = read(format!("{longest}{long}after\n").as_bytes());
        assert_eq!((&lines[0], &lines[2], lines.len()), (&Ok(longest), &Ok("after\n".to_owned()), 3));
        assert!(lines[1].as_ref().unwrap_err().contains("longer than"), "{:?}", lines[1]);
        let unended = "x".repeat(LINE_BYTES_MAX);
        assert_eq!(read(unended.as_bytes()), [Ok(unended)]);
    }

    #[test]
    fn what_is_no_text_is_said_as_another() {
        let lines = read(b"one\n\xff\xfe\nlast");
        assert_eq!((&lines[0], &lines[2]), (&Ok("one\n".to_owned()), &Ok("last".to_owned())));
        assert!(lines[1].as_ref().unwrap_err().contains("UTF-8"), "{:?}", lines[1]);
    }

    #[test]
    fn an_input_that_breaks_counts_as_its_end() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        assert!(matches!(next(&mut io::BufReader::new(Broken)), Some(Err(Unread::Broken(_)))));
    }
}
