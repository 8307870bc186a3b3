//! What can be set about a gateway. The limits that devices feel are in [`domain::Limits`].

use std::time::Duration;

use domain::{Limits, Region};

use crate::faults::Faults;

/// Settings of a gateway, with their defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// The region that this process is in: where the groups that are made here are homed.
    pub region: Region,
    /// The limits that devices feel, told in `welcome`.
    pub limits: Limits,
    /// Origins, beside its own, whose pages may connect: `https://chat.example.com`. `*` lets every page in.
    pub allowed_origins: Vec<String>,
    /// What `GET /` shows, as HTML.
    pub page: String,
    /// Connections at once, sessions included; who comes beyond is told to wait.
    pub connections_max: usize,
    /// Bytes in the body of one HTTP request.
    pub body_bytes_max: usize,
    /// Bytes in the headers of one HTTP request.
    pub header_bytes_max: usize,
    /// A TLS handshake is done within this time, in milliseconds.
    pub tls_handshake_timeout_ms: u64,
    /// An HTTP request is answered within this time, in milliseconds.
    pub request_timeout_ms: u64,
    /// A submission by HTTP is answered within this time, in milliseconds; then the outcome is not known.
    pub outcome_timeout_ms: u64,
    /// A session is registered within this time after its hello, in milliseconds.
    pub register_timeout_ms: u64,
    /// A session outlives its access token by this, in milliseconds.
    pub token_grace_ms: u64,
    /// A device that reads nothing of what waits for it for this long is closed, in milliseconds.
    pub slow_reader_ms: u64,
    /// What waits for a session that ends is written within this time, in milliseconds.
    pub farewell_ms: u64,
    /// How often sessions are looked over, in milliseconds.
    pub sweep_ms: u64,
    /// Devices that are told to come back do so spread over this time, in milliseconds.
    pub reconnect_spread_ms: u64,
    /// Sessions end within this time when the gateway stops, in milliseconds.
    pub drain_ms: u64,
    /// The last local member of a large group is gone for this long before the slot follows it no more, in milliseconds.
    pub unfollow_after_ms: u64,
    /// Syncs answered at once, which bounds the memory of a storm of resuming devices.
    pub syncs_max: usize,
    /// Users remembered to exist.
    pub known_users_max: usize,
    /// Deliveries taken from the bus at once.
    pub deliveries_max: usize,
    /// Faults in what is delivered, for trying meters.
    pub faults: Option<Faults>,
}

impl Config {
    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(crate) const fn outcome_timeout(&self) -> Duration {
        Duration::from_millis(self.outcome_timeout_ms)
    }

    pub(crate) const fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: Region::ONLY,
            limits: Limits::default(),
            allowed_origins: vec![],
            page: String::new(),
            connections_max: 100_000,
            body_bytes_max: 256 << 10,
            header_bytes_max: 16 << 10,
            tls_handshake_timeout_ms: 10_000,
            request_timeout_ms: 30_000,
            outcome_timeout_ms: 10_000,
            register_timeout_ms: 15_000,
            token_grace_ms: 60_000,
            slow_reader_ms: 30_000,
            farewell_ms: 2_000,
            sweep_ms: 2_000,
            reconnect_spread_ms: 5_000,
            drain_ms: 10_000,
            unfollow_after_ms: 30_000,
            syncs_max: 64,
            known_users_max: 200_000,
            deliveries_max: 256,
            faults: None,
        }
    }
}
