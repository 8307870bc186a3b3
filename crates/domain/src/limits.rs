//! The limits that devices feel, with their defaults. All are configurable and told in `welcome`.

use serde::{Deserialize, Serialize};

/// Limits of one deployment. The defaults are those of the design, section 10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of UTF-8 in one text.
    pub text_bytes_max: usize,
    /// Bytes in one frame from a device.
    pub frame_bytes_max: usize,
    /// Bytes of UTF-8 in a group's name, a handle or a device's name.
    pub name_bytes_max: usize,
    /// Members of a group.
    pub group_members_max: usize,
    /// Members named in one request.
    pub members_per_request_max: usize,
    /// Entries in one page.
    pub page_entries_max: usize,
    /// Bytes of entries in one page or one `changes` frame; at least one entry is always given.
    pub page_bytes_max: usize,
    /// Bytes that wait for one session before it is told `lagged`.
    pub session_queue_bytes_max: usize,
    /// Bytes that wait for all sessions of one gateway.
    pub gateway_queue_bytes_max: usize,
    /// A device says hello within this time, in milliseconds.
    pub hello_timeout_ms: u64,
    /// An HTTP request's headers arrive within this time, in milliseconds.
    pub header_timeout_ms: u64,
    /// A device is heard at least this often, in milliseconds.
    pub heartbeat_ms: u64,
    /// A device not heard for this long is dead, in milliseconds.
    pub dead_after_ms: u64,
    /// A client id may be this far ahead of server time, in milliseconds.
    pub client_id_ahead_ms_max: u64,
    /// A client id older than this is `expired`, in milliseconds.
    pub identity_ms: u64,
    /// Frames a session may send at once.
    pub session_frames_burst: u32,
    /// Frames a session may send each second in the long run.
    pub session_frames_per_s: u32,
    /// Conversations whose `delivered` cursors are kept have at most this many members.
    pub delivered_members_max: usize,
}

/// Members above which a conversation is fanned out by slot (DESIGN, section 5).
pub const SMALL_MEMBERS_MAX: usize = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes_max: 16 << 10,
            frame_bytes_max: 64 << 10,
            name_bytes_max: 128,
            group_members_max: 100_000,
            members_per_request_max: 1_000,
            page_entries_max: 200,
            page_bytes_max: 256 << 10,
            session_queue_bytes_max: 256 << 10,
            gateway_queue_bytes_max: 1 << 30,
            hello_timeout_ms: 5_000,
            header_timeout_ms: 5_000,
            heartbeat_ms: 25_000,
            dead_after_ms: 60_000,
            client_id_ahead_ms_max: 5 * 60_000,
            identity_ms: 30 * 86_400_000,
            session_frames_burst: 2_000,
            session_frames_per_s: 1_000,
            delivered_members_max: 100,
        }
    }
}
