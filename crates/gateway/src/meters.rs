//! What is counted. The hot counters are looked up once; their names are the operator's.

use std::fmt;

use domain::Code;
use metrics::{Counter, Gauge, counter, gauge};
use protocol::frame::Reason;

/// Counters that are touched for every frame.
pub(crate) struct Meters {
    /// Sessions now.
    pub(crate) sessions: Gauge,
    /// Bytes that wait for all sessions.
    pub(crate) queue_bytes: Gauge,
    /// Frames from devices.
    pub(crate) frames_in: Counter,
    /// Frames handed to sockets.
    pub(crate) frames_out: Counter,
    /// Bytes from sockets.
    pub(crate) bytes_in: Counter,
    /// Bytes taken by sockets.
    pub(crate) bytes_out: Counter,
    /// Times that a session was told `lagged`.
    pub(crate) lagged: Counter,
    /// Deliveries of an older lease or another slot.
    pub(crate) void_deliveries: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            sessions: gauge!("gateway_sessions"),
            queue_bytes: gauge!("gateway_queue_bytes"),
            frames_in: counter!("gateway_frames_in_total"),
            frames_out: counter!("gateway_frames_out_total"),
            bytes_in: counter!("gateway_bytes_in_total"),
            bytes_out: counter!("gateway_bytes_out_total"),
            lagged: counter!("gateway_lagged_total"),
            void_deliveries: counter!("gateway_void_deliveries_total"),
        }
    }

    /// A frame of a device was refused.
    pub(crate) fn refused(code: Code) {
        counter!("gateway_refused_frames_total", "code" => code.as_str()).increment(1);
    }

    /// A session ended.
    pub(crate) fn closed(ending: Ending) {
        counter!("gateway_closed_sessions_total", "reason" => ending.to_string()).increment(1);
    }

    /// An HTTP request was answered.
    pub(crate) fn answered(route: String, method: &'static str, status: u16) {
        let labels = [("route", route), ("method", method.to_owned()), ("status", status.to_string())];
        counter!("gateway_http_requests_total", &labels).increment(1);
    }
}

/// Why a session ended, for whoever looks at the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The device closed it, or is gone.
    Device,
    /// The server did.
    Server(Reason),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Server(reason) = self else { return f.write_str("device") };
        let text = match reason {
            Reason::Restart => "restart",
            Reason::Moved => "moved",
            Reason::HelloTimeout => "hello_timeout",
            Reason::Dead => "dead",
            Reason::SlowReader => "slow_reader",
            Reason::RateLimited => "rate_limited",
            Reason::Overloaded => "overloaded",
            Reason::Unauthenticated => "unauthenticated",
            Reason::TokenExpired => "token_expired",
            Reason::SignedOut => "signed_out",
            Reason::BadFrame => "bad_frame",
            Reason::FrameTooLarge => "frame_too_large",
            Reason::Internal => "internal",
        };
        f.write_str(text)
    }
}
