//! The outbox: first in, first out in each conversation, several under way at once.
//!
//! Each submission names in `after` the one before it that is not acked yet, so that the server never stores one before
//! its elder. A submission that is to be tried again waits for those before it; one that is refused for good leaves, and
//! those behind it are sent again without it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use domain::{ClientId, Code, ConversationId, Rejection};
use protocol::frame;
use serde_json::value::RawValue;

use super::Ms;
use crate::backoff::{Jitter, full_jitter_ms};
use crate::storage::Queued;

const RETRY_BASE_MS: Ms = 200;
const RETRY_CAP_MS: Ms = 30_000;

struct Item {
    queued: Queued,
    under_way: bool,
    tries: u32,
}

#[derive(Default)]
struct Lane {
    items: VecDeque<Item>,
    under_way: usize,
    hold_until: Ms,
}

/// All that waits to be stored.
#[derive(Default)]
pub(super) struct Outgoing {
    lanes: BTreeMap<ConversationId, Lane>,
    places: HashMap<ClientId, ConversationId>,
    under_way: usize,
    /// Lanes in which something may be sent.
    ready: BTreeSet<ConversationId>,
}

impl Outgoing {
    pub(super) fn push(&mut self, queued: Queued) {
        let conversation = queued.conversation;
        self.places.insert(queued.client_id, conversation);
        let item = Item { queued, under_way: false, tries: 0 };
        self.lanes.entry(conversation).or_default().items.push_back(item);
        self.ready.insert(conversation);
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Queued> {
        self.lanes.values().flat_map(|lane| lane.items.iter().map(|item| &item.queued))
    }

    /// The connection is gone: nothing is under way any more.
    pub(super) fn unsent(&mut self) {
        self.under_way = 0;
        for (conversation, lane) in &mut self.lanes {
            (lane.under_way, lane.hold_until) = (0, 0);
            for item in &mut lane.items {
                (item.under_way, item.tries) = (false, 0);
            }
            self.ready.insert(*conversation);
        }
    }

    /// What to send now: at most `window` under way in a conversation, and `max` in all.
    pub(super) fn pump(&mut self, now: Ms, window: usize, max: usize) -> Vec<frame::Send> {
        let mut frames = Vec::new();
        let ready = std::mem::take(&mut self.ready);
        for conversation in ready {
            let Some(lane) = self.lanes.get_mut(&conversation) else { continue };
            if now >= lane.hold_until {
                let free = max.saturating_sub(self.under_way);
                let sent = lane.pump(window, free, &mut frames);
                self.under_way += sent;
            }
            if lane.under_way < lane.items.len() && lane.under_way < window {
                self.ready.insert(conversation);
            }
        }
        frames
    }

    /// It is in the log, or refused for good: it leaves.
    pub(super) fn done(&mut self, client_id: ClientId) -> Option<Queued> {
        let conversation = self.places.remove(&client_id)?;
        let lane = self.lanes.get_mut(&conversation)?;
        let at = lane.items.iter().position(|item| item.queued.client_id == client_id)?;
        let item = lane.items.remove(at)?;
        lane.under_way -= usize::from(item.under_way);
        self.under_way -= usize::from(item.under_way);
        if lane.items.is_empty() {
            self.lanes.remove(&conversation);
            self.ready.remove(&conversation);
        } else {
            self.ready.insert(conversation);
        }
        Some(item.queued)
    }

    /// It was refused. Given back if for good.
    pub(super) fn refused(
        &mut self,
        now: Ms,
        client_id: ClientId,
        rejection: &Rejection,
        jitter: &mut Jitter,
    ) -> Option<Queued> {
        if !may_pass(rejection.code) {
            return self.done(client_id);
        }
        let conversation = *self.places.get(&client_id)?;
        let lane = self.lanes.get_mut(&conversation)?;
        let item = lane.items.iter_mut().find(|item| item.queued.client_id == client_id)?;
        let was = std::mem::take(&mut item.under_way);
        // The first `out_of_order` only says that one before it was held up or refused: no reason to wait.
        let wait = match rejection.code {
            Code::OutOfOrder if item.tries <= 2 => 0,
            _ => {
                let attempt = item.tries.saturating_sub(1);
                let jittered = full_jitter_ms(RETRY_BASE_MS, RETRY_CAP_MS, attempt, jitter);
                rejection.retry_after_ms.unwrap_or(0).max(jittered)
            }
        };
        lane.under_way -= usize::from(was);
        self.under_way -= usize::from(was);
        lane.hold_until = lane.hold_until.max(now.saturating_add(wait));
        self.ready.insert(conversation);
        None
    }

    /// When a lane that was held may go on.
    pub(super) fn deadline(&self) -> Option<Ms> {
        let held = |id| self.lanes.get(id).map(|lane| lane.hold_until).filter(|at| *at > 0);
        self.ready.iter().filter_map(held).min()
    }
}

impl Lane {
    fn pump(&mut self, window: usize, free: usize, frames: &mut Vec<frame::Send>) -> usize {
        let mut sent = 0;
        let mut before = None;
        for item in &mut self.items {
            if !item.under_way {
                if sent >= free || self.under_way >= window {
                    break;
                }
                (item.under_way, item.tries) = (true, item.tries.saturating_add(1));
                self.under_way += 1;
                sent += 1;
                frames.push(item.frame(before));
            }
            before = Some(item.queued.client_id);
        }
        sent
    }
}

impl Item {
    fn frame(&self, after: Option<ClientId>) -> frame::Send {
        let body = self.queued.body.as_str().to_owned();
        frame::Send {
            conversation: self.queued.conversation,
            client_id: self.queued.client_id,
            body: RawValue::from_string(body).expect("a body is JSON by its type"),
            after,
        }
    }
}

/// Whether the same submission may pass later. A token that is not good concerns the session, not the submission.
const fn may_pass(code: Code) -> bool {
    code.retryable() || matches!(code, Code::Unauthenticated | Code::TokenExpired)
}
