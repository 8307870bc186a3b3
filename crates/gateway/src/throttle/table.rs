//! Buckets of many, in a table whose size never changes: whoever is idle has none.
//!
//! A line of the table holds a few buckets, each under the hash of whose it is. A bucket that is full says no more than
//! none does, so whoever comes anew takes the place of the fullest, and loses nobody's place but theirs: the more one
//! floods, the longer one is remembered. Nothing in it is drawn by chance.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::{Mutex, PoisonError};

use domain::Moment;

use super::bucket::{Bucket, Rate};

/// Buckets in a line: two cache lines with their lock.
const WAYS: usize = 8;

/// Buckets, each beside the hash of whose it is.
type Line = [(u64, Bucket); WAYS];

/// A bucket for each of many, all of one rate.
#[derive(Debug)]
pub(super) struct Table {
    rate: Rate,
    /// Each has a lock of its own, held for a few nanoseconds, so that hardly two ever want the same one.
    lines: Box<[Mutex<Line>]>,
}

impl Table {
    /// A table that remembers `lines` × [`WAYS`] buckets.
    pub(super) fn new(rate: Rate, lines: usize) -> Self {
        let line = || Mutex::new([(0, Bucket::new()); WAYS]);
        Self { rate, lines: std::iter::repeat_with(line).take(lines.max(1)).collect() }
    }

    /// Takes one from the bucket of `whose`, or says in how many milliseconds one may be taken.
    pub(super) fn take(&self, whose: impl Hash, now: Moment) -> Result<(), u64> {
        self.with(whose, |bucket| bucket.take(now, self.rate))
    }

    /// Gives one back that was taken.
    pub(super) fn give_back(&self, whose: impl Hash) {
        self.with(whose, |bucket| bucket.give_back(self.rate));
    }

    fn with<T>(&self, whose: impl Hash, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(whose);
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash will do")]
        let line = &self.lines[hash as usize % self.lines.len()];
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs_or_fullest = line.iter_mut().min_by_key(|(owner, bucket)| (*owner != hash, *bucket));
        let (owner, bucket) = theirs_or_fullest.expect("a line has buckets");
        if *owner != hash {
            (*owner, *bucket) = (hash, Bucket::new());
        }
        act(bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_ms(1_764_000_000_000);

    #[test]
    fn a_flooding_one_of_a_few_slows_another() {
        let table = Table::new(Rate::new(5, 1), 1);
        assert_eq!((0..100).filter(|_| table.take("flood", NOW).is_ok()).count(), 5);
        assert!((0..WAYS - 1).all(|other| (0..5).all(|_| table.take(other, NOW).is_ok())));
        assert!((0..WAYS - 1).all(|other| table.take(other, NOW) == Err(1_000)), "each has a bucket");
    }

    #[test]
    fn a_memory_of_buckets_that_grows_without_end_or_forgets_a_flood() {
        let table = Table::new(Rate::new(5, 1), 4);
        assert_eq!((0..5).filter(|_| table.take("flood", NOW).is_ok()).count(), 5);
        for other in 0..100_000 {
            assert_eq!(table.take(other, NOW), Ok(()), "who asks once is not refused");
            assert!(table.take("flood", NOW).is_err(), "the fuller ones are forgotten first");
        }
        assert_eq!(size_of_val(&*table.lines), 4 * size_of::<Mutex<Line>>());
        assert!(size_of::<Mutex<Line>>() <= 136);
    }
}
