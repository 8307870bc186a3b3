//! `admin verify`: walks the whole store and holds the laws: every log by itself, and everything derived against it.

use domain::audit::{LogAudit, Violation};
use domain::{ConversationId, Cursor, Entry, Identity, PortError, Position, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store_chat::Edge;

use crate::stores::Stores;

/// Entries read at a time.
const PAGE: usize = 500;

/// Bytes of entries read at a time.
const PAGE_BYTES: usize = 4 << 20;

/// Violations told at most; more are counted.
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
}

impl Report {
    fn tell(&mut self, violations: impl IntoIterator<Item = Violation>) {
        for violation in violations {
            self.violations += 1;
            if self.told.len() < TOLD_MAX {
                self.told.push(violation.to_string());
            }
        }
    }
}

/// Walks every log. While the server runs, an entry appended behind the walk is simply not looked at.
pub async fn audit(stores: &Stores) -> Result<Report, PortError> {
    let mut report = Report::default();
    let mut after = None;
    loop {
        let page = stores.chat.conversations(after, PAGE).await?;
        for conversation in &page {
            let walked = walk(stores, *conversation).await?;
            report.conversations += 1;
            report.entries += walked.entries;
            report.tell(walked.violations);
        }
        match page.last() {
            Some(last) => after = Some(*last),
            None => return Ok(report),
        }
    }
}

struct Walked {
    entries: u64,
    violations: Vec<Violation>,
}

async fn walk(stores: &Stores, conversation: ConversationId) -> Result<Walked, PortError> {
    let head = stores.chat.head(conversation).await?.unwrap_or_default();
    let mut log = LogAudit::new(conversation);
    let mut entries = 0;
    let mut derived = vec![];
    while log.head().position < head.position {
        let after = log.head().position;
        let page = stores.chat.page(conversation, Edge::After(after), PAGE, PAGE_BYTES).await?;
        if page.is_empty() {
            let what = format!("the log ends here, but its head says {}", head.position);
            derived.push(Violation { conversation, position: after, what });
            break;
        }
        derived.extend(identities(stores, &page).await?);
        for entry in page.iter().take_while(|entry| entry.position <= head.position) {
            log.entry(entry);
            entries += 1;
        }
    }
    if log.head() != head {
        let what = format!("the head {head:?} is not what the log ends with, {:?}", log.head());
        derived.push(Violation { conversation, position: head.position, what });
    }
    derived.extend(beyond(stores, conversation, head.position).await?);
    derived.extend(projection(stores, &log, conversation).await?);
    derived.extend(cursors(stores, &log, conversation).await?);
    derived.extend(log.into_violations());
    Ok(Walked { entries, violations: derived })
}

/// Nothing is stored beyond the head: a head that fell back hides what was acked.
async fn beyond(
    stores: &Stores,
    conversation: ConversationId,
    head: Position,
) -> Result<Vec<Violation>, PortError> {
    let page = stores.chat.page(conversation, Edge::After(head), 1, 1).await?;
    let Some(entry) = page.first() else { return Ok(vec![]) };
    // Entries may be appended during the walk: each with the head that names it.
    let newer = stores.chat.head(conversation).await?.unwrap_or_default();
    let hidden = newer.position < entry.position;
    let what = format!("it is stored, but the head says {}", newer.position);
    Ok(hidden.then_some(Violation { conversation, position: entry.position, what }).into_iter().collect())
}

/// Every entry is found by its identity.
async fn identities(stores: &Stores, page: &[Arc<Entry>]) -> Result<Vec<Violation>, PortError> {
    let asked: Vec<Identity> = page.iter().map(|entry| entry.identity()).collect();
    let found = stores.chat.find(&asked).await?;
    let lost = |(entry, found): (&Arc<Entry>, Option<Arc<Entry>>)| {
        let found = found.map(|found| found.position);
        (found != Some(entry.position)).then(|| Violation {
            conversation: entry.conversation,
            position: entry.position,
            what: format!("its identity leads to {found:?}"),
        })
    };
    Ok(page.iter().zip(found).filter_map(lost).collect())
}

/// A group's projection is not ahead of its log, and says the same as far as it goes.
async fn projection(
    stores: &Stores,
    log: &LogAudit,
    conversation: ConversationId,
) -> Result<Vec<Violation>, PortError> {
    let Some(group) = stores.group.group(conversation).await? else { return Ok(vec![]) };
    let roster = log.roster();
    let wrong = |what: String| vec![Violation { conversation, position: group.roster, what }];
    if group.roster > roster.position {
        return Ok(wrong(format!("the group's projection is ahead of its log, at {}", roster.position)));
    }
    // Behind is what a crash leaves, and is made good at the next use.
    if group.roster == roster.position && (group.active, group.admins) != (roster.active, roster.admins) {
        let (active, admins) = (roster.active, roster.admins);
        return Ok(wrong(format!(
            "the projection is {group:?}, but the log says {active} members, {admins} admins"
        )));
    }
    Ok(vec![])
}

/// No member's cursor is past the head.
async fn cursors(
    stores: &Stores,
    log: &LogAudit,
    conversation: ConversationId,
) -> Result<Vec<Violation>, PortError> {
    let members: Vec<UserId> = log.roster().members.keys().copied().collect();
    let mut violations = vec![];
    for members in members.chunks(PAGE) {
        let of: Vec<_> = members.iter().map(|user| (conversation, *user)).collect();
        for (user, Cursor { delivered, read }) in members.iter().zip(stores.chat.cursors(&of).await?) {
            let furthest = delivered.position.max(read.position);
            if furthest > log.head().position.max(Position::START) {
                let what = format!("the cursor of {user} is past the head");
                violations.push(Violation { conversation, position: furthest, what });
            }
        }
    }
    Ok(violations)
}
