//! The Rust SDK of Connect Chat.
