//! Frames as bytes. What is sent to many is encoded once; what never changes, once and for all.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use domain::Entry;
use protocol::frame::FromServer;

use crate::websocket::encode;

/// `lagged`, as it is on the wire.
pub(crate) static LAGGED: LazyLock<Bytes> = LazyLock::new(|| encode(&FromServer::Lagged {}, 32));

/// `pong`, as it is on the wire.
pub(crate) static PONG: LazyLock<Bytes> = LazyLock::new(|| encode(&FromServer::Pong {}, 32));

/// A frame, serialised straight behind its header; `room` is a guess of its bytes.
pub(crate) fn encode(frame: &FromServer, room: usize) -> Bytes {
    let mut text = encode::Text::with_capacity(room);
    serde_json::to_writer(&mut text, frame).expect("frames are plain structs, and memory takes every write");
    text.finish()
}

/// The `entry` frame that all who are given the entry share.
pub(crate) fn entry(entry: &Arc<Entry>) -> Bytes {
    encode(&FromServer::Entry { entry: Arc::clone(entry) }, 160 + entry.size_bytes())
}
