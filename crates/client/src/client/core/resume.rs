//! The sync token: where a device's resume stands.
//!
//! A token may be saved only once the app was given all that it covers; until then the older one stands, and a crash
//! syncs from there again.

use std::collections::HashSet;

use domain::ConversationId;

use super::Ms;

/// Where the resume stands.
pub(super) struct Resume {
    /// The newest token of this process: the next sync goes on from it.
    token: Option<String>,
    /// A sync runs, or there is no connection to run one on.
    syncing: bool,
    /// The token stands in the middle of a list, whose end is as old as its beginning.
    midway: bool,
    /// Another sync is wanted as soon as the running one ends.
    again: bool,
    retry_at: Option<Ms>,
    /// The token that is saved once nothing is behind.
    unsaved: Option<String>,
    /// The conversations that a sync named and that are not fetched yet.
    behind: HashSet<ConversationId>,
    /// The running sync brings the whole list, not just what changed.
    whole: bool,
    /// What this device knew when the running sync was asked for, and has not heard of since.
    unheard: HashSet<ConversationId>,
}

/// A refused sync is tried again after this long unless the server says when, in milliseconds.
const RETRY_MS: Ms = 1_000;

impl Resume {
    pub(super) fn new(token: Option<String>) -> Self {
        Self {
            token,
            syncing: true,
            midway: false,
            again: false,
            retry_at: None,
            unsaved: None,
            behind: HashSet::new(),
            whole: false,
            unheard: HashSet::new(),
        }
    }

    /// A sync begins: the token to name in it. Without one the whole list comes. What came up after this moment may be
    /// missing from the list, so only what is `known` now can be gone.
    pub(super) fn begin(&mut self, known: impl Iterator<Item = ConversationId>) -> Option<String> {
        self.unheard = known.collect();
        self.whole = self.token.is_none();
        self.go_on()
    }

    /// The running sync goes on: the token to name for its next part.
    pub(super) fn go_on(&mut self) -> Option<String> {
        (self.syncing, self.retry_at) = (true, None);
        self.token.clone()
    }

    /// The running sync stands in the middle of its list.
    pub(super) const fn is_midway(&self) -> bool {
        self.midway
    }

    /// The connection is gone.
    pub(super) fn interrupted(&mut self) {
        // The rest of a list that was begun on another connection does not tell what changed since.
        (self.syncing, self.again, self.retry_at) = (true, self.midway, None);
        if std::mem::take(&mut self.whole) {
            // Half a list says nothing about what is gone. The next sync brings it whole.
            (self.token, self.midway, self.again) = (None, false, false);
        }
    }

    pub(super) const fn is_synced(&self) -> bool {
        !self.syncing
    }

    /// The server says that this session is behind. Whether a sync can begin now.
    pub(super) const fn lagged(&mut self) -> bool {
        self.again = self.syncing;
        !self.syncing
    }

    /// The sync was refused.
    pub(super) fn refused(&mut self, now: Ms, retry_after_ms: Option<u64>) {
        self.retry_at = Some(now.saturating_add(retry_after_ms.unwrap_or(RETRY_MS)));
    }

    pub(super) fn retry_due(&self, now: Ms) -> bool {
        self.retry_at.is_some_and(|at| now >= at)
    }

    pub(super) const fn deadline(&self) -> Option<Ms> {
        self.retry_at
    }

    /// A `changes` begins: whether its list is (part of) the whole.
    pub(super) fn changes(&mut self, token: String, more: bool, reset: bool) -> bool {
        self.whole |= reset;
        self.midway = more;
        self.unsaved = (!more).then(|| token.clone());
        self.token = Some(token);
        self.whole
    }

    /// Something of this conversation came: it is not gone.
    pub(super) fn heard_of(&mut self, conversation: ConversationId) {
        self.unheard.remove(&conversation);
    }

    /// It named this conversation.
    pub(super) fn named(&mut self, conversation: ConversationId, behind: bool) {
        self.heard_of(conversation);
        if behind {
            self.behind.insert(conversation);
        }
    }

    /// The last `changes` of a sync: what is gone, and whether to sync again at once.
    pub(super) fn ended(&mut self) -> (HashSet<ConversationId>, bool) {
        self.syncing = false;
        let unheard = std::mem::take(&mut self.unheard);
        let gone = if std::mem::take(&mut self.whole) { unheard } else { HashSet::new() };
        (gone, std::mem::take(&mut self.again))
    }

    /// A conversation was fetched further, or is gone. The token that can be saved now.
    pub(super) fn reached(&mut self, conversation: ConversationId, still_behind: bool) -> Option<String> {
        if !still_behind {
            self.behind.remove(&conversation);
        }
        self.complete()
    }

    /// The token that can be saved now, since the app was given all that it covers.
    pub(super) fn complete(&mut self) -> Option<String> {
        // Half a list cannot be resumed: what it has not named yet may be gone.
        if self.behind.is_empty() && !self.whole { self.unsaved.take() } else { None }
    }
}
