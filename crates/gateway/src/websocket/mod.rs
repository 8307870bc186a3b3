//! The WebSocket codec: the server side of RFC 6455, without IO, so that an idle session costs next to nothing.
//!
//! - [`handshake`] judges the request and makes the answer; whoever serves HTTP does the upgrade.
//! - [`Decoder`] turns received bytes into [`Event`]s. It reads in place from a scratch buffer that all sessions of a
//!   thread share, and keeps bytes of its own only while a frame or a message is incomplete.
//! - [`encode`] turns payloads into frames. A server's frames are unmasked, so one frame serves every receiver.
//!
//! Deliberately absent: sockets, timers and queues; the client role; extensions (permessage-deflate among them, which
//! would need a window per session); sending fragments, since our payloads are whole when they are sent.
//!
//! ```
//! use std::ops::ControlFlow;
//! use gateway::websocket::{Decoder, Event};
//!
//! let mut decoder = Decoder::new();
//! let mut scratch = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]; // RFC 6455, section 5.7
//! decoder.feed(&mut scratch, 64 << 10, &mut |event| {
//!     assert_eq!(event, Event::Text("Hello"));
//!     ControlFlow::Continue(())
//! })?;
//! assert!(decoder.is_idle());
//! # Ok::<(), gateway::websocket::Violation>(())
//! ```

mod close;
mod decode;
pub mod encode;
pub(crate) mod fuzz;
pub mod handshake;
mod header;
mod mask;
mod violation;

pub use close::CloseCode;
pub use decode::{Decoder, Event, FRAGMENTS_MAX};
pub use handshake::accept_key;
pub use violation::Violation;
