//! What a failure of the key-value store is to callers of the port.

use domain::PortError;

use super::format;

const PORT: &str = "chat store";

/// A read that failed.
pub(super) fn of_read(error: store_kv::Error) -> PortError {
    match error {
        store_kv::Error::Io(_) | store_kv::Error::Closed => PortError::passing(PORT, error),
        _ => PortError::lasting(PORT, error),
    }
}

/// A write that failed. A store that is closed or broken is one that starts again soon.
pub(super) fn of_write(error: store_kv::write::Error) -> PortError {
    use store_kv::write::Error;
    match error {
        Error::Closed | Error::Failed => PortError::passing(PORT, error),
        _ => PortError::lasting(PORT, error),
    }
}

/// A row that is not one.
pub(super) fn of_row(error: format::Error) -> PortError {
    PortError::lasting(PORT, error)
}

/// A caller that broke a law.
pub(super) fn of_caller(what: &'static str) -> PortError {
    PortError::lasting(PORT, what)
}
