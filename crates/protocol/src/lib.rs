//! What devices see: the frames of `connect.v1.json`, the bodies of `/v1/…`, and the one error shape of both.
//!
//! The gateway serves these types and the Rust SDK speaks them; every other SDK is held to the documents generated
//! from them (`docs/api`), for which the feature `schema` is. Deliberately absent: behaviour.

mod closing;
#[cfg(feature = "schema")]
pub mod example;
pub mod frame;
pub mod http;
pub mod view;

/// The WebSocket subprotocol: JSON text frames, version 1.
pub const SUBPROTOCOL: &str = "connect.v1.json";

/// Where devices connect.
pub const CONNECT_PATH: &str = "/v1/connect";
