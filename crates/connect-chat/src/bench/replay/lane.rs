//! The order of sending in one group: that of the file. Pure.
//!
//! Different senders have no order among them, so only a run of messages of one sender is under way at once, each naming
//! the one before it; the next sender waits for the last ack of the run.

use super::trace::{Group, Trace};

/// Messages of a run that are under way at once.
const RUN_MAX: usize = 16;

/// A group in the making.
pub(super) struct Lane {
    next: usize,
    acked: Vec<bool>,
    first_unacked: usize,
    under_way: usize,
    /// One was refused: those behind it are refused, too, and all are sent again once they were.
    refused: bool,
}

/// A message to send now, and the row that it names as its elder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) row: usize,
    pub(super) after: Option<usize>,
}

impl Lane {
    pub(super) fn new(group: &Group) -> Self {
        let acked = vec![false; group.rows.len()];
        Self { next: 0, acked, first_unacked: 0, under_way: 0, refused: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.first_unacked == self.acked.len()
    }

    /// What may be sent now; it counts as under way.
    pub(super) fn due(&mut self, group: &Group, trace: &Trace) -> Vec<Due> {
        let mut due = Vec::new();
        while !self.refused && self.next < group.rows.len() && self.under_way < RUN_MAX {
            let row = group.rows[self.next];
            let before = self.next.checked_sub(1).map(|before| group.rows[before]);
            let after = before.filter(|_| self.under_way > 0);
            if after.is_some_and(|before| trace.rows[before].person != trace.rows[row].person) {
                break;
            }
            due.push(Due { row, after });
            self.next += 1;
            self.under_way += 1;
        }
        due
    }

    /// The `nth` message of the group is stored. `false` if it was already.
    pub(super) fn acked(&mut self, nth: u64) -> bool {
        let new = !std::mem::replace(&mut self.acked[nth as usize], true);
        while self.acked.get(self.first_unacked) == Some(&true) {
            self.first_unacked += 1;
        }
        self.answered();
        new
    }

    /// One was refused, in a way that may pass.
    pub(super) fn refused(&mut self) {
        self.refused = true;
        self.answered();
    }

    fn answered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.refused && self.under_way == 0 {
            (self.refused, self.next) = (false, self.first_unacked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trace::Row;
    use super::*;

    fn trace(people: &[usize]) -> Trace {
        let row =
            |(nth, person): (usize, &usize)| Row { group: 0, person: *person, nth: nth as u64, bytes: 1 };
        let rows: Vec<Row> = people.iter().enumerate().map(row).collect();
        let group = Group { rows: (0..rows.len()).collect(), members: Vec::new() };
        Trace { rows, groups: vec![group], people: Vec::new() }
    }

    fn rows(due: &[Due]) -> Vec<usize> {
        due.iter().map(|due| due.row).collect()
    }

    #[test]
    fn another_sender_waits_for_the_whole_run_before() {
        let trace = trace(&[1, 1, 1, 2, 1]);
        let mut lane = Lane::new(&trace.groups[0]);
        let run = lane.due(&trace.groups[0], &trace);
        assert_eq!(rows(&run), [0, 1, 2]);
        assert_eq!(run.iter().map(|due| due.after).collect::<Vec<_>>(), [None, Some(0), Some(1)]);
        for nth in 0..3 {
            assert!(lane.due(&trace.groups[0], &trace).is_empty());
            lane.acked(nth);
        }
        assert_eq!(lane.due(&trace.groups[0], &trace), [Due { row: 3, after: None }]);
        lane.acked(3);
        assert_eq!(rows(&lane.due(&trace.groups[0], &trace)), [4]);
        lane.acked(4);
        assert!(lane.is_done());
    }

    #[test]
    fn a_refused_message_is_sent_again_before_those_behind_it() {
        let trace = trace(&[1, 1, 1]);
        let mut lane = Lane::new(&trace.groups[0]);
        lane.due(&trace.groups[0], &trace);
        lane.acked(0);
        lane.refused();
        assert!(lane.due(&trace.groups[0], &trace).is_empty(), "one is still to be answered");
        lane.refused();
        let again = lane.due(&trace.groups[0], &trace);
        assert_eq!(again, [Due { row: 1, after: None }, Due { row: 2, after: Some(1) }]);
    }
}
