//! Close codes: those an endpoint may put into a close frame.

use std::fmt;

/// A close code that may travel in a close frame (RFC 6455, section 7.4, and the IANA registry as of 2024).
///
/// 1004, 1005, 1006 and 1015 describe what was seen and are never sent, so they cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose was fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The endpoint is leaving: a server going down, a page navigated away from.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A kind of data that is not accepted here.
    pub const UNSUPPORTED: Self = Self(1003);
    /// The data did not fit the kind of message: text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A rule that has no code of its own was broken.
    pub const POLICY: Self = Self(1008);
    /// The message is too big to be processed.
    pub const TOO_BIG: Self = Self(1009);
    /// The server met a condition that it did not expect.
    pub const INTERNAL: Self = Self(1011);
    /// The server restarts; the client may come back.
    pub const RESTART: Self = Self(1012);
    /// The server is overloaded; the client may come back later.
    pub const TRY_AGAIN: Self = Self(1013);

    /// The code, if an endpoint may send it: 1000–1003, 1007–1014, 3000–4999.
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
