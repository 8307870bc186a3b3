//! The change feed: of every log a run of entries without a hole, in their order, up to its end.
//!
//! The feed is walked after the logs, so it reaches at least as far as they did. What came before a run was forgotten by
//! age, unless the feed has never forgotten anything: then a run begins with its log.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{ConversationId, Entry, PortError, Position};
use store_chat::derived::Told;

use super::{PAGE, Walk};

/// What the feed holds of one log.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: Position,
    last: Position,
    /// Something between or after them is missing, out of order, or there twice.
    broken: bool,
}

/// What the feed holds.
#[derive(Default)]
struct Runs {
    runs: BTreeMap<ConversationId, Run>,
    oldest: Option<u64>,
    /// Records that tell of nothing.
    void: u64,
}

impl Runs {
    fn add(&mut self, conversation: ConversationId, position: Position) {
        let fresh = Run { first: position, last: position, broken: false };
        let Some(run) = self.runs.get_mut(&conversation) else {
            self.runs.insert(conversation, fresh);
            return;
        };
        let follows = position.seq == run.last.seq + 1 && position.epoch >= run.last.epoch;
        if follows && !run.broken {
            run.last = position;
        } else {
            run.broken = true;
        }
    }

    /// After which position the feed lacks something, or tells of it wrongly, of a log that ends at `head`; `None` if it lacks nothing.
    fn lacks(&self, conversation: ConversationId, head: Position) -> Option<Position> {
        let whole = self.oldest == Some(1);
        match self.runs.get(&conversation) {
            Some(run) if whole && run.first.seq > 1 => Some(Position::START),
            // Out of order or twice: all of it is told again, which readers do not mind.
            Some(run) if run.broken => Some(before(run.first)),
            Some(run) if run.last < head => Some(run.last),
            Some(_) => None,
            None if whole => Some(Position::START),
            // An empty feed has lost at least what came last.
            None if self.oldest.is_none() => Some(before(head)),
            None => None,
        }
    }
}

fn before(position: Position) -> Position {
    Position { seq: position.seq.saturating_sub(1), ..position }
}

impl Walk<'_> {
    /// Holds the feed against the logs that were walked.
    pub(super) async fn feed(&mut self) -> Result<(), PortError> {
        let runs = self.runs().await?;
        if runs.void > 0 {
            self.broken(format!("the feed: {} records tell of no entry", runs.void));
        }
        let mut lacking = BTreeMap::new();
        for (conversation, head) in self.heads.clone() {
            if let Some(after) = runs.lacks(conversation, head.position) {
                self.found(
                    conversation,
                    head.position,
                    format!("the feed does not tell, in order, of what follows {after}"),
                );
                lacking.insert(conversation, after);
            }
        }
        if self.mending && (runs.void > 0 || !lacking.is_empty()) {
            self.forget(&lacking).await?;
            self.tell(&lacking).await?;
        }
        Ok(())
    }

    async fn runs(&self) -> Result<Runs, PortError> {
        let mut runs = Runs::default();
        let mut after = 0;
        loop {
            let page = self.stores.derived.told(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(runs) };
            runs.oldest = runs.oldest.or_else(|| page.first().map(|told| told.offset));
            after = last.offset;
            for told in page {
                match self.of(told).await? {
                    Some((conversation, position)) => runs.add(conversation, position),
                    None => runs.void += 1,
                }
            }
        }
    }

    /// The entry that a record tells of, if there is one.
    async fn of(&self, told: Told) -> Result<Option<(ConversationId, Position)>, PortError> {
        let Some((conversation, position)) = told.of else { return Ok(None) };
        let entry = self.stores.chat.entry(conversation, position).await?;
        Ok(entry.map(|_| (conversation, position)))
    }

    /// Forgets the records that tell of nothing, and those that will be told again.
    async fn forget(&mut self, lacking: &BTreeMap<ConversationId, Position>) -> Result<(), PortError> {
        let (mut after, mut forgotten) = (0, 0);
        loop {
            let page = self.stores.derived.told(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.offset;
            let mut forget = vec![];
            for told in page {
                let goes = match self.of(told).await? {
                    Some((conversation, position)) => {
                        lacking.get(&conversation).is_some_and(|after| position > *after)
                    }
                    None => true,
                };
                forget.extend(goes.then_some(told.offset));
            }
            forgotten += forget.len();
            self.stores.derived.retell(&forget, &[]).await?;
        }
        if forgotten > 0 {
            self.mended(format!("the feed: forgot {forgotten} records that are wrong or come again"));
        }
        Ok(())
    }

    /// Tells of what is lacking, in the order of each log.
    async fn tell(&mut self, lacking: &BTreeMap<ConversationId, Position>) -> Result<(), PortError> {
        for (conversation, after) in lacking {
            let (mut after, mut told) = (*after, 0);
            loop {
                let page: Vec<Arc<Entry>> = self.page(*conversation, after).await?;
                let Some(last) = page.last() else { break };
                after = last.position;
                told += page.len();
                self.stores.derived.retell(&[], &page).await?;
            }
            self.mended(format!("{conversation}: told the feed of {told} entries"));
        }
        Ok(())
    }
}
