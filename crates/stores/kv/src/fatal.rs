//! The end of a process whose store could not make something durable.
//!
//! After a failed fsync the kernel may have dropped the dirty pages and call the next fsync a success, so trying again
//! would acknowledge what is lost. The only honest answer is to stop and start from what is on disk.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the process ends.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The store's folder.
    pub dir: PathBuf,
    /// What happened, in the engine's words.
    pub cause: String,
    /// What a person can do about it.
    pub advice: &'static str,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store in {} cannot write: {}; {}", self.dir.display(), self.cause, self.advice)
    }
}

impl Failure {
    pub(crate) fn of_commit(dir: PathBuf, error: &fjall::Error) -> Self {
        Self { dir, cause: error.to_string(), advice: advice(error) }
    }

    pub(crate) fn of_panic(dir: PathBuf) -> Self {
        let cause = "the committer panicked".to_owned();
        Self { dir, cause, advice: "this is a bug; nothing acknowledged is lost, start again and report it" }
    }
}

fn advice(error: &fjall::Error) -> &'static str {
    match error {
        fjall::Error::Io(e)
            if matches!(
                e.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            ) =>
        {
            "the disk is full: make room on it and start again; nothing acknowledged is lost"
        }
        fjall::Error::Poisoned => {
            "background work failed before, see the error logged then (most often a full disk); \
             nothing acknowledged is lost, mend it and start again"
        }
        _ => "check the disk and start again; nothing acknowledged is lost",
    }
}

/// What is called once when a commit fails. It should not return.
#[derive(Clone)]
pub struct Handler(Arc<dyn Fn(&Failure) + Send + Sync>);

impl Handler {
    /// A handler of one's own, so that a test can observe the failure. If it returns, the store refuses every write
    /// from then on.
    pub fn new(f: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        Self(Arc::new(f))
    }

    pub(crate) fn call(&self, failure: &Failure) {
        (self.0)(failure);
    }
}

impl Default for Handler {
    /// Logs the failure and aborts the process.
    fn default() -> Self {
        Self::new(|failure| {
            tracing::error!(
                dir = %failure.dir.display(), cause = %failure.cause,
                "the store cannot write; the process ends: {}", failure.advice,
            );
            std::process::abort()
        })
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fatal::Handler")
    }
}
