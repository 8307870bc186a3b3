//! A token bucket in one number: the generic cell rate algorithm (ITU-T I.371).

use domain::Moment;

/// How much a bucket holds, and how quickly it fills.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    one_us: u64,
    burst_us: u64,
}

impl Rate {
    /// `burst` at once and `per_s` in the long run, each at least one. More than a million a second is no limit.
    pub(crate) fn new(burst: u32, per_s: u32) -> Self {
        let one_us = 1_000_000 / u64::from(per_s.max(1));
        Self { one_us, burst_us: one_us * u64::from(burst.max(1)) }
    }
}

/// How much may still be taken. The one that is less is the fuller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket {
    /// When the bucket will be full again, in microseconds since the first moment of the process.
    full_at_us: u64,
}

impl Bucket {
    /// A full bucket.
    pub(crate) const fn new() -> Self {
        Self { full_at_us: 0 }
    }

    /// Takes one, or says in how many milliseconds one may be taken.
    pub(crate) fn take(&mut self, now: Moment, rate: Rate) -> Result<(), u64> {
        let now_us = now.ms() * 1_000;
        let empty_us = now_us + rate.burst_us;
        self.full_at_us = self.full_at_us.max(now_us);
        let wait_us = (self.full_at_us + rate.one_us).saturating_sub(empty_us);
        if wait_us > 0 {
            return Err(wait_us.div_ceil(1_000));
        }
        self.full_at_us += rate.one_us;
        Ok(())
    }

    /// Gives one back that was taken.
    pub(crate) const fn give_back(&mut self, rate: Rate) {
        self.full_at_us = self.full_at_us.saturating_sub(rate.one_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_burst_at_once_or_never_again_after_one() {
        let rate = Rate::new(3, 10);
        let at = |ms: u64| Moment::from_ms(1_000_000 + ms);
        let mut bucket = Bucket::new();
        assert!((0..3).all(|_| bucket.take(at(0), rate).is_ok()));
        assert_eq!(bucket.take(at(0), rate), Err(100));
        assert!(bucket.take(at(100), rate).is_ok());
        assert!(bucket.take(at(100), rate).is_err());
        assert!((0..3).all(|_| bucket.take(at(10_000), rate).is_ok()));
    }

    #[test]
    fn what_is_given_back_fills_more_than_a_bucket() {
        let (rate, now) = (Rate::new(2, 1), Moment::from_ms(1_000_000));
        let mut bucket = Bucket::new();
        for _ in 0..10 {
            bucket.take(now, rate).unwrap();
            bucket.give_back(rate);
            bucket.give_back(rate);
        }
        assert!((0..2).all(|_| bucket.take(now, rate).is_ok()));
        assert_eq!(bucket.take(now, rate), Err(1_000));
    }

    #[test]
    fn a_limit_that_was_switched_off_limits() {
        let mut bucket = Bucket::new();
        assert!((0..9_999).all(|_| bucket.take(Moment::from_ms(1), Rate::new(1, 100_000_000)).is_ok()));
    }
}
