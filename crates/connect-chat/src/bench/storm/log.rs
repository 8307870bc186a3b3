//! What one session has of one group, over two connections: pushed, or shown when it came back. Pure.
//!
//! An entry may be pushed and shown: a device passes over what it has. Pushed twice on one connection is a fault, and so
//! is a hole before what was pushed: a live session is told of every entry.

use domain::Position;

use crate::bench::meter::{Meter, Numbers, Tally};

/// What one session has of one group.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// By this connection.
    pushed: Meter,
    /// Whatever way.
    had: Numbers,
    faults: Tally,
}

impl Log {
    /// The message with this number was pushed.
    pub(super) fn pushed(&mut self, number: u64, position: Position) {
        self.pushed.received(number, position);
        self.had.insert(number);
    }

    /// The message with this number was shown in the answer to a sync.
    pub(super) fn shown(&mut self, number: u64) {
        self.had.insert(number);
    }

    /// The connection ended. What is missing before the last that it pushed was lost.
    pub(super) fn cut(&mut self) {
        let pushed = std::mem::take(&mut self.pushed);
        for number in 0..pushed.got().end() {
            self.faults.lost += u64::from(self.had.insert(number));
        }
        self.judge(&pushed);
    }

    /// The session was told that it is behind: what is missing was not kept from it in silence.
    pub(super) fn lagged(&mut self) {
        let pushed = std::mem::take(&mut self.pushed);
        self.judge(&pushed);
    }

    fn judge(&mut self, pushed: &Meter) {
        let Tally { duplicated, disordered, .. } = pushed.tally(&Numbers::default());
        self.faults.duplicated += duplicated;
        self.faults.disordered += disordered;
    }

    /// Whether everything that was acked is here.
    pub(super) fn has(&self, acked: &Numbers) -> bool {
        acked.without(&self.had) == 0
    }

    /// The tally at the end, of whom `acked` was meant for.
    pub(super) fn tally(mut self, acked: &Numbers) -> Tally {
        let pushed = std::mem::take(&mut self.pushed);
        self.judge(&pushed);
        self.faults.lost += acked.without(&self.had);
        self.faults.received = self.had.len();
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The faults of a session that was pushed `before`, cut, shown `shown` and pushed `after`; 6 were acked.
    fn faults(before: &[u64], shown: &[u64], after: &[u64]) -> (u64, u64, u64) {
        let mut log = Log::default();
        let position = |number: &u64| Position::new(1, number + 2);
        before.iter().for_each(|number| log.pushed(*number, position(number)));
        log.cut();
        shown.iter().for_each(|number| log.shown(*number));
        after.iter().for_each(|number| log.pushed(*number, position(number)));
        let mut acked = Numbers::default();
        (0..6).for_each(|number| assert!(acked.insert(number)));
        let tally = log.tally(&acked);
        (tally.lost, tally.duplicated, tally.disordered)
    }

    #[test]
    fn a_session_that_came_back_whole_is_taken_for_one_with_faults() {
        assert_eq!(faults(&[0, 1], &[2, 3], &[4, 5]), (0, 0, 0));
        assert_eq!(faults(&[0, 1, 2], &[1, 2, 3], &[3, 4, 5]), (0, 0, 0), "pushed and shown");
        assert_eq!(faults(&[], &[0, 1, 2, 3, 4, 5], &[]), (0, 0, 0));
    }

    #[test]
    fn a_resume_that_shows_what_a_push_dropped_hides_the_loss() {
        assert_eq!(faults(&[0, 2], &[1, 2, 3], &[4, 5]), (1, 0, 0));
        assert_eq!(faults(&[0, 1], &[2], &[4, 5]), (1, 0, 0));
        assert_eq!(faults(&[0, 1], &[2, 3], &[4]), (1, 0, 0), "the last one, too");
    }

    #[test]
    fn a_repeat_or_a_swap_on_one_connection_goes_unseen() {
        assert_eq!(faults(&[0, 1, 1], &[2, 3], &[4, 5]), (0, 1, 0));
        assert_eq!(faults(&[0, 1], &[2, 3], &[5, 4]), (0, 0, 1));
    }
}
