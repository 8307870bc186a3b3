//! The embedded key-value store: one database, one committer, one fsync for what is queued.
