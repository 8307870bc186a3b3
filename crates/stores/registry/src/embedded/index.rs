//! One user's change index: which conversations changed, under which stamp.
//!
//! One queue, oldest first. A conversation is looked for from the newest end, where those that are written to are, so
//! the usual mark touches a few rows and allocates nothing; the worst, in a full index, moves 48 KB.

use std::collections::VecDeque;

use domain::ConversationId;

use crate::{CHANGES_MAX, Changes, Stamp};

/// The conversations of one user that changed, each under its newest stamp; at most `MAX` of them.
#[derive(Debug, Default)]
pub(super) struct Index<const MAX: usize = CHANGES_MAX> {
    /// The newest stamp given.
    newest: Stamp,
    /// The newest stamp that a row was forgotten under: what is asked from before it cannot be answered.
    forgotten: Stamp,
    /// By stamp, which grows; no conversation twice.
    rows: VecDeque<(Stamp, ConversationId)>,
}

impl<const MAX: usize> Index<MAX> {
    /// Lists `conversation` under the next stamp.
    pub(super) fn mark(&mut self, conversation: ConversationId) {
        self.newest += 1;
        if let Some(at) = self.rows.iter().rposition(|(_, row)| *row == conversation) {
            self.rows.remove(at);
        } else if self.rows.len() >= MAX
            && let Some((stamp, _)) = self.rows.pop_front()
        {
            self.forgotten = stamp;
        }
        self.rows.push_back((self.newest, conversation));
    }

    /// The newest stamp given; 0 before the first.
    pub(super) fn newest(&self) -> Stamp {
        self.newest
    }

    /// What changed after `since` and before `below`, newest first. `None` if it cannot tell.
    pub(super) fn changes(&self, since: Stamp, below: Option<Stamp>, limit: usize) -> Option<Changes> {
        if since < self.forgotten || since > self.newest {
            return None;
        }
        let start = self.rows.partition_point(|(stamp, _)| *stamp <= since);
        let end =
            below.map_or(self.rows.len(), |below| self.rows.partition_point(|(stamp, _)| *stamp < below));
        let rows = self.rows.range(start.min(end)..end).rev().take(limit).copied().collect();
        Some(Changes { newest: self.newest, rows })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 8;

    /// Every mark ever made, and nothing clever.
    #[derive(Default)]
    struct Model {
        marks: Vec<ConversationId>,
    }

    impl Model {
        fn newest_of_each(&self) -> Vec<(Stamp, ConversationId)> {
            let mut newest = BTreeMap::new();
            for (at, conversation) in self.marks.iter().enumerate() {
                newest.insert(*conversation, at as Stamp + 1);
            }
            let mut rows: Vec<_> = newest.into_iter().map(|(id, stamp)| (stamp, id)).collect();
            rows.sort_unstable();
            rows.reverse();
            rows
        }

        /// The newest stamp that ever was that of one conversation too many.
        fn forgotten(&self) -> Stamp {
            let cut = |end| Self { marks: self.marks[..end].to_vec() }.newest_of_each().get(MAX).copied();
            (0..=self.marks.len()).filter_map(cut).map(|(stamp, _)| stamp).max().unwrap_or(0)
        }

        fn changes(&self, since: Stamp, below: Option<Stamp>, limit: usize) -> Option<Changes> {
            let newest = self.marks.len() as Stamp;
            let between = |stamp: Stamp| stamp > since && below.is_none_or(|below| stamp < below);
            let rows = self.newest_of_each().into_iter().filter(|(stamp, _)| between(*stamp)).take(limit);
            (self.forgotten() <= since && since <= newest).then(|| Changes { newest, rows: rows.collect() })
        }
    }

    proptest! {
        #[test]
        fn the_index_never_differs_from_a_list_of_all_marks(
            marks in proptest::collection::vec(0u8..14, 0..60),
            back in 0u64..70,
            below in proptest::option::of(0u64..70),
            limit in 0usize..12,
        ) {
            let (mut index, mut model) = (Index::<MAX>::default(), Model::default());
            for mark in marks {
                let conversation = ConversationId::Group([mark; 16]);
                index.mark(conversation);
                model.marks.push(conversation);
            }
            let since = (model.marks.len() as Stamp + 2).saturating_sub(back);
            prop_assert_eq!(index.changes(since, below, limit), model.changes(since, below, limit));
            prop_assert!(index.rows.len() <= MAX);
        }
    }
}
