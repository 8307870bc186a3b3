//! A session as the rest of the gateway knows it: who, its outbox, and when to look after it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::{DeviceId, Moment, SessionId, Timestamp, UserId};

use crate::config::Config;
use crate::session::Outbox;

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Its name: the lease it was taken in under, and its number in this gateway, never used again.
    pub(crate) id: SessionId,
    /// What waits to be written to it.
    pub(crate) outbox: Outbox,
    /// When it was taken in.
    pub(crate) since: Timestamp,
    who: OnceLock<Who>,
    /// When its state machine has something to do by time, in milliseconds of [`Moment`].
    deadline_ms: AtomicU64,
    /// When its token has been expired for too long, in milliseconds since 1970.
    token_ends_ms: AtomicU64,
    /// The count of announcements when it was announced last.
    announced: AtomicU64,
    /// It was announced anew: once that is echoed, it is told that it missed something.
    anew: AtomicBool,
    gone: AtomicBool,
}

impl Seat {
    pub(crate) fn new(id: SessionId, since: Timestamp) -> Self {
        Self {
            id,
            outbox: Outbox::default(),
            since,
            who: OnceLock::new(),
            deadline_ms: AtomicU64::new(u64::MAX),
            token_ends_ms: AtomicU64::new(u64::MAX),
            announced: AtomicU64::new(0),
            anew: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// Whose session it is, once that is known.
    pub(crate) fn who(&self) -> Option<Who> {
        self.who.get().copied()
    }

    /// Says whose session it is; the first word counts.
    pub(crate) fn name(&self, who: Who) {
        let _named_already = self.who.set(who);
    }

    /// Says when to look after it.
    pub(crate) fn set_deadlines(&self, at: Moment, token_ends: Timestamp) {
        self.deadline_ms.store(at.ms(), Ordering::Relaxed);
        self.token_ends_ms.store(token_ends.unix_ms(), Ordering::Relaxed);
    }

    /// Whether something is due by time.
    pub(super) fn is_due(&self, now: Moment, time: Timestamp, config: &Config) -> bool {
        now.ms() >= self.deadline_ms.load(Ordering::Relaxed)
            || time.unix_ms() >= self.token_ends_ms.load(Ordering::Relaxed)
            || self.is_stuck(now, config)
    }

    /// Whether the device does not read what waits for it, for too long.
    pub(crate) fn is_stuck(&self, now: Moment, config: &Config) -> bool {
        self.outbox.stuck_since().is_some_and(|since| now.since_ms(since) >= config.slow_reader_ms)
    }

    pub(super) fn set_announced(&self, count: u64) {
        self.announced.store(count, Ordering::Relaxed);
    }

    pub(super) fn announced(&self) -> u64 {
        self.announced.load(Ordering::Relaxed)
    }

    pub(super) fn set_gone(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Whether its session has ended.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    pub(super) fn set_anew(&self) {
        self.anew.store(true, Ordering::Relaxed);
    }

    pub(super) fn take_anew(&self) -> bool {
        self.anew.swap(false, Ordering::Relaxed)
    }
}
