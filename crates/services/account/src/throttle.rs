//! Throttling: tries by name and by address, as token buckets. Bounded: the buckets used least recently are forgotten.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use domain::{Code, Rejection, Timestamp};
use lru::LruCache;

/// Buckets kept at most.
const BUCKETS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");

/// A bucket's size and how fast it fills.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Tries at once.
    pub burst: u32,
    /// Milliseconds until one more is allowed.
    pub every_ms: u64,
}

/// Tries by key.
pub(crate) struct Throttle {
    rate: Rate,
    /// For each key the moment at which its bucket is full again.
    full_at: Mutex<LruCache<String, Timestamp>>,
}

impl Throttle {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::new(LruCache::new(BUCKETS_MAX)) }
    }

    /// Takes one try, or says when the next is allowed.
    pub(crate) fn take(&self, key: &str, now: Timestamp) -> Result<(), Rejection> {
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let allowed_ms = self.rate.every_ms * u64::from(self.rate.burst);
        // A bucket that would be full only later than an empty one is of a clock that stepped back: it is forgotten.
        let full_at = buckets.get(key).copied().filter(|at| at.since_ms(now) <= allowed_ms);
        let full_at = full_at.unwrap_or(now).max(now).plus_ms(self.rate.every_ms);
        let debt_ms = full_at.since_ms(now);
        if debt_ms > allowed_ms {
            let message = "too many tries in too short a time";
            return Err(Rejection::new(Code::RateLimited, message).retry_after_ms(debt_ms - allowed_ms));
        }
        buckets.put(key.to_owned(), full_at);
        Ok(())
    }

    /// Gives back what was taken: the try was a good one.
    pub(crate) fn forgive(&self, key: &str) {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).pop(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_steps_back_locks_everybody_out_for_as_long() {
        let throttle = Throttle::new(Rate { burst: 3, every_ms: 1_000 });
        let at = Timestamp::from_unix_ms;
        assert!(throttle.take("ada", at(7_200_000)).is_ok());
        assert!(throttle.take("ada", at(3_600_000)).is_ok());
    }

    #[test]
    fn guessing_is_slowed_down_and_others_are_not() {
        let throttle = Throttle::new(Rate { burst: 3, every_ms: 1_000 });
        let at = Timestamp::from_unix_ms;
        assert!((0..3).all(|_| throttle.take("alice", at(0)).is_ok()));
        let refused = throttle.take("alice", at(0)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (Code::RateLimited, Some(1_000)));
        assert!(throttle.take("bob", at(0)).is_ok());
        assert!(throttle.take("alice", at(1_000)).is_ok());
        assert!(throttle.take("alice", at(1_000)).is_err());
        throttle.forgive("alice");
        assert!(throttle.take("alice", at(1_000)).is_ok());
    }
}
