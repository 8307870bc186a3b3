//! The order of entries: of each conversation every one is given once, in order, without a hole.
//!
//! What comes live is held back while something before it is missing; what is missing is read by pages. A page is the
//! word of the server on what follows what: a person who was out of a group for a while sees a log whose seqs have a
//! hole, and only a page can tell that from a loss.
//!
//! Deliberately absent: forks (entries that a lost region takes back), which come with the second region.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::{ConversationId, ConversationKind, Entry, Mark, Position};
use protocol::http::Entries;

use super::Ms;
use crate::backoff::{Jitter, full_jitter_ms};
use crate::client::options::History;
use crate::storage::Place;

/// Entries held back in all conversations together; beyond that they are fetched when their turn comes.
const HELD_MAX: usize = 4_096;
const RETRY_BASE_MS: Ms = 200;
const RETRY_CAP_MS: Ms = 15_000;

/// The next entry, and where the app stands once it has it.
pub(super) type Given = Vec<Arc<Entry>>;

/// Something at a position that was told.
pub(super) enum Told {
    /// An entry.
    Entry(Arc<Entry>),
    /// A message of this device, whose entry only lacks its roster: that of the entry before it.
    Own(Box<Entry>),
    /// Something is there; what, is not known.
    Something,
}

#[derive(Default)]
struct Log {
    have: Option<Place>,
    /// The newest position that is known to exist.
    target: Position,
    held: BTreeMap<Position, Told>,
    fetching: bool,
    /// The running sync has named it: what is missing now will not come by itself.
    named: bool,
    /// How far the app was when the running sync was asked for: its answer cannot be older than that.
    at_sync: Position,
    tries: u32,
    retry_at: Ms,
    /// It is not in the person's list any more: the app is given what they may still see, and then it is gone.
    leaving: bool,
}

impl Log {
    fn position(&self) -> Option<Position> {
        self.have.map(|place| place.position)
    }

    fn is_behind(&self) -> bool {
        self.leaving || self.position().is_none_or(|have| have < self.target)
    }

    /// Gives the held entries that follow without a hole.
    fn drain(&mut self, given: &mut Given) -> usize {
        let before = self.held.len();
        while let (Some(have), Some(first)) = (self.have, self.held.first_entry()) {
            let position = *first.key();
            if position <= have.position {
                first.remove();
                continue;
            }
            let follows = position.seq == have.position.seq + 1 && position.epoch >= have.position.epoch;
            if !follows || !first.get().is_complete(have) {
                break;
            }
            if let Some(entry) = first.remove().complete(have) {
                self.take(entry, given);
            }
        }
        before - self.held.len()
    }

    fn take(&mut self, entry: Arc<Entry>, given: &mut Given) {
        self.have = Some(Place { position: entry.position, roster: Some(entry.roster) });
        self.target = self.target.max(entry.position);
        given.push(entry);
    }
}

impl Told {
    /// What says more about a position stays.
    const fn rank(&self) -> u8 {
        match self {
            Self::Something => 0,
            Self::Own(_) => 1,
            Self::Entry(_) => 2,
        }
    }

    fn is_complete(&self, before: Place) -> bool {
        match self {
            Self::Entry(_) => true,
            Self::Own(_) => before.roster.is_some(),
            Self::Something => false,
        }
    }

    fn complete(self, before: Place) -> Option<Arc<Entry>> {
        match self {
            Self::Entry(entry) => Some(entry),
            Self::Own(mut entry) => {
                entry.roster = before.roster?;
                Some(Arc::from(entry))
            }
            Self::Something => None,
        }
    }
}

/// All conversations' logs, as far as this device has them.
pub(super) struct Logs {
    logs: HashMap<ConversationId, Log>,
    history: History,
    held: usize,
    fetching: usize,
    /// Those in which something may be missing.
    wanting: BTreeSet<ConversationId>,
}

impl Logs {
    pub(super) fn new(places: HashMap<ConversationId, Place>, history: History) -> Self {
        let log = |place: Place| Log { have: Some(place), target: place.position, ..Log::default() };
        let logs = places.into_iter().map(|(id, place)| (id, log(place))).collect();
        Self { logs, history, held: 0, fetching: 0, wanting: BTreeSet::new() }
    }

