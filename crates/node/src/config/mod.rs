//! The configuration of one process: a file, then the environment, then flags; each may set any key.
//!
//! An unknown key is an error that names the nearest known one, and so is a number out of its bounds. No secret is in here: those are files in the data folder,
//! made on first run (see [`crate::secrets`]).

mod bounds;
mod layers;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use domain::Limits;
use serde::{Deserialize, Serialize};

pub use layers::{Error, Layers};

/// Everything that can be set, with its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of everything that must survive.
    pub data: PathBuf,
    /// Where devices and apps connect.
    pub listen: SocketAddr,
    /// Where operators connect: metrics, health, and what `connect-chat admin` calls. Loopback only.
    pub admin_listen: SocketAddr,
    /// Threads for async work; 0 means one a core.
    pub threads: usize,
    /// How devices are spoken to in secret.
    pub tls: Tls,
    /// What is logged, and how.
    pub log: Log,
    /// Where the way of messages through the boxes is told.
    pub tracing: Tracing,
    /// The limits that devices feel.
    pub limits: Limits,
    /// Connections.
    pub gateway: Gateway,
    /// The message path.
    pub messaging: Messaging,
    /// Sign-in.
    pub accounts: Accounts,
    /// The embedded store.
    pub store: Store,
    /// The embedded bus.
    pub bus: Bus,
    /// For those who test this program or their meters.
    pub faults: Faults,
}

/// How devices are spoken to in secret: with a certificate of the operator's, with one made here, or not at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The file of the server's certificate, and of those between it and the root, in PEM; empty for none.
    pub certificate: PathBuf,
    /// The file of its private key, in PEM; empty for none.
    pub key: PathBuf,
    /// Show a certificate that is made on first run, for trials.
    pub self_signed: bool,
    /// Listen without TLS also where others than this machine connect, as behind a proxy that speaks it.
    pub allow_plain: bool,
    /// A handshake is done within this time, in milliseconds.
    pub handshake_timeout_ms: u64,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// A filter in the form of `tracing`: `info`, or `info,gateway=debug`.
    pub level: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Where the way of messages through the boxes is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracing {
    /// The OpenTelemetry collector that is told, by OTLP over HTTP, such as `http://127.0.0.1:4318`; empty for none.
    pub otlp_endpoint: String,
    /// The share of messages that are traced, from 0.0 to 1.0.
    pub sample_ratio: f64,
}

/// Connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Origins, beside the server's own, whose pages may connect; `*` lets every page in.
    pub allowed_origins: Vec<String>,
    /// Connections at once.
    pub connections_max: usize,
    /// Sessions end within this time when the server stops, in milliseconds.
    pub drain_ms: u64,
}

/// The message path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messaging {
    /// Workers; 0 means one a core.
    pub workers: usize,
    /// Entries in one append at most.
    pub batch_entries_max: usize,
    /// Cursor moves are gathered for this long, in milliseconds.
    pub cursor_flush_ms: u64,
}

/// Sign-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Access tokens live this long, in milliseconds.
    pub access_token_ms: u64,
    /// A refresh token is good for this long without being used, in milliseconds.
    pub refresh_token_ms: u64,
    /// Memory of one password hash, in KiB.
    pub password_memory_kib: u32,
    /// Passes of one password hash.
    pub password_passes: u32,
    /// Sign-ups and sign-ins from one address at once.
    pub tries_by_address: u32,
}

/// The embedded store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Memory for blocks read from disk, in MiB.
    pub cache_mib: u64,
    /// Bytes that wait for the committer at most, in MiB.
    pub queue_mib: usize,
    /// The change feed is kept for this many days; the entries stay.
    pub feed_days: u64,
}

/// The embedded bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// Partitions of `submit` and of `sessions`.
    pub partitions: u32,
    /// Bytes in one partition before publishers wait, in MiB.
    pub partition_mib: usize,
}

/// For those who test this program or their meters. All off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// What goes wrong with delivered entries: `none`, `drop`, `dup` or `swap`. Nothing stored is touched.
    pub deliver: DeliverFault,
    /// With every how-manieth delivered entry.
    pub deliver_every: u64,
    /// The fail point at which the process ends itself with SIGKILL; empty for none.
    pub kill_at: String,
    /// At its how-manieth pass.
    pub kill_at_pass: u64,
    /// Passes count once there is a file here; empty for from the start.
    pub kill_once: PathBuf,
}

/// What goes wrong with delivered entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliverFault {
    /// Nothing.
    None,
    /// One is not delivered.
    Drop,
    /// One is delivered twice.
    Dup,
    /// Two change places.
    Swap,
}

impl Default for Config {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let messaging = service_messaging::Config::default();
        let accounts = service_account::Config::default();
        let gateway = gateway::Config::default();
        Self {
            data: "data".into(),
            listen: loopback(8080),
            admin_listen: loopback(8081),
            threads: 0,
            tls: Tls {
                certificate: PathBuf::new(),
                key: PathBuf::new(),
                self_signed: false,
                allow_plain: false,
                handshake_timeout_ms: gateway.tls_handshake_timeout_ms,
            },
            log: Log { format: LogFormat::Text, level: "info,fjall=warn,lsm_tree=warn".to_owned() },
            tracing: Tracing { otlp_endpoint: String::new(), sample_ratio: 0.001 },
            limits: Limits::default(),
            gateway: Gateway {
                allowed_origins: vec![],
                connections_max: gateway.connections_max,
                drain_ms: gateway.drain_ms,
            },
            messaging: Messaging {
                workers: 0,
                batch_entries_max: messaging.batch_entries_max,
                cursor_flush_ms: messaging.cursor_flush_ms,
            },
            accounts: Accounts {
                access_token_ms: accounts.access_token_ms,
                refresh_token_ms: accounts.refresh_token_ms,
                password_memory_kib: accounts.cost.memory_kib,
                password_passes: accounts.cost.passes,
                tries_by_address: accounts.rate_by_address.burst,
            },
            store: Store { cache_mib: 64, queue_mib: 64, feed_days: 7 },
            bus: Bus { partitions: 16, partition_mib: 16 },
            faults: Faults {
                deliver: DeliverFault::None,
                deliver_every: 100,
                kill_at: String::new(),
                kill_at_pass: 1,
                kill_once: PathBuf::new(),
            },
        }
    }
}

impl Config {
    /// The configuration as a file that says the same.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("the configuration is plain tables of plain values")
    }

    /// Threads for async work.
    pub fn threads(&self) -> usize {
        or_cores(self.threads)
    }

    /// Workers of the message path.
    pub fn workers(&self) -> usize {
        or_cores(self.messaging.workers)
    }
}

fn or_cores(count: usize) -> usize {
    if count > 0 { count } else { std::thread::available_parallelism().map_or(1, usize::from) }
}
