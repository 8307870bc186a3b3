//! Follows `sessions`: when a person's last session ended, notes what had not reached a device by then.
//!
//! Messaging hears of the end at the same time and may still hold the session when it is asked. So somebody who still
//! seems present is looked at again a few times; if they stay, another device of theirs is connected, whose end will be
//! heard, too. An announcement is committed when its person was looked at for the last time. Who still seems present when
//! the topic is closed is left to their next session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::progress::Progress;
use bus::{Consumer, Message};
use contracts::records::{Announcement, SessionChange};
use domain::UserId;
use store_offline::ROWS_MAX;
use tokio::time::{Interval, MissedTickBehavior};

use crate::decide::{self, Row};
use crate::service::{GROUP, Inner};
use crate::steps::{Failure, Steps};

/// Announcements taken at once.
const BATCH_MAX: usize = 256;

/// Announcements under way at most; beyond it no more are taken.
const UNDER_WAY_MAX: usize = 10_000;

/// How long somebody who still seems present is left alone.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How often somebody is looked at for one announcement.
const LOOKS_MAX: u32 = 4;

/// Somebody whose session ended.
#[derive(Default)]
struct Leaving {
    told: Vec<Told>,
    due: bool,
}

/// An announcement that said so, and how often its person was looked at since.
#[derive(Clone, Copy)]
struct Told {
    partition: u32,
    offset: u64,
    looks: u32,
}

/// The follower of `sessions`.
pub(crate) struct Sessions {
    inner: Arc<Inner>,
    consumer: Box<dyn Consumer<Announcement>>,
    leaving: BTreeMap<UserId, Leaving>,
    /// When those who still seemed present are due again.
    again: Interval,
    progress: Progress,
    /// What may be committed and is not yet.
    commits: Vec<(u32, u64)>,
}

impl Sessions {
    pub(crate) fn subscribe(inner: Arc<Inner>) -> Result<Self, bus::Error> {
        let consumer = inner.parts.sessions.subscribe(GROUP)?;
        let mut again = tokio::time::interval(LOOK_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (leaving, progress, commits) = (BTreeMap::new(), Progress::default(), vec![]);
        Ok(Self { inner, consumer, leaving, again, progress, commits })
    }

    /// Waits for more announcements, or until those who still seemed present are due again.
    async fn wait(&mut self) -> Result<(), Failure> {
        let full = self.progress.under_way() >= UNDER_WAY_MAX;
        let idle = self.leaving.is_empty();
        tokio::select! {
            biased;
            _ = self.again.tick(), if !idle => {
                self.leaving.values_mut().for_each(|leaving| leaving.due = true);
            }
            batch = self.consumer.next(BATCH_MAX), if !full => {
                batch?.into_iter().for_each(|message| self.take(message));
            }
        }
        Ok(())
    }

    fn take(&mut self, message: Message<Announcement>) {
        let Message { partition, offset, record } = message;
        self.progress.begin(partition, offset);
        match record.change {
            SessionChange::Began => self.progress.finish(partition, offset),
            SessionChange::Ended | SessionChange::SignedOut => {
                let leaving = self.leaving.entry(record.user).or_default();
                leaving.told.push(Told { partition, offset, looks: 0 });
                leaving.due = true;
            }
        }
    }

    /// Looks at somebody: notes what they are behind in if they are gone. A failure that may pass leaves them due.
    async fn look(&mut self, user: UserId) -> Result<(), Failure> {
        match self.note_if_gone(user).await {
            Ok(gone) => self.looked(user, gone),
            Err(failure) => {
                if !failure.retryable() {
                    self.looked(user, true);
                }
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Finishes the announcements that need no further look: each by itself, so that a device that comes and goes beside
    /// another one does not hold them back for ever.
    fn looked(&mut self, user: UserId, for_good: bool) {
        let Some(leaving) = self.leaving.get_mut(&user) else { return };
        leaving.due = false;
        leaving.told.retain_mut(|told| {
            told.looks += 1;
            let again = !for_good && told.looks < LOOKS_MAX;
            if !again {
                self.progress.finish(told.partition, told.offset);
            }
            again
        });
        if leaving.told.is_empty() {
            self.leaving.remove(&user);
        }
    }

    async fn note_if_gone(&mut self, user: UserId) -> Result<bool, Failure> {
        let absence = &self.inner.parts.absence;
        if absence.present(user).await? {
            return Ok(false);
        }
        self.inner.while_leaving.open();
        let behind = decide::behind(absence.behind(user, ROWS_MAX).await?);
        let rows: Vec<Row> = behind.into_iter().map(|row| (user, row)).collect();
        self.inner.note(rows, &self.inner.while_leaving).await?;
        Ok(true)
    }
}

impl Steps for Sessions {
    async fn step(&mut self) -> Result<(), Failure> {
        let due = self.leaving.iter().filter(|(_, leaving)| leaving.due);
        for user in due.map(|(user, _)| *user).collect::<Vec<_>>() {
            self.look(user).await?;
        }
        self.commits.append(&mut self.progress.take_commits());
        while let Some((partition, offset)) = self.commits.last() {
            self.consumer.commit(*partition, *offset).await?;
            self.commits.pop();
        }
        self.wait().await
    }
}
