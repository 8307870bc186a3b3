//! What to do with each frame: the pure part of the client.
//!
//! Frames, pages, wishes and the time go in; effects come out. Deliberately absent: IO, clocks, tasks and storage. Each
//! room holds one matter: [`receive`] the order of entries, [`send`] the outbox, [`cursors`], [`resume`] the sync token,
//! [`session`] heartbeat, token and the ways a connection ends.

mod cursors;
mod inbound;
mod receive;
mod resume;
mod send;
mod session;

pub(super) use cursors::Mover;
pub(super) use session::{Ended, Next};

use std::collections::VecDeque;

use domain::{ClientId, ConversationId, DeviceId, Position, UserId};
use protocol::frame::FromDevice;
use protocol::http::Entries;

use super::event::Event;
use super::options::Options;
use crate::backoff::Jitter;
use crate::storage::{Place, Queued, Saved, Step};

/// Milliseconds on a clock that never steps.
pub(super) type Ms = u64;

/// What the shell has to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Say this.
    Frame(FromDevice<'static>),
    /// Read the page after this position.
    Fetch(ConversationId, Position),
    /// Give this to the app.
    Give(Event),
    /// Save this, once the app took everything before it.
    Save(Step),
    /// Take it out of the stored outbox: it is in the log.
    Forget(ClientId),
    /// Server time was told.
    Time(domain::Timestamp),
    /// The access token expires soon: bring another.
    Renew,
    /// Nothing was heard for too long: end the connection.
    Dead,
}

/// Why a page could not be read.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) retryable: bool,
    pub(super) reason: String,
}

/// The state machine.
pub(super) struct Core {
    options: Options,
    me: Option<(UserId, DeviceId)>,
    logs: receive::Logs,
    outbox: send::Outgoing,
    cursors: cursors::Cursors,
    resume: resume::Resume,
    session: session::Session,
    jitter: Jitter,
    effects: VecDeque<Effect>,
}

impl Core {
    /// A device that stands at `saved` and has `queued` to send.
    pub(super) fn new(options: Options, saved: Saved, queued: Vec<Queued>, seed: u64) -> Self {
        let mut outbox = send::Outgoing::default();
        for one in queued {
            outbox.push(one);
        }
        Self {
            me: None,
            logs: receive::Logs::new(saved.places, options.history),
            outbox,
            cursors: cursors::Cursors::default(),
            resume: resume::Resume::new(saved.token),
            session: session::Session::default(),
            jitter: Jitter::new(seed),
            effects: VecDeque::new(),
            options,
        }
    }

    /// What there is to do, oldest first.
    pub(super) fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    fn give(&mut self, event: Event) {
        self.effects.push_back(Effect::Give(event));
    }

    fn say(&mut self, now: Ms, frame: FromDevice<'static>) {
        self.session.said(now);
        self.effects.push_back(Effect::Frame(frame));
    }

    /// A connection is open: hello and sync go out in one breath.
    pub(super) fn opened(&mut self, now: Ms, token: &str) {
        self.session.opened(now);
        self.say(now, FromDevice::Hello { token: token.to_owned().into() });
        self.begin_sync(now);
    }

    fn begin_sync(&mut self, now: Ms) {
        self.logs.begin_sync();
        let token = self.resume.begin(self.logs.known());
        self.say(now, FromDevice::Sync { token });
    }

    fn go_on_with_sync(&mut self, now: Ms) {
        let token = self.resume.go_on();
        self.say(now, FromDevice::Sync { token });
    }

    /// The access token is good until then.
    pub(super) fn token_expires(&mut self, now: Ms, expires: Ms) {
        self.session.token_expires(now, expires);
    }

    /// Another access token for the live session.
    pub(super) fn renewed(&mut self, now: Ms, token: &str, expires: Ms) {
        self.session.token_expires(now, expires);
        if self.session.is_live() {
            self.say(now, FromDevice::Renew { token: token.to_owned().into() });
        }
    }

    /// No other token could be had now; ask again a little later.
    pub(super) fn not_renewed(&mut self, now: Ms) {
        self.session.renew_again(now);
    }

    /// The connection ended.
    pub(super) fn closed(&mut self, now: Ms, ended: Ended) -> Next {
        self.outbox.unsent();
        self.cursors.unsent();
        self.resume.interrupted();
        self.session.closed(now, ended, &mut self.jitter)
    }

