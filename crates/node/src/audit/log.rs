//! One log: its own laws, where it ends, and that every entry is found by its identity.

use std::sync::Arc;

use domain::audit::LogAudit;
use domain::{ConversationId, Entry, Head, Identity, PortError, Position};
use store_chat::Edge;

use super::{PAGE, Walk};

/// Bytes of entries read at a time.
const PAGE_BYTES: usize = 4 << 20;

/// A log that was walked to its end.
pub(super) struct Walked {
    pub(super) conversation: ConversationId,
    pub(super) log: LogAudit,
    /// Its membership entries, of which a group's rows are made.
    pub(super) membership: Vec<Arc<Entry>>,
}

impl Walk<'_> {
    /// Walks one log, and what is derived from it.
    pub(super) async fn log(&mut self, conversation: ConversationId) -> Result<(), PortError> {
        let mut walked = Walked { conversation, log: LogAudit::new(conversation), membership: vec![] };
        let head = self.walk_out(&mut walked).await?;
        self.report.conversations += 1;
        let log = &walked.log;
        self.heads.insert(conversation, log.head());
        for violation in log.violations() {
            self.broken(violation.to_string());
        }
        let lawful = log.violations().is_empty();
        if head != Some(log.head()) {
            let told =
                head.map_or("cannot be read or is not there".to_owned(), |head| format!("is {head:?}"));
            self.found(conversation, log.head().position, format!("the head {told}, but the log ends here"));
            if self.mending && lawful {
                self.stores.derived.set_head(conversation, Some(log.head())).await?;
                self.mended(format!("{conversation}: wrote its head, {}", log.head().position));
            }
        }
        self.derived(&walked, lawful).await
    }

    /// Walks until no entry follows, and gives the head as it is then; `None` if it is not there or cannot be read.
    async fn walk_out(&mut self, walked: &mut Walked) -> Result<Option<Head>, PortError> {
        loop {
            let page = self.page(walked.conversation, walked.log.head().position).await?;
            if page.is_empty() {
                let head = self.stores.chat.head(walked.conversation).await.ok().flatten();
                let end = walked.log.head().position;
                // The server may have appended meanwhile; a head is never there before its entry.
                let more = head.is_some_and(|head| head.position > end)
                    && !self.page(walked.conversation, end).await?.is_empty();
                if more {
                    continue;
                }
                return Ok(head);
            }
            self.identities(walked.conversation, &page).await?;
            for entry in page {
                walked.log.entry(&entry);
                self.report.entries += 1;
                if entry.kind.is_membership() {
                    walked.membership.push(entry);
                }
            }
        }
    }

    pub(super) async fn page(
        &self,
        conversation: ConversationId,
        after: Position,
    ) -> Result<Vec<Arc<Entry>>, PortError> {
        self.stores.chat.page(conversation, Edge::After(after), PAGE, PAGE_BYTES).await
    }

    pub(super) async fn is_empty(&self, conversation: ConversationId) -> Result<bool, PortError> {
        Ok(self.stores.chat.page(conversation, Edge::After(Position::START), 1, 1).await?.is_empty())
    }

    /// Every entry is found by its identity.
    async fn identities(
        &mut self,
        conversation: ConversationId,
        page: &[Arc<Entry>],
    ) -> Result<(), PortError> {
        let mut lost = vec![];
        for (entry, found) in page.iter().zip(self.find(page).await?) {
            if found != Some(entry.position) {
                self.found(conversation, entry.position, format!("its identity leads to {found:?}"));
                lost.push(Arc::clone(entry));
            }
        }
        if self.mending && !lost.is_empty() {
            self.stores.derived.set_identities(&lost).await?;
            self.mended(format!("{conversation}: wrote the identities of {} entries", lost.len()));
        }
        Ok(())
    }

    /// Where the identity of each entry leads; nowhere, if its row cannot be read.
    async fn find(&self, page: &[Arc<Entry>]) -> Result<Vec<Option<Position>>, PortError> {
        let asked: Vec<Identity> = page.iter().map(|entry| entry.identity()).collect();
        let place = |found: Option<Arc<Entry>>| found.map(|found| found.position);
        if let Ok(found) = self.stores.chat.find(&asked).await {
            return Ok(found.into_iter().map(place).collect());
        }
        let mut places = vec![];
        for identity in asked {
            let found = self.stores.chat.find(&[identity]).await.unwrap_or_default();
            places.push(found.into_iter().next().flatten().map(|found| found.position));
        }
        Ok(places)
    }
}
