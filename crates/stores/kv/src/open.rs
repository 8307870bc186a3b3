//! Why a store could not be opened, in words that help whoever reads them at night.

use std::io;
use std::path::PathBuf;

/// A store that could not be opened. Nothing in the folder was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the folder, or this one still holds a handle to it.
    #[error(
        "the store in {} is in use by {holder}: only one process may open it; stop that one, or choose another data folder",
        dir.display()
    )]
    Locked {
        /// The store's folder.
        dir: PathBuf,
        /// Who has it, as it said itself: `process 1234`.
        holder: String,
    },
    /// The folder or the file system is read-only for this user.
    #[error("cannot write to {}: {source}; check its owner and mode, and that the file system is not read-only", dir.display())]
    NotWritable {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer program has written the folder.
    #[error(
        "the store in {} has format {found}, but this program knows formats up to {known}: use the newer program that wrote it",
        dir.display()
    )]
    NewerFormat {
        /// The store's folder.
        dir: PathBuf,
        /// The format in the folder.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// What is on disk is not what was written: acknowledged rows may be missing, so the store is not opened.
    #[error("the store in {} is damaged: {what}; keep a copy of the folder, and restore it from a backup", dir.display())]
    Damaged {
        /// The store's folder.
        dir: PathBuf,
        /// The file, the place and what is wrong with it.
        what: String,
    },
    /// The system refused something else.
    #[error("cannot open the store in {}: {source}", dir.display())]
    Io {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An option that cannot work.
    #[error("cannot open the store in {}: {what}", dir.display())]
    Options {
        /// The store's folder.
        dir: PathBuf,
        /// Which option and why.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn io(dir: impl Into<PathBuf>, source: io::Error) -> Self {
        let dir = dir.into();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { dir, source }
            }
            _ => Self::Io { dir, source },
        }
    }

    pub(crate) fn engine(dir: impl Into<PathBuf>, error: fjall::Error) -> Self {
        let dir = dir.into();
        match error {
            fjall::Error::Locked => {
                Self::Locked { dir, holder: "a process that is not this program".to_owned() }
            }
            fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
                // a file that the manifest names and that is not there
                if source.kind() == io::ErrorKind::NotFound {
                    return Self::Damaged { dir, what: format!("a file is missing ({source})") };
                }
                Self::io(dir, source)
            }
            other => Self::Damaged { dir, what: other.to_string() },
        }
    }
}
