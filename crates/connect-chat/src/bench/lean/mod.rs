//! A WebSocket and an HTTP client that cost as little as they can: the load generator shares the machine with the server.
//!
//! Frames are masked with zeros, which the protocol allows and which cost nothing; what comes in is read in place, and
//! only the fields that a meter needs. Deliberately absent: fragments, extensions, close handshakes and healing.

mod frame;
mod heard;
mod http;
mod socket;

use anyhow::{Context, Result};

pub(super) use frame::{number_of, numbered};
pub(super) use heard::{Changes, Entry, Heard, parse};
pub(super) use http::Asker;
pub(super) use socket::Socket;

/// What is said when a meter that must not lag was told that it does.
pub(super) const LAGGED: &str = "a receiver read too slowly and was told `lagged`: give the load generator more cores, or \
    the server a larger limits.session_queue_bytes_max";

/// The host and port of a server's address.
fn host(url: &str) -> Result<&str> {
    Ok(url.strip_prefix("http://").context("only http:// can be measured")?.trim_end_matches('/'))
}

/// Where the head of an HTTP answer ends, if it is whole.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4)
}
