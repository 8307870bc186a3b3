//! The WebSocket codec: against the RFC's own examples, a table of bad input, every way of cutting, and another
//! implementation.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cuts;
mod handshake;
mod memory;
mod oracle;
mod oracle_bad_input;
mod refusals;
mod rfc;
mod support;
