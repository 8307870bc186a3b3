//! What a gateway counts: every name, what it says and its unit, and the handles, looked up once.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use domain::Code;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use protocol::frame::Reason;

use crate::config::Config;

/// Refusals by code. Also whoever has no gateway at hand refuses.
static REFUSED: LazyLock<HashMap<Code, Counter>> = LazyLock::new(|| {
    let of = |code: Code| (code, counter!("gateway_refusals_total", "code" => code.as_str()));
    Code::ALL.into_iter().map(of).collect()
});

/// The handles of a gateway.
pub(crate) struct Meters {
    /// Sessions now.
    pub(crate) sessions: Gauge,
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
    /// How long HTTP requests take.
    pub(crate) http: Histogram,
    /// How long syncs take, their turn included.
    pub(crate) syncs: Histogram,
    connections: Gauge,
    queue_bytes: Gauge,
    closed: HashMap<Ending, Counter>,
}

impl Meters {
    pub(crate) fn new(config: &Config) -> Self {
        describe();
        LazyLock::force(&REFUSED);
        gauge!("gateway_connections_limit").set(float(config.connections_max));
        gauge!("gateway_queue_limit_bytes").set(float(config.limits.gateway_queue_bytes_max));
        let endings = Reason::ALL.into_iter().map(Ending::Server).chain([Ending::Device]);
        let closed = |ending: Ending| {
            (ending, counter!("gateway_closed_sessions_total", "reason" => ending.to_string()))
        };
        Self {
            connections: gauge!("gateway_connections"),
            sessions: gauge!("gateway_sessions"),
            queue_bytes: gauge!("gateway_queue_bytes"),
            frames_in: counter!("gateway_received_frames_total"),
            frames_out: counter!("gateway_sent_frames_total"),
            bytes_in: counter!("gateway_received_bytes_total"),
            bytes_out: counter!("gateway_sent_bytes_total"),
            lagged: counter!("gateway_lagged_total"),
            void_deliveries: counter!("gateway_void_deliveries_total"),
            http: histogram!("gateway_http_request_seconds"),
            syncs: histogram!("gateway_sync_seconds"),
            closed: endings.map(closed).collect(),
        }
    }

    /// How much is taken now: places for connections, and bytes that wait for all sessions.
    pub(crate) fn now(&self, config: &Config, places_free: usize, queue_bytes: usize) {
        self.connections.set(float(config.connections_max.saturating_sub(places_free)));
        self.queue_bytes.set(float(queue_bytes));
    }

    /// A frame, a request or a connection was refused.
    pub(crate) fn refused(code: Code) {
        if let Some(refused) = REFUSED.get(&code) {
            refused.increment(1);
        }
    }

    /// A session ended.
    pub(crate) fn closed(&self, ending: Ending) {
        if let Some(closed) = self.closed.get(&ending) {
            closed.increment(1);
        }
    }

    /// An HTTP request was answered after this time.
    pub(crate) fn answered(&self, route: String, method: &'static str, status: u16, took: Duration) {
        let labels = [("route", route), ("method", method.to_owned()), ("status", status.to_string())];
        counter!("gateway_http_requests_total", &labels).increment(1);
        self.http.record(took);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
const fn float(count: usize) -> f64 {
    count as f64
}

fn describe() {
    describe_gauge!("gateway_connections", Unit::Count, "Connections now, sessions included.");
    describe_gauge!("gateway_connections_limit", Unit::Count, "Connections that are let in at once.");
    describe_gauge!("gateway_sessions", Unit::Count, "Sessions now.");
    describe_gauge!("gateway_queue_bytes", Unit::Bytes, "Bytes that wait to be written to all sessions.");
    describe_gauge!("gateway_queue_limit_bytes", Unit::Bytes, "Bytes that may wait for all sessions.");
    describe_counter!("gateway_received_frames_total", Unit::Count, "Frames from devices.");
    describe_counter!("gateway_sent_frames_total", Unit::Count, "Frames written to devices.");
    describe_counter!("gateway_received_bytes_total", Unit::Bytes, "Bytes read from sessions.");
    describe_counter!("gateway_sent_bytes_total", Unit::Bytes, "Bytes written to sessions.");
    describe_counter!(
        "gateway_lagged_total",
        Unit::Count,
        "Times that a session fell behind and was told to pull."
    );
    describe_counter!(
        "gateway_void_deliveries_total",
        Unit::Count,
        "Deliveries for an older lease of the slot, dropped."
    );
    describe_counter!(
        "gateway_refusals_total",
        Unit::Count,
        "Frames, requests and connections refused, by code."
    );
    describe_counter!("gateway_closed_sessions_total", Unit::Count, "Sessions that ended, by reason.");
    describe_counter!("gateway_http_requests_total", Unit::Count, "HTTP requests answered.");
    describe_histogram!("gateway_http_request_seconds", Unit::Seconds, "Time of HTTP requests.");
    describe_histogram!(
        "gateway_sync_seconds",
        Unit::Seconds,
        "Time of syncs of sessions, their turn included."
    );
}

/// Why a session ended, for whoever looks at the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
