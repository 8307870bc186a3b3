//! What a run measured, and the figures that all reports have. Pure.

use serde::Serialize;

use super::latencies::{Latencies, Millis};
use super::meter::Tally;
use super::process::megabytes;

/// What a run of pairs or members measured.
pub(super) struct Measured {
    pub(super) tally: Tally,
    /// Why the first that was refused for good was.
    pub(super) refused_by: Option<String>,
    pub(super) ack: Latencies,
    /// From when a message was meant to be sent until the load generator had written it.
    pub(super) send_late: Latencies,
    pub(super) receive: Latencies,
    /// The time in which it was sent and acked, in seconds.
    pub(super) seconds: f64,
    /// The time until the last of it was received, in seconds.
    pub(super) received_seconds: f64,
    /// CPU time that the server took, in microseconds, if its process is known.
    pub(super) server_cpu_us: Option<u64>,
    pub(super) server_rss_bytes: Option<u64>,
}

/// The keys that all reports have; `None` where one has no meaning.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Figures {
    pub(super) acked_per_s: Option<f64>,
    pub(super) received_per_s: Option<f64>,
    pub(super) ack_ms: Option<Millis>,
    pub(super) receive_ms: Option<Millis>,
    pub(super) server_cpu_us_per_delivery: Option<f64>,
    /// 10^6 bytes.
    pub(super) server_rss_mb: Option<f64>,
    pub(super) rss_bytes_per_session: Option<f64>,
    pub(super) lost: Option<u64>,
    pub(super) duplicated: Option<u64>,
    pub(super) disordered: Option<u64>,
    /// Sent, and answered neither with an ack nor with an error.
    pub(super) unanswered: Option<u64>,
    pub(super) refused: Option<u64>,
    pub(super) sent: Option<u64>,
    pub(super) acked: Option<u64>,
    pub(super) received: Option<u64>,
    pub(super) seconds: Option<f64>,
}

impl From<&Measured> for Figures {
    fn from(measured: &Measured) -> Self {
        let tally = &measured.tally;
        let per_s = |count: u64, seconds: f64| Some(round(count as f64 / seconds.max(1e-9)));
        let per_delivery = |micros: u64| round(micros as f64 / tally.received.max(1) as f64);
        Self {
            acked_per_s: per_s(tally.acked, measured.seconds),
            received_per_s: per_s(tally.received, measured.seconds.max(measured.received_seconds)),
            ack_ms: measured.ack.millis(),
            receive_ms: measured.receive.millis(),
            server_cpu_us_per_delivery: measured.server_cpu_us.map(per_delivery),
            server_rss_mb: measured.server_rss_bytes.map(megabytes).map(round),
            seconds: Some(round(measured.seconds)),
            ..Self::from(tally)
        }
    }
}

impl From<&Tally> for Figures {
    fn from(tally: &Tally) -> Self {
        Self {
            lost: Some(tally.lost),
            duplicated: Some(tally.duplicated),
            disordered: Some(tally.disordered),
            unanswered: Some(tally.unanswered()),
            refused: Some(tally.refused),
            sent: Some(tally.sent),
            acked: Some(tally.acked),
            received: Some(tally.received),
            ..Self::default()
        }
    }
}

impl Figures {
    /// Adds what was got wrong elsewhere; what is not known on one side is that of the other.
    pub(super) fn add_faults(&mut self, other: &Self) {
        for (here, there) in [
            (&mut self.lost, other.lost),
            (&mut self.duplicated, other.duplicated),
            (&mut self.disordered, other.disordered),
            (&mut self.unanswered, other.unanswered),
        ] {
            *here = here.map_or(there, |here| Some(here + there.unwrap_or_default()));
        }
    }
}

impl Measured {
    /// What was got wrong beside what is counted, in words: a message that was refused for good.
    pub(super) fn wrong(&self) -> Option<String> {
        let why = self.refused_by.as_ref()?;
        Some(format!("{} refused, the first: {why}", self.tally.refused))
    }
}

/// To a hundredth; more digits than a measurement has only hide it.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
