//! What of a partition is finished: records end in any order, and the lowest unfinished offset is what may be committed.

use std::collections::{BTreeMap, BTreeSet};

/// The records under way of each partition of one consumer.
#[derive(Debug, Default)]
pub struct Progress {
    partitions: BTreeMap<u32, Partition>,
}

#[derive(Debug, Default)]
struct Partition {
    under_way: BTreeSet<u64>,
    next: u64,
    committed: u64,
}

impl Progress {
    /// A record was taken.
    pub fn begin(&mut self, partition: u32, offset: u64) {
        let partition = self.partitions.entry(partition).or_default();
        partition.under_way.insert(offset);
        partition.next = partition.next.max(offset + 1);
    }

    /// A record is finished.
    pub fn finish(&mut self, partition: u32, offset: u64) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.under_way.remove(&offset);
        }
    }

    /// The partitions whose commit can move, and to where; each is given once.
    pub fn take_commits(&mut self) -> Vec<(u32, u64)> {
        let mut commits = vec![];
        for (number, partition) in &mut self.partitions {
            let offset = partition.under_way.first().copied().unwrap_or(partition.next);
            if offset > partition.committed {
                partition.committed = offset;
                commits.push((*number, offset));
            }
        }
        commits
    }

    /// How many records are under way.
    pub fn under_way(&self) -> usize {
        self.partitions.values().map(|partition| partition.under_way.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_record_is_never_committed_over() {
        let mut progress = Progress::default();
        (5..8).for_each(|offset| progress.begin(0, offset));
        progress.finish(0, 6);
        assert_eq!(progress.take_commits(), vec![(0, 5)]);
        assert_eq!(progress.take_commits(), vec![]);
        progress.finish(0, 5);
        assert_eq!(progress.take_commits(), vec![(0, 7)]);
        progress.finish(0, 7);
        assert_eq!(progress.take_commits(), vec![(0, 8)]);
        assert_eq!(progress.under_way(), 0);
    }
}
