//! Both ends of the feed, in memory, and who waits for its end to move.
//!
//! The newest offset is looked up in the store when somebody asks after an append, rather than counted: so it holds for
//! appends whose callers went away before they were told, too.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::PortError;
use store_kv::{Key, Space};
use tokio::sync::Notify;

use super::error::{of_read, of_row};
use super::format;

/// The ends of the feed.
#[derive(Debug)]
pub(super) struct Tail {
    feed: Space,
    newest: Mutex<u64>,
    stale: AtomicBool,
    oldest: AtomicU64,
    appended: Notify,
}

impl Tail {
    /// Looks both ends up.
    pub(super) fn open(feed: Space) -> Result<Self, PortError> {
        let newest = last(&feed, 0)?.unwrap_or(0);
        let first = feed.scan::<[u8; 8]>(..).next().transpose().map_err(of_read)?;
        let oldest = first.map_or(Ok(newest + 1), |(key, _)| offset(&key))?;
        Ok(Self {
            feed,
            newest: Mutex::new(newest),
            stale: AtomicBool::new(false),
            oldest: AtomicU64::new(oldest),
            appended: Notify::new(),
        })
    }

    /// Something was appended, durably.
    pub(super) fn moved(&self) {
        self.stale.store(true, Ordering::Release);
        self.appended.notify_waiters();
    }

    /// The newest offset.
    pub(super) fn newest(&self) -> u64 {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stale.swap(false, Ordering::AcqRel) {
            match last(&self.feed, *newest) {
                Ok(found) => *newest = found.unwrap_or(*newest),
                // whoever reads the feed is told what is wrong
                Err(_) => self.stale.store(true, Ordering::Release),
            }
        }
        *newest
    }

    /// The oldest offset.
    pub(super) fn oldest(&self) -> u64 {
        self.oldest.load(Ordering::Acquire)
    }

    /// What is before `oldest` was forgotten.
    pub(super) fn trimmed(&self, oldest: u64) {
        self.oldest.fetch_max(oldest, Ordering::AcqRel);
    }

    /// Waits until the newest offset is beyond `offset`.
    pub(super) async fn beyond(&self, offset: u64) {
        until(&self.appended, || self.newest() > offset).await;
    }
}

/// Waits until `reached`, which is looked at again whenever `moved` is notified.
async fn until(moved: &Notify, reached: impl Fn() -> bool) {
    loop {
        // made before the look, so that no notification between the look and the wait is slept through
        let notified = moved.notified();
        if reached() {
            return;
        }
        notified.await;
    }
}

/// The offset that this key is.
pub(super) fn offset(key: &Key) -> Result<u64, PortError> {
    let bytes = key[..].try_into().map_err(|_| of_row(format::Error::NotA("offset")))?;
    Ok(u64::from_be_bytes(bytes))
}

/// The last offset after `known`.
fn last(feed: &Space, known: u64) -> Result<Option<u64>, PortError> {
    let row = feed.scan((known + 1).to_be_bytes()..).next_back().transpose().map_err(of_read)?;
    row.map(|(key, _)| offset(&key)).transpose()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn an_append_between_the_look_and_the_wait_is_never_slept_through() {
        let (moved, looks) = (Notify::new(), Cell::new(0));
        let waiting = until(&moved, || {
            looks.set(looks.get() + 1);
            moved.notify_waiters();
            looks.get() > 1
        });
        tokio::select! {
            biased;
            () = waiting => {}
            () = tokio::task::yield_now() => panic!("it waits for the append after"),
        }
    }
}
