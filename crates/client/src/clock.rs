//! Server time on a device whose own clock may be wrong or step: a monotonic clock and an offset that the server told.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::{ClientId, Timestamp};

/// Tells server time as well as it is known. Before the server told any, the system's clock stands in.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    offset_ms: AtomicI64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock that stands on the system's until told better.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let offset_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        Self { start: Instant::now(), offset_ms: AtomicI64::new(offset_ms) }
    }

    /// Milliseconds since this clock was made. Never steps.
    pub fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The server said that it is `time` now.
    pub fn told(&self, time: Timestamp) {
        let offset = i64::try_from(time.unix_ms()).unwrap_or(i64::MAX)
            - i64::try_from(self.monotonic_ms()).unwrap_or(0);
        self.offset_ms.store(offset, Ordering::Relaxed);
    }

    /// Server time now.
    pub fn server_time(&self) -> Timestamp {
        let now = i64::try_from(self.monotonic_ms()).unwrap_or(0);
        let unix_ms = now.saturating_add(self.offset_ms.load(Ordering::Relaxed));
        Timestamp::from_unix_ms(u64::try_from(unix_ms).unwrap_or(0))
    }

    /// When server time `time` is, on the monotonic clock.
    pub fn monotonic_at(&self, time: Timestamp) -> u64 {
        let unix_ms = i64::try_from(time.unix_ms()).unwrap_or(i64::MAX);
        u64::try_from(unix_ms.saturating_sub(self.offset_ms.load(Ordering::Relaxed))).unwrap_or(0)
    }

    /// A new client id on server time.
    pub fn client_id(&self) -> ClientId {
        ClientId::new(self.server_time().unix_ms(), rand::random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_whose_clock_is_wrong_makes_client_ids_on_server_time() {
        let clock = Clock::new();
        let year_2001 = Timestamp::from_unix_ms(1_000_000_000_000);
        clock.told(year_2001);
        let made = clock.client_id().unix_ms();
        assert!((1_000_000_000_000..1_000_000_060_000).contains(&made));
        assert!(clock.monotonic_at(year_2001.plus_ms(60_000)) >= 60_000);
    }
}
