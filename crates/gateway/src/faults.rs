//! Faults in what is delivered, so that a meter can show that it sees them. Off unless asked for.

use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;

/// What is done to a delivered entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not delivered, and nobody is told.
    Drop,
    /// It is delivered twice.
    Duplicate,
    /// It is delivered after the session's next one.
    Swap,
}

/// Which fault, how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// What is done.
    pub fault: Fault,
    /// To every so many-th entry frame.
    pub every: u64,
}

/// Applies the faults that were asked for.
#[derive(Debug)]
pub(crate) struct Injector {
    faults: Faults,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    frames: u64,
    held: Option<(u64, Bytes)>,
}

impl Injector {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, state: Mutex::default() }
    }

    /// What to deliver to `session` in place of `frame`, in order.
    pub(crate) fn instead(&self, session: u64, frame: &Bytes) -> Vec<Bytes> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.frames += 1;
        if let Some((_, held)) = state.held.take_if(|(of, _)| *of == session) {
            return vec![frame.clone(), held];
        }
        if !state.frames.is_multiple_of(self.faults.every.max(1)) {
            return vec![frame.clone()];
        }
        match self.faults.fault {
            Fault::Drop => vec![],
            Fault::Duplicate => vec![frame.clone(), frame.clone()],
            Fault::Swap if state.held.is_some() => vec![frame.clone()],
            Fault::Swap => {
                state.held = Some((session, frame.clone()));
                vec![]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(fault: Fault, session_of: impl Fn(u8) -> u64) -> Vec<u8> {
        let injector = Injector::new(Faults { fault, every: 3 });
        let frame = |n: u8| Bytes::copy_from_slice(&[n]);
        (1..=5).flat_map(|n| injector.instead(session_of(n), &frame(n))).map(|bytes| bytes[0]).collect()
    }

    #[test]
    fn a_fault_that_does_nothing() {
        assert_eq!(delivered(Fault::Drop, |_| 1), [1, 2, 4, 5]);
        assert_eq!(delivered(Fault::Duplicate, |_| 1), [1, 2, 3, 3, 4, 5]);
        assert_eq!(delivered(Fault::Swap, |_| 1), [1, 2, 4, 3, 5]);
    }

    #[test]
    fn a_swap_that_gives_a_frame_to_another_session() {
        assert_eq!(delivered(Fault::Swap, |n| if n == 4 { 2 } else { 1 }), [1, 2, 4, 5, 3]);
    }
}