    /// A message to send; it is in the stored outbox.
    pub(super) fn queue(&mut self, now: Ms, queued: Queued) {
        self.outbox.push(queued);
        self.pump_outbox(now);
    }

    /// How many messages wait to be stored.
    pub(super) fn queued(&self) -> usize {
        self.outbox.len()
    }

    /// The messages that wait to be stored, in their order in each conversation.
    pub(super) fn outbox(&self) -> Vec<Queued> {
        self.outbox.all().cloned().collect()
    }

    /// The app took, or the person read, a conversation up to here.
    pub(super) fn moved(&mut self, conversation: ConversationId, mover: Mover, to: Position) {
        self.cursors.wish(conversation, mover, to);
    }

    /// A page came, or did not.
    pub(super) fn page(
        &mut self,
        now: Ms,
        conversation: ConversationId,
        after: Position,
        page: Result<Entries, Unread>,
    ) {
        match page {
            Ok(page) => {
                let last = !page.more;
                let given = self.logs.page(now, conversation, after, page);
                self.give_entries(now, given);
                if last && self.logs.is_leaving(conversation) {
                    self.gone(conversation);
                }
            }
            Err(unread) if unread.retryable => self.logs.unread(now, conversation, &mut self.jitter),
            Err(_) if self.logs.is_leaving(conversation) => self.gone(conversation),
            Err(unread) => {
                self.logs.unreadable(conversation);
                self.give(Event::Unreadable { conversation, reason: unread.reason });
            }
        }
        self.settle(now, Some(conversation));
    }

    /// Time passed, or something was put in: what is due now.
    pub(super) fn tick(&mut self, now: Ms) {
        if self.session.is_live() {
            self.flush_cursors(now);
            self.pump_outbox(now);
            if self.resume.retry_due(now) {
                match self.resume.is_midway() {
                    true => self.go_on_with_sync(now),
                    false => self.begin_sync(now),
                }
            }
            if self.session.ping_due(now) {
                self.session.pinged(now);
                self.say(now, FromDevice::Ping {});
            }
            if self.session.renew_due(now) {
                self.effects.push_back(Effect::Renew);
            }
        }
        if self.session.is_dead(now) {
            self.effects.push_back(Effect::Dead);
        }
        self.fetch(now);
    }

    /// The shell does not read for a while, because the app does not: silence means nothing now.
    pub(super) fn not_listening(&mut self, now: Ms) {
        self.session.heard(now);
    }

    /// When to tick next, after a tick now.
    pub(super) fn deadline(&self, now: Ms) -> Ms {
        let mut at = now + IDLE_TICK_MS;
        let mut sooner =
            |other: Option<Ms>| at = other.filter(|other| *other > now).map_or(at, |other| at.min(other));
        sooner(self.session.deadline());
        sooner(self.logs.deadline());
        if self.session.is_live() {
            sooner(self.cursors.deadline());
            sooner(self.outbox.deadline());
            sooner(self.resume.deadline());
        }
        at
    }

    fn flush_cursors(&mut self, now: Ms) {
        for frame in self.cursors.flush(now, self.options.cursor_ms) {
            self.say(now, frame);
        }
    }

    fn pump_outbox(&mut self, now: Ms) {
        if !self.session.is_live() {
            return;
        }
        for send in self.outbox.pump(now, self.options.window, self.options.in_flight_max) {
            self.say(now, FromDevice::Send(send));
        }
    }

    fn fetch(&mut self, now: Ms) {
        while let Some((conversation, after)) =
            self.logs.fetch(now, self.resume.is_synced(), self.options.fetches_max)
        {
            self.effects.push_back(Effect::Fetch(conversation, after));
        }
    }

    /// After entries came or did not: what is complete now, and what has to be fetched.
    fn settle(&mut self, now: Ms, changed: Option<ConversationId>) {
        if let Some(conversation) = changed {
            let behind = self.logs.is_behind(conversation);
            if let Some(token) = self.resume.reached(conversation, behind) {
                self.effects.push_back(Effect::Save(Step::Token(token)));
            }
        }
        self.fetch(now);
    }

    fn save_place(&mut self, conversation: ConversationId, place: Place) {
        self.effects.push_back(Effect::Save(Step::Place(conversation, place)));
    }
}

/// A tick comes at least this often.
const IDLE_TICK_MS: Ms = 60_000;

#[cfg(test)]
mod tests;
