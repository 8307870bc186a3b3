//! The sequence service.
