//! Announces sessions that begin and end, in order. A topic that is full is waited for by one task, not by sessions.
//!
//! What waits is bounded by the sessions: each has a begin and an end at most.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::{MessageBus, Refused};
use contracts::records::Announcement;
use tokio::sync::Notify;

/// Announcements on their way.
pub(super) struct Announcer {
    topic: Arc<dyn MessageBus<Announcement>>,
    state: Mutex<State>,
    more: Notify,
    fewer: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Announcement>,
    /// One is being published by the task; those that follow wait behind it.
    under_way: bool,
    count: u64,
}

impl Announcer {
    pub(super) fn new(topic: Arc<dyn MessageBus<Announcement>>) -> Self {
        Self { topic, state: Mutex::default(), more: Notify::new(), fewer: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces, at once if there is room. Gives the count of announcements, which orders them.
    pub(super) fn announce(&self, announcement: Announcement) -> u64 {
        self.publish(&mut self.lock(), announcement)
    }

    /// The same, unless the session is `gone`. That is looked at when nothing else can be announced meanwhile, so that a
    /// session whose end was announced never begins after it.
    pub(super) fn announce_unless(
        &self,
        gone: impl FnOnce() -> bool,
        announcement: Announcement,
    ) -> Option<u64> {
        let mut state = self.lock();
        (!gone()).then(|| self.publish(&mut state, announcement))
    }

    fn publish(&self, state: &mut State, announcement: Announcement) -> u64 {
        state.count += 1;
        if state.under_way || !state.waiting.is_empty() {
            state.waiting.push_back(announcement);
        } else if let Err(Refused::Full(announcement)) = self.topic.try_publish(announcement) {
            state.waiting.push_back(announcement);
            self.more.notify_one();
        }
        state.count
    }

    /// How many announcements there were.
    pub(super) fn count(&self) -> u64 {
        self.lock().count
    }

    /// Publishes what found no room. Never ends; whoever spawned it ends it.
    pub(super) async fn run(&self) {
        loop {
            let next = self.next();
            let Some(announcement) = next else {
                self.fewer.notify_waiters();
                self.more.notified().await;
                continue;
            };
            if let Err(error) = self.topic.publish(announcement).await {
                tracing::warn!(%error, "an announcement of a session was lost; its slot's lease ends it");
            }
            self.lock().under_way = false;
        }
    }

    fn next(&self) -> Option<Announcement> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        state.under_way = next.is_some();
        next
    }

    /// Waits until nothing waits.
    pub(super) async fn flushed(&self) {
        loop {
            let fewer = self.fewer.notified();
            let idle = {
                let state = self.lock();
                state.waiting.is_empty() && !state.under_way
            };
            if idle {
                return;
            }
            fewer.await;
        }
    }
}
