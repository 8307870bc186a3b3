//! Full-jitter back-off: `sleep = random(0, min(cap, base · 2^attempt))`
//! (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog).
//!
//! Deliberately absent: sleeping. Whoever waits has the clock.

/// How long to wait before another try.
#[derive(Debug, Clone)]
pub struct Backoff {
    base_ms: u64,
    cap_ms: u64,
    attempt: u32,
}

impl Backoff {
    /// Waits of up to `base_ms`, doubling with each attempt, of at most `cap_ms`.
    pub const fn new(base_ms: u64, cap_ms: u64) -> Self {
        Self { base_ms, cap_ms, attempt: 0 }
    }

    /// The wait before the next attempt, in milliseconds.
    pub fn next_ms(&mut self, jitter: &mut Jitter) -> u64 {
        let wait = full_jitter_ms(self.base_ms, self.cap_ms, self.attempt, jitter);
        self.attempt = self.attempt.saturating_add(1);
        wait
    }

    /// It worked: the next failure is a first one.
    pub const fn reset(&mut self) {
        self.attempt = 0;
    }
}

/// A wait of up to `base_ms · 2^attempt`, at most `cap_ms`.
pub fn full_jitter_ms(base_ms: u64, cap_ms: u64, attempt: u32, jitter: &mut Jitter) -> u64 {
    let ceiling = base_ms.saturating_mul(1_u64.checked_shl(attempt).unwrap_or(u64::MAX)).min(cap_ms);
    jitter.below(ceiling.saturating_add(1))
}

/// Cheap randomness for waits, from a seed: SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets or ids.
#[derive(Debug, Clone)]
pub struct Jitter(u64);

impl Jitter {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        if end == 0 { 0 } else { z % end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_spread_and_never_pass_the_cap() {
        let mut jitter = Jitter::new(7);
        let mut backoff = Backoff::new(100, 5_000);
        let mut largest = 0;
        for attempt in 0..200 {
            let wait = backoff.next_ms(&mut jitter);
            let ceiling = if attempt < 6 { 100 << attempt } else { 5_000 };
            assert!(wait <= ceiling, "attempt {attempt} waited {wait} ms");
            largest = largest.max(wait);
        }
        assert!(largest > 4_000, "the whole range is used");
        backoff.reset();
        assert!(backoff.next_ms(&mut jitter) <= 100);
    }
}
