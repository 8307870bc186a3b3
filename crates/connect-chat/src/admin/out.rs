//! What an operator reads: lines on standard output.

use std::io::{self, Write};

/// Prints a line; a closed pipe ends the command quietly.
pub(super) fn say(line: &str) -> anyhow::Result<()> {
    pass_on(writeln!(io::stdout(), "{line}"))
}

/// What became of something printed; a closed pipe ends the command quietly.
#[expect(clippy::disallowed_methods, reason = "who reads is gone, and nothing is open that has to be closed")]
pub(super) fn pass_on(printed: io::Result<()>) -> anyhow::Result<()> {
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}
