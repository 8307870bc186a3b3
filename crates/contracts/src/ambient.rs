//! What is handed in instead of being reached for: the time and random bytes.

use std::sync::Arc;

use domain::{ClientId, Moment, Timestamp};

/// Tells server time.
pub trait Clock: Send + Sync + 'static {
    /// Now. May step, forward and back, as clocks do; whoever needs order takes it from the log, and whoever measures how
    /// long something takes asks for the moment.
    fn now(&self) -> Timestamp;

    /// This moment.
    fn moment(&self) -> Moment;
}

/// Gives random bytes that nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The clock and the randomness of a process.
#[derive(Clone)]
pub struct Ambient {
    /// Tells server time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub random: Arc<dyn Random>,
}

impl Ambient {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// This moment.
    pub fn moment(&self) -> Moment {
        self.clock.moment()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// A client id made now.
    pub fn client_id(&self) -> ClientId {
        ClientId::new(self.now().unix_ms(), self.bytes())
    }

    /// A number below `bound`, for jitter: not quite even, which jitter does not mind.
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()) % bound.max(1)
    }
}

/// Named places at which a test may end or hold the process. The product hands in [`NoFailPoints`].
pub trait FailPoints: Send + Sync + 'static {
    /// The program is at this place now.
    fn hit(&self, place: &'static str);
}

/// Nothing happens anywhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFailPoints;

impl FailPoints for NoFailPoints {
    fn hit(&self, _place: &'static str) {}
}
