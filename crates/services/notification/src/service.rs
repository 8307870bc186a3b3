//! The service: its parts, what others call, and the loops that run until they are told to stop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::Source;
use contracts::records::Announcement;
use contracts::services::{Absence, Notifications};
use contracts::{Ambient, FailPoints};
use domain::{ConversationId, Entry, Mark, Rejection, UserId};
use protocol::http;
use store_offline::{OfflineStore, ROWS_MAX};

use crate::decide::{self, Row};
use crate::follow::Entries;
use crate::leave::Sessions;
use crate::meanwhile::Meanwhile;
use crate::meters::Meters;
use crate::steps::{self, Failure};

/// The consumer group of Notification on each topic that it follows.
pub const GROUP: &str = "notification";

/// How often [`Notification::caught_up`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What Notification is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where rows are kept.
    pub store: Arc<dyn OfflineStore>,
    /// Who is absent or behind.
    pub absence: Arc<dyn Absence>,
    /// The topic `entries`.
    pub entries: Arc<dyn Source<Arc<Entry>>>,
    /// The topic `sessions`.
    pub sessions: Arc<dyn Source<Announcement>>,
    /// For jitter.
    pub ambient: Ambient,
    /// Where a test may end the process.
    pub fail: Arc<dyn FailPoints>,
}

/// Notification. A clone is another handle to the same service.
#[derive(Clone)]
pub struct Notification(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) while_following: Meanwhile,
    pub(crate) while_leaving: Meanwhile,
    pub(crate) meters: Meters,
}

impl Notification {
    /// The service; it follows nothing until [`Self::run`].
    pub fn new(parts: Parts) -> Self {
        let (while_following, while_leaving) = (Meanwhile::default(), Meanwhile::default());
        Self(Arc::new(Inner { parts, while_following, while_leaving, meters: Meters::new() }))
    }

    /// Follows both topics until they are closed and drained, or until `shutdown`, whichever comes first. What is under
    /// way then is not committed and comes again. An error means that the bus failed for good.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), bus::Error> {
        let entries = Entries::subscribe(Arc::clone(&self.0))?;
        let sessions = Sessions::subscribe(Arc::clone(&self.0))?;
        let ambient = || self.0.parts.ambient.clone();
        let both = async {
            tokio::try_join!(steps::run(entries, ambient()), steps::run(sessions, ambient())).map(|_| ())
        };
        tokio::select! {
            biased;
            () = shutdown => Ok(()),
            ended = both => ended,
        }
    }

    /// How many entries are still to be looked at.
    pub fn lag(&self) -> u64 {
        self.0.parts.entries.lag(GROUP)
    }

    /// Waits until every entry so far has been looked at, which needs [`Self::run`] to be under way.
    pub async fn caught_up(&self) {
        while self.lag() > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Inner {
    /// Notes rows, and clears again what was seen since `meanwhile` was opened.
    pub(crate) async fn note(&self, rows: Vec<Row>, meanwhile: &Meanwhile) -> Result<(), Failure> {
        if rows.is_empty() {
            meanwhile.close();
            return Ok(());
        }
        self.parts.store.note(rows.clone()).await?;
        self.meters.rows.increment(rows.len() as u64);
        self.parts.fail.hit("after_note");
        let cleared = decide::cleared(&rows, &meanwhile.close());
        if !cleared.is_empty() {
            self.parts.store.clear(cleared).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Notifications for Notification {
    /// At most [`ROWS_MAX`] conversations.
    async fn missed(&self, user: UserId) -> Result<http::MissedList, Rejection> {
        let Parts { store, absence, .. } = &self.0.parts;
        let stored = store.missed(user, ROWS_MAX).await?;
        let answer = absence.behind(user, ROWS_MAX).await?;
        let whole = answer.len() < ROWS_MAX;
        let behind = decide::behind(answer);
        let stale = if whole { decide::stale(user, &stored, &behind) } else { vec![] };
        if !stale.is_empty()
            && let Err(error) = store.clear(stale).await
        {
            tracing::warn!(%error, "stale rows of the offline store stay");
        }
        Ok(decide::list(&stored, behind))
    }

    async fn seen(&self, seen: Vec<(UserId, ConversationId, Mark)>) -> Result<(), Rejection> {
        if seen.is_empty() {
            return Ok(());
        }
        self.0.while_following.saw(&seen);
        self.0.while_leaving.saw(&seen);
        Ok(self.0.parts.store.clear(seen).await?)
    }
}
