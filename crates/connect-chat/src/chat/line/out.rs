//! What a person or a pipe reads: lines on standard output. The only place of line mode that prints.

use std::io::Write;

/// Standard output.
pub(super) struct Out {
    people: bool,
}

impl Out {
    pub(super) fn new(people: bool) -> Self {
        Self { people }
    }

    /// Whether a person reads along.
    pub(super) fn people(&self) -> bool {
        self.people
    }

    /// Prints a line, at once.
    pub(super) fn line(&self, line: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}")
            .and_then(|()| out.flush())
            .map_err(|error| anyhow::anyhow!("the output ended: {error}"))
    }
}