    /// A sync begins: until it has named a conversation, what is missing there may still come by itself.
    pub(super) fn begin_sync(&mut self) {
        for log in self.logs.values_mut() {
            (log.named, log.at_sync) = (false, log.position().unwrap_or_default());
        }
    }

    pub(super) fn is_behind(&self, conversation: ConversationId) -> bool {
        self.logs.get(&conversation).is_some_and(Log::is_behind)
    }

    pub(super) fn is_known(&self, conversation: ConversationId) -> bool {
        self.logs.get(&conversation).is_some_and(|log| log.have.is_some())
    }

    pub(super) fn forget(&mut self, conversation: ConversationId) {
        if let Some(log) = self.logs.remove(&conversation) {
            self.held -= log.held.len();
            self.fetching -= usize::from(log.fetching);
            self.wanting.remove(&conversation);
        }
    }

    pub(super) fn known(&self) -> impl Iterator<Item = ConversationId> + '_ {
        self.logs.keys().copied()
    }

    /// An entry, or the word of one, came live.
    pub(super) fn told(&mut self, conversation: ConversationId, at: Position, what: Told) -> Given {
        let log = self.logs.entry(conversation).or_default();
        let mut given = Given::new();
        if log.position().is_some_and(|have| at <= have) {
            return given;
        }
        log.target = log.target.max(at);
        log.leaving = false;
        if log.have.is_none() && at.seq == 1 {
            log.have = Some(start(conversation));
        }
        let next = log.position().is_some_and(|have| at.seq == have.seq + 1);
        if next || self.held < HELD_MAX {
            let better = log.held.get(&at).is_none_or(|old| old.rank() < what.rank());
            if better && log.held.insert(at, what).is_none() {
                self.held += 1;
            }
        }
        self.held -= log.drain(&mut given);
        if log.is_behind() {
            self.wanting.insert(conversation);
        }
        given
    }

    /// A sync named a conversation, with its newest entries. The place is given back where the app begins without an
    /// entry.
    pub(super) fn named(
        &mut self,
        conversation: ConversationId,
        head: Mark,
        first: Position,
        entries: Vec<Arc<Entry>>,
        reset: bool,
    ) -> (Given, Option<Place>) {
        let log = self.logs.entry(conversation).or_default();
        (log.named, log.leaving) = (true, false);
        if reset && log.at_sync > head.position {
            // The server's store is another one: what this device holds is of a log that is no more.
            self.held -= log.held.len();
            *log = Log { named: true, fetching: log.fetching, ..Log::default() };
        }
        log.target = log.target.max(head.position);
        let oldest = entries.first().map(|entry| entry.position);
        let mut begun = None;
        if log.have.is_none() {
            log.have = Some(begin(conversation, self.history, head, first, oldest));
            begun = log.have;
        }
        // Newest entries follow each other. If this device has one of them, or the one before them, all that are newer
        // follow what it has; otherwise they are held until a page has filled the hole.
        let mut given = Given::new();
        let overlap = log
            .position()
            .zip(oldest)
            .is_some_and(|(have, oldest)| oldest <= have || oldest.seq == have.seq + 1);
        for entry in entries {
            if log.position().is_some_and(|have| entry.position <= have) {
                continue;
            }
            if overlap {
                log.take(entry, &mut given);
            } else if self.held < HELD_MAX && log.held.insert(entry.position, Told::Entry(entry)).is_none() {
                self.held += 1;
            }
        }
        self.held -= log.drain(&mut given);
        if log.is_behind() {
            self.wanting.insert(conversation);
        }
        (given, begun)
    }

    /// Conversations that came up while a sync ran, and that it did not name: they begin with what is held.
    pub(super) fn synced(&mut self) -> Given {
        let mut given = Given::new();
        for (conversation, log) in &mut self.logs {
            if let (None, Some(oldest)) = (log.have, log.held.keys().next()) {
                log.have = Some(begin(*conversation, self.history, Mark::START, *oldest, Some(*oldest)));
                self.held -= log.drain(&mut given);
            }
        }
        given
    }

    /// The next page to fetch, while fewer than `max` are.
    pub(super) fn fetch(&mut self, now: Ms, synced: bool, max: usize) -> Option<(ConversationId, Position)> {
        if self.fetching >= max {
            return None;
        }
        let logs = &mut self.logs;
        self.wanting.retain(|id| logs.get(id).is_some_and(Log::is_behind));
        let ready = |log: &Log| !log.fetching && now >= log.retry_at && (synced || log.named);
        let conversation = *self.wanting.iter().find(|id| logs.get(id).is_some_and(ready))?;
        let log = logs.get_mut(&conversation)?;
        let have = match log.have {
            Some(have) => have,
            None => *log.have.insert(start(conversation)),
        };
        log.fetching = true;
        self.fetching += 1;
        Some((conversation, have.position))
    }

    /// A conversation is not in the list any more. What the person may still see of it is read to its end: an entry may
    /// have come, last of all their removal, that this device was not told of.
    pub(super) fn leave(&mut self, conversation: ConversationId) {
        if let Some(log) = self.logs.get_mut(&conversation) {
            log.leaving = true;
            self.wanting.insert(conversation);
        }
    }

    pub(super) fn is_leaving(&self, conversation: ConversationId) -> bool {
        self.logs.get(&conversation).is_some_and(|log| log.leaving)
    }

    /// A page came that follows `after`.
    pub(super) fn page(&mut self, now: Ms, id: ConversationId, after: Position, page: Entries) -> Given {
        let mut given = Given::new();
        let Some(log) = self.logs.get_mut(&id) else { return given };
        self.fetching -= usize::from(std::mem::take(&mut log.fetching));
        let Some(have) = log.position().filter(|have| *have >= after) else { return given };
        log.tries = 0;
        for entry in page.entries {
            if log.position().is_some_and(|have| entry.position > have) {
                log.take(entry, &mut given);
            }
        }
        self.held -= log.drain(&mut given);
        let stuck = given.is_empty() && !page.more && log.position() == Some(have);
        if stuck && page.as_of >= log.target {
            // The server says that nothing follows which this person may see.
            self.held -= log.held.len();
            log.held.clear();
            log.target = have;
        } else if stuck {
            log.retry_at = now + RETRY_BASE_MS;
        }
        given
    }

    /// A page could not be read now.
    pub(super) fn unread(&mut self, now: Ms, conversation: ConversationId, jitter: &mut Jitter) {
        let Some(log) = self.logs.get_mut(&conversation) else { return };
        self.fetching -= usize::from(std::mem::take(&mut log.fetching));
        log.retry_at = now + full_jitter_ms(RETRY_BASE_MS, RETRY_CAP_MS, log.tries, jitter);
        log.tries = log.tries.saturating_add(1);
    }

    /// Pages of it are refused.
    pub(super) fn unreadable(&mut self, conversation: ConversationId) {
        let Some(log) = self.logs.get_mut(&conversation) else { return };
        self.fetching -= usize::from(std::mem::take(&mut log.fetching));
        self.held -= log.held.len();
        log.held.clear();
        log.target = log.position().unwrap_or_default();
        self.wanting.remove(&conversation);
    }

    /// When a page is to be tried again.
    pub(super) fn deadline(&self) -> Option<Ms> {
        let waits = |id| self.logs.get(id).filter(|log| !log.fetching && log.retry_at > 0);
        self.wanting.iter().filter_map(waits).map(|log| log.retry_at).min()
    }
}

/// Before everything. A direct conversation has no membership entries.
fn start(conversation: ConversationId) -> Place {
    let direct = conversation.kind() != ConversationKind::Group;
    Place { position: Position::START, roster: direct.then_some(Position::START) }
}

/// Where a conversation begins that this device has nothing of.
fn begin(
    conversation: ConversationId,
    history: History,
    head: Mark,
    first: Position,
    oldest: Option<Position>,
) -> Place {
    let from_first = oldest.is_some_and(|oldest| oldest <= first && oldest.seq == 1);
    match (history, oldest) {
        _ if from_first => start(conversation),
        (History::All, _) => start(conversation),
        (History::Newest, Some(oldest)) => {
            let before = Position { epoch: oldest.epoch, seq: oldest.seq.saturating_sub(1) };
            Place { position: before, roster: None }
        }
        (History::Newest, None) => Place { position: head.position, roster: None },
    }
}
