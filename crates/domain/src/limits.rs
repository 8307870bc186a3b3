//! The limits that devices feel, with their defaults. All are configurable and told in `welcome`.

use serde::{Deserialize, Serialize};

/// Limits of one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
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
    /// Frames over all sessions of a user, and HTTP requests of the user, at once.
    ///
    /// Ten sessions' worth: no person's devices come near it, and opening more sessions gives no more than that.
    pub user_frames_burst: u32,
    /// Frames and HTTP requests of a user each second in the long run.
    pub user_frames_per_s: u32,
    /// Connections, and requests that no user signs, from one address at once; of IPv6, from one /64.
    ///
    /// A session costs two: its connection, and its request. The default is 25,000 sessions at once, since an office or a
    /// carrier's NAT comes back through one address after an outage, and so do all devices behind a proxy:
    /// `X-Forwarded-For` is not trusted. It bounds one address's share of a gateway's connections, no more;
    /// guessing passwords is bounded in Accounts, and far below this.
    pub address_requests_burst: u32,
    /// Connections, and requests that no user signs, from one address each second in the long run.
    pub address_requests_per_s: u32,
    /// Conversations whose `delivered` cursors are kept have at most this many members.
    pub delivered_members_max: usize,
}

/// Members above which a conversation is fanned out by slot instead of by member.
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
            user_frames_burst: 20_000,
            user_frames_per_s: 10_000,
            address_requests_burst: 50_000,
            address_requests_per_s: 2_000,
            delivered_members_max: 100,
        }
    }
}
