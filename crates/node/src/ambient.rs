//! The machine's clock and randomness, handed to everything that needs them.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use contracts::{Ambient, Clock, Random};
use domain::{Moment, Timestamp};

struct SystemClock {
    began: Instant,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn moment(&self) -> Moment {
        Moment::from_ms(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}

/// The clock and the randomness of this machine.
pub fn system() -> Ambient {
    Ambient { clock: Arc::new(SystemClock { began: Instant::now() }), random: Arc::new(SystemRandom) }
}
