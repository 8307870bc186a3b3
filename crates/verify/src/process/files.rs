//! How many files a process may have open: thousands of sockets need more than a shell gives by itself.

use std::sync::OnceLock;

use anyhow::{Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a test may have open at once, at most: a thousand connections and more, each with its pipes and polls.
const FILES: u64 = 4_096;

/// Allows this process, and what it starts, as many open files as the machine does; once.
///
/// # Errors
///
/// When that is too few for the tests.
pub(super) fn allow() -> Result<()> {
    static MOST: OnceLock<u64> = OnceLock::new();
    let most = *MOST.get_or_init(raise);
    if most < FILES {
        bail!(
            "{most} files may be open at once, and the tests need {FILES}: raise the hard limit (`ulimit -Hn`)"
        );
    }
    Ok(())
}

/// Raises the limit of this process to the hard one. Gives what it is then.
fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let is = if raised.is_ok() { maximum } else { current };
    is.unwrap_or(u64::MAX)
}
