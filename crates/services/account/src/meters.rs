//! What Accounts counts.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use tokio::time::Instant;

/// The handles around passwords, looked up once.
pub(crate) struct Meters {
    waiting: Gauge,
    passwords: Histogram,
}

/// A password that is waited for; however that ends, it is counted.
pub(crate) struct Timed<'a> {
    meters: &'a Meters,
    began: Instant,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe_gauge!(
            "accounts_waiting_passwords",
            Unit::Count,
            "Passwords that wait to be hashed or compared, or are."
        );
        describe_histogram!(
            "accounts_password_seconds",
            Unit::Seconds,
            "Time of hashing or comparing a password, its wait included."
        );
        describe_counter!(
            "accounts_refresh_reuse_total",
            Unit::Count,
            "Devices signed out because a refresh token was used twice."
        );
        refresh_reuse().increment(0);
        Self {
            waiting: gauge!("accounts_waiting_passwords"),
            passwords: histogram!("accounts_password_seconds"),
        }
    }
}

impl Meters {
    /// A password begins to wait for a core.
    pub(crate) fn password(&self) -> Timed<'_> {
        self.waiting.increment(1);
        Timed { meters: self, began: Instant::now() }
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.meters.waiting.decrement(1);
        self.meters.passwords.record(self.began.elapsed());
    }
}

/// Refresh tokens used twice.
pub(crate) fn refresh_reuse() -> Counter {
    counter!("accounts_refresh_reuse_total")
}
