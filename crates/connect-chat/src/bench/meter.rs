//! What a receiver got, held against what was acked: lost, duplicated, disordered. Pure.

use domain::Position;

/// Which numbers are in; dense from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    bits: Vec<u64>,
    len: u64,
}

impl Numbers {
    /// Puts one in; `false` if it was in.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.len += u64::from(new);
        new
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn holds(&self, number: u64) -> bool {
        self.bits.get((number / 64) as usize).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// One more than the highest that is in.
    pub(super) fn end(&self) -> u64 {
        let last = self.bits.iter().rposition(|word| *word != 0);
        last.map_or(0, |word| word as u64 * 64 + 64 - u64::from(self.bits[word].leading_zeros()))
    }

    /// How many are in this and not in `other`.
    pub(super) fn without(&self, other: &Self) -> u64 {
        let other = other.bits.iter().copied().chain(std::iter::repeat(0));
        self.bits.iter().zip(other).map(|(here, there)| u64::from((here & !there).count_ones())).sum()
    }
}

/// The meter of one receiver in one conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    got: Numbers,
    last: Position,
    duplicated: u64,
    disordered: u64,
}

impl Meter {
    /// An entry came: the sender's number of it, and its position. `true` if it is new.
    pub(super) fn received(&mut self, number: u64, position: Position) -> bool {
        // Positions rise, and with them the numbers: a device's messages are in the log in the order in which it sent them.
        let late = position <= self.last || number < self.got.end();
        let new = self.got.insert(number);
        if !new {
            self.duplicated += 1;
        } else if late {
            self.disordered += 1;
        }
        self.last = self.last.max(position);
        new
    }

    pub(super) fn len(&self) -> u64 {
        self.got.len()
    }

    /// What was received, each once.
    pub(super) fn got(&self) -> &Numbers {
        &self.got
    }

    /// The tally of this receiver, for whom `acked` was meant.
    pub(super) fn tally(&self, acked: &Numbers) -> Tally {
        Tally {
            received: self.got.len(),
            lost: acked.without(&self.got),
            duplicated: self.duplicated,
            disordered: self.disordered,
            ..Tally::default()
        }
    }
}

/// Counts of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) acked: u64,
    /// Answered with an error.
    pub(super) refused: u64,
    pub(super) received: u64,
    /// Acked, and not received by a receiver that was connected all the time.
    pub(super) lost: u64,
    /// Received again.
    pub(super) duplicated: u64,
    /// Received after one with a later position, or after one that its sender sent later.
    pub(super) disordered: u64,
}

impl Tally {
    /// Sent, and answered neither with an ack nor with an error. A message that was refused and sent again was refused
    /// more often than it was sent.
    pub(super) fn unanswered(&self) -> u64 {
        self.sent.saturating_sub(self.acked + self.refused)
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.acked += other.acked;
        self.refused += other.refused;
        self.received += other.received;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.disordered += other.disordered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(order: &[u64]) -> (u64, u64, u64) {
        let mut acked = Numbers::default();
        for number in 0..200 {
            acked.insert(number);
        }
        let mut meter = Meter::default();
        for number in order {
            meter.received(*number, Position::new(1, number + 2));
        }
        let tally = meter.tally(&acked);
        (tally.lost, tally.duplicated, tally.disordered)
    }

    fn all() -> Vec<u64> {
        (0..200).collect()
    }

    #[test]
    fn a_perfect_run_shows_nothing() {
        assert_eq!(tally(&all()), (0, 0, 0));
    }

    #[test]
    fn a_drop_shows_as_one_lost() {
        let mut order = all();
        order.remove(130);
        assert_eq!(tally(&order), (1, 0, 0));
        assert_eq!(tally(&all()[..199]), (1, 0, 0), "the last one, too");
        assert_eq!(tally(&[]), (200, 0, 0));
    }

    #[test]
    fn a_dup_shows_as_one_duplicated_and_not_as_disorder() {
        for again in [0, 64, 199] {
            let mut order = all();
            order.insert(again, again as u64);
            assert_eq!(tally(&order), (0, 1, 0));
        }
        let mut late = all();
        late.push(3);
        assert_eq!(tally(&late), (0, 1, 0));
    }

    #[test]
    fn messages_that_were_stored_in_another_order_than_they_were_sent_go_unseen() {
        let mut meter = Meter::default();
        for (number, seq) in [(0, 1), (2, 2), (1, 3), (3, 4)] {
            assert!(meter.received(number, Position::new(1, seq)));
        }
        assert_eq!(meter.tally(&Numbers::default()).disordered, 1);
    }

    #[test]
    fn a_message_without_an_answer_counts_as_answered() {
        let tally = |sent, acked, refused| Tally { sent, acked, refused, ..Tally::default() }.unanswered();
        assert_eq!((tally(10, 6, 3), tally(10, 7, 3), tally(10, 10, 3)), (1, 0, 0));
    }

    #[test]
    fn a_swap_shows_as_one_disordered() {
        let mut order = all();
        order.swap(70, 71);
        assert_eq!(tally(&order), (0, 0, 1));
    }
}
