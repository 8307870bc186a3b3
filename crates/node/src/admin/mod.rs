//! The admin listener: metrics, health, and what `connect-chat admin` calls while the server runs.
//!
//! On its own loopback address, from the first instant on: until the server is there, `front` says how far it is. Metrics and health are open there; everything else asks for the admin token, a file that
//! only the server's user reads. Deliberately absent: anything that an app's users may call.

mod backup;
mod export;
mod exposition;
mod front;
mod machine;
mod recorder;
mod routes;
mod scrape;
mod sessions;
mod stream;
mod token;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use contracts::Ambient;
use contracts::services::{Accounts, Groups};
use gateway::tls::Tls;

use crate::drain::Drain;
use crate::services::Topics;
use crate::stores::Stores;
pub(crate) use token::Token;

pub(crate) use recorder::{Counted, install as count};

pub(crate) use front::{Front, Phase, Ready};

/// What the admin listener serves from.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) token: Token,
    pub(crate) stores: Stores,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) groups: Arc<dyn Groups>,
    pub(crate) gateway: gateway::Handle,
    pub(crate) drain: Drain,
    pub(crate) ambient: Ambient,
    pub(crate) counted: Counted,
    pub(crate) topics: Topics,
    pub(crate) registry: Arc<store_registry::embedded::Registry>,
    /// What devices are shown, if they are spoken to over TLS.
    pub(crate) tls: Option<Tls>,
    /// The data folder.
    pub(crate) data: Arc<Path>,
    /// Bytes that may wait for the committer.
    pub(crate) queue_bytes_max: usize,
    pub(crate) ready: Ready,
}

/// An admin listener is reached from this machine alone.
pub(crate) fn check(address: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(
        address.ip().is_loopback(),
        "admin_listen: {address} can be reached from outside; operators connect by a loopback address, such as 127.0.0.1:8081"
    );
    Ok(())
}
