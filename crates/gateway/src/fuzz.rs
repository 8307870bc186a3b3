//! What fuzz targets call: the decoders of this crate on arbitrary bytes, held to their own promises.

pub use crate::session::fuzz::frame;
pub use crate::websocket::fuzz::decode as websocket;
