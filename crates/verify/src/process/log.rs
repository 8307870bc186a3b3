//! What a server says: the end of it, kept until a test fails.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Kept at most; what came first goes first.
const BYTES_MAX: usize = 256 << 10;

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
    /// Outputs that are still open.
    open: usize,
}

/// The lines of all outputs that are followed, as they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Kept>>);

impl Log {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows an output in a thread of its own, which ends with it.
    pub(super) fn follow(&self, output: Option<impl Read + Send + 'static>) {
        let Some(output) = output else { return };
        self.kept().open += 1;
        let log = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                log.kept().push(String::from_utf8_lossy(&line).into_owned());
            }
            log.kept().open -= 1;
        });
    }

    /// Waits until all was heard of processes that have ended.
    pub(super) async fn complete(&self) {
        while self.kept().open > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) fn text(&self) -> String {
        let kept = self.kept();
        kept.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }

    /// Shows it to whoever reads why a test failed.
    #[expect(clippy::print_stderr, reason = "the test harness shows it with the failure")]
    pub(super) fn print(&self) {
        eprintln!("--- what the server said ---\n{}---", self.text());
    }
}

impl Kept {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > BYTES_MAX {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_much_fills_the_memory() {
        let mut kept = Kept::default();
        (0..10_000).for_each(|number| kept.push(format!("{number:0100}")));
        assert!(kept.bytes <= BYTES_MAX);
        assert!(kept.lines.back().is_some_and(|line| line.ends_with("9999")), "the end is what is kept");
    }
}
