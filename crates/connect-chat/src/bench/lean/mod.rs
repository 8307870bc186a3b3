//! A WebSocket client that costs as little as one can: the load generator shares the machine with the server.
//!
//! Frames are masked with zeros, which the protocol allows and which cost nothing; what comes in is read in place, and
//! only the fields that a meter needs. Deliberately absent: fragments, extensions, close handshakes and healing.

mod frame;
mod heard;
mod socket;

pub(super) use frame::{number_of, numbered};
pub(super) use heard::{Heard, parse};
pub(super) use socket::Socket;
