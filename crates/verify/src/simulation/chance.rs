//! Chance and time of a simulation: both from its seed and the runtime's virtual clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contracts::{Ambient, Clock, Random};
use domain::{Moment, Timestamp};
use tokio::time::Instant;

/// When every simulation begins, in milliseconds since 1970.
const BEGIN_MS: u64 = 1_764_000_000_000;

/// A generator of numbers that are the same for the same seed (Steele, Lea, Flood: SplitMix64). A clone draws from the
/// same sequence.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Arc<Mutex<u64>>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Waits up to `ms` virtual milliseconds; half of the time not at all.
    pub(crate) async fn pause(&self, ms: u64) {
        if self.one_in(2) {
            tokio::time::sleep(Duration::from_millis(self.below(ms))).await;
        }
    }
}

impl Random for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(BEGIN_MS.saturating_add(self.moment().ms()))
    }

    fn moment(&self) -> Moment {
        Moment::from_ms(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// Virtual time and chance, as the product takes them.
pub(crate) fn ambient(chance: &Chance) -> Ambient {
    Ambient { clock: Arc::new(VirtualClock(Instant::now())), random: Arc::new(chance.clone()) }
}
