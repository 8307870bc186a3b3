//! Fail points that end this process: what the crash tests ask for. Off unless configured.

use std::sync::atomic::{AtomicU64, Ordering};

use contracts::FailPoints;

/// Ends the process at one place, at its how-manieth pass, as `kill -9` would.
pub(crate) struct KillAt {
    place: String,
    passes_left: AtomicU64,
}

impl KillAt {
    /// Ends the process at the `pass`-th pass of `place`.
    pub(crate) fn new(place: String, pass: u64) -> Self {
        Self { place, passes_left: AtomicU64::new(pass.max(1)) }
    }
}

impl FailPoints for KillAt {
    fn hit(&self, place: &'static str) {
        if place == self.place && self.passes_left.fetch_sub(1, Ordering::Relaxed) == 1 {
            kill();
        }
    }
}

/// SIGKILL to oneself: no handler runs, no buffer is flushed.
fn kill() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal ends the process before this line; aborting is as sudden.
    std::process::abort();
}
