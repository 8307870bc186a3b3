//! What every room of Messaging works with: the stores, the services and topics it calls, and what is handed in.

use std::sync::Arc;
use std::time::Duration;

use bus::MessageBus;
use contracts::records::{Announcement, Command, Delivery};
use contracts::services::{Groups, Notifications, Sequences};
use contracts::{Ambient, FailPoints};
use domain::PortError;
use store_chat::ChatStore;
use store_registry::Registry;

use crate::config::Config;
use crate::meters;

/// What Messaging is built from.
#[derive(Clone)]
pub struct Context {
    /// Settings.
    pub config: Arc<Config>,
    /// The Chat DB.
    pub chat: Arc<dyn ChatStore>,
    /// The Session Registry.
    pub registry: Arc<dyn Registry>,
    /// Group: rosters, and which conversations a user is in.
    pub groups: Arc<dyn Groups>,
    /// The Sequence Generator.
    pub sequences: Arc<dyn Sequences>,
    /// Notification, which is told how far people are.
    pub notifications: Arc<dyn Notifications>,
    /// Topic `submit`.
    pub submit: Arc<dyn MessageBus<Command>>,
    /// Topic `deliver`.
    pub deliver: Arc<dyn MessageBus<Delivery>>,
    /// Topic `sessions`.
    pub sessions: Arc<dyn MessageBus<Announcement>>,
    /// Time and randomness.
    pub ambient: Ambient,
    /// Where a test may end the process.
    pub fail: Arc<dyn FailPoints>,
}

/// The fail points, in order: on a message's way, on a cursor's, and on that of a session that begins.
///
/// A batch is delivered as one record a slot, so that `after_deliver` lies between the slots and after the last. What one
/// slot is given of it, the `sent` and the entries, is one record, and nothing lies between them on this side of the bus;
/// the gateway, which takes it apart, has a fail point there.
pub const FAIL_POINTS: &[&str] = &[
    "before_link",
    "before_append",
    "after_append",
    "after_project",
    "after_mark",
    "after_follow",
    "after_deliver",
    "before_commit",
    "before_move",
    "after_move",
    "after_move_mark",
    "after_move_deliver",
    "after_seen",
    "after_register",
    "after_session_follow",
    "before_echo",
];

/// Waits that double, with a bound.
#[derive(Debug)]
pub struct Backoff {
    wait_ms: u64,
    max_ms: u64,
}

impl Context {
    /// The waits of this deployment.
    pub fn backoff(&self) -> Backoff {
        Backoff { wait_ms: self.config.retry_ms, max_ms: self.config.retry_ms_max }
    }

    /// Does something that can be repeated until it works; gives up only on what another try cannot mend.
    pub async fn persist<T, F: Future<Output = Result<T, PortError>>>(
        &self,
        what: &'static str,
        mut action: impl FnMut() -> F,
    ) -> Result<T, PortError> {
        let mut backoff = self.backoff();
        loop {
            match action().await {
                Ok(value) => return Ok(value),
                Err(error) if error.retryable() => {
                    tracing::warn!(what, %error, "did not work, trying again");
                    meters::retries().increment(1);
                    backoff.wait().await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Backoff {
    /// Waits; the next wait is twice as long.
    pub async fn wait(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.wait_ms)).await;
        self.wait_ms = (self.wait_ms * 2).min(self.max_ms);
    }
}
