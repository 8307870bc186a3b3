//! `admin verify`: walks the whole store and holds the laws: every log by itself, and everything derived against it.
//!
//! With a repair, what is derived and wrong is written again from the logs. No entry is ever touched: a log that breaks a
//! law is told of and left alone, and so is what is derived from it. A walk may go on beside a server; a repair may not,
//! since the server keeps in memory what it believes to be stored.

mod derived;
mod feed;
mod log;
mod missed;

use std::collections::BTreeMap;

use domain::audit::Violation;
use domain::{ConversationId, Head, PortError, Position};
use serde::{Deserialize, Serialize};

use crate::stores::Stores;

/// Rows read at a time.
const PAGE: usize = 500;

/// Violations, and repairs, told at most; more are counted.
const TOLD_MAX: usize = 1_000;

/// What a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Logs walked.
    pub conversations: u64,
    /// Entries in them.
    pub entries: u64,
    /// Laws broken.
    pub violations: u64,
    /// The first of them, in words.
    pub told: Vec<String>,
    /// What was written again.
    #[serde(default)]
    pub mended: u64,
    /// The first of that, in words.
    #[serde(default)]
    pub mends: Vec<String>,
}

/// Walks every log. While the server runs, an entry appended behind the walk is simply not looked at.
pub async fn audit(stores: &Stores) -> Result<Report, PortError> {
    walk(stores, false).await
}

/// Walks every log, writes again what is derived and wrong, and walks once more: the report says what was mended, and
/// which violations are left. Nobody else may have the store.
pub async fn repair(stores: &Stores) -> Result<Report, PortError> {
    let mended = walk(stores, true).await?;
    let left = walk(stores, false).await?;
    Ok(Report { mended: mended.mended, mends: mended.mends, ..left })
}

async fn walk(stores: &Stores, mending: bool) -> Result<Report, PortError> {
    let mut walk = Walk { stores, mending, report: Report::default(), heads: BTreeMap::new() };
    walk.logs().await?;
    walk.heads_without_logs().await?;
    walk.feed().await?;
    walk.missed().await?;
    Ok(walk.report)
}

/// A walk under way.
struct Walk<'a> {
    stores: &'a Stores,
    mending: bool,
    report: Report,
    /// Where each log ended when it was walked.
    heads: BTreeMap<ConversationId, Head>,
}

impl Walk<'_> {
    fn found(&mut self, conversation: ConversationId, position: Position, what: impl Into<String>) {
        self.broken(Violation { conversation, position, what: what.into() }.to_string());
    }

    fn broken(&mut self, what: String) {
        self.report.violations += 1;
        if self.report.told.len() < TOLD_MAX {
            self.report.told.push(what);
        }
    }

    fn mended(&mut self, what: String) {
        self.report.mended += 1;
        if self.report.mends.len() < TOLD_MAX {
            self.report.mends.push(what);
        }
    }

    async fn logs(&mut self) -> Result<(), PortError> {
        let mut after = None;
        loop {
            let page = self.stores.derived.logs(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            for conversation in page {
                self.log(conversation).await?;
            }
        }
    }

    /// A head names the end of a log: there is one.
    async fn heads_without_logs(&mut self) -> Result<(), PortError> {
        let mut after = None;
        loop {
            let page = self.stores.chat.conversations(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            for conversation in page {
                if !self.heads.contains_key(&conversation) && self.is_empty(conversation).await? {
                    self.found(conversation, Position::START, "it has a head and no entry");
                    if self.mending {
                        self.stores.derived.set_head(conversation, None).await?;
                        self.mended(format!("{conversation}: took away the head of a log without entries"));
                    }
                }
            }
        }
    }
}
