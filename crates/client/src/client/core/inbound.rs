//! Each frame from the server, and what it does.

use std::sync::Arc;

use domain::{ConversationId, Entry, Kind, Position};
use protocol::frame::{Changes, CursorMoved, Error, FromServer, Sent, Welcome};
use protocol::view::Conversation;

use super::receive::{Given, Told};
use super::{Core, Effect, Ms};
use crate::client::event::Event;
use crate::storage::{Queued, Step};

impl Core {
    /// A frame came.
    pub(in crate::client) fn frame(&mut self, now: Ms, frame: FromServer) {
        self.session.heard(now);
        match frame {
            FromServer::Welcome(welcome) => self.welcome(now, *welcome),
            FromServer::Sent(sent) => self.sent(now, sent),
            FromServer::Entry { entry } => self.entry(now, entry),
            FromServer::Cursor(moved) => self.cursor(moved),
            FromServer::Changes(changes) => self.changes(now, changes),
            FromServer::Lagged {} => self.lagged(now),
            FromServer::Error(error) => self.error(now, error),
            FromServer::Goodbye(goodbye) => self.session.goodbye(goodbye),
            FromServer::Pong {} => {}
        }
    }

    fn welcome(&mut self, now: Ms, welcome: Welcome) {
        self.effects.push_back(Effect::Time(welcome.time));
        self.session.welcome(&welcome);
        self.session.token_expires(now, now + welcome.token_expires.since_ms(welcome.time));
        self.me = Some((welcome.user, welcome.device));
        self.give(Event::Connected {
            user: welcome.user,
            device: welcome.device,
            limits: Arc::new(welcome.limits),
        });
        self.pump_outbox(now);
        self.flush_cursors(now);
    }

    fn sent(&mut self, now: Ms, sent: Sent) {
        let (conversation, position) = (sent.conversation, sent.position);
        let queued = self.outbox.done(sent.client_id);
        let told = match (&queued, self.me) {
            (Some(queued), Some(_)) => self.own(&sent, queued),
            _ => Told::Something,
        };
        if let Some(queued) = queued {
            self.effects.push_back(Effect::Forget(queued.client_id));
            self.give(Event::Sent(sent));
        }
        self.told(now, conversation, position, told);
        self.pump_outbox(now);
    }

    /// The entry that a message of this device became.
    fn own(&self, sent: &Sent, queued: &Queued) -> Told {
        let Some((sender, device)) = self.me else { return Told::Something };
        Told::Own(Box::new(Entry {
            conversation: sent.conversation,
            position: sent.position,
            kind: Kind::Message,
            sender,
            device,
            client_id: sent.client_id,
            time: sent.time,
            ordinal: sent.ordinal,
            roster: Position::START,
            was: None,
            body: Some(queued.body.clone()),
        }))
    }

    fn entry(&mut self, now: Ms, entry: Arc<Entry>) {
        let (conversation, position) = (entry.conversation, entry.position);
        self.told(now, conversation, position, Told::Entry(entry));
    }

    fn told(&mut self, now: Ms, conversation: ConversationId, position: Position, what: Told) {
        self.resume.heard_of(conversation);
        // A conversation that came up after everything was synced begins here.
        let new = self.resume.is_synced() && !self.logs.is_known(conversation);
        let mut given = self.logs.told(conversation, position, what);
        if new {
            given.extend(self.logs.synced());
        }
        self.give_entries(now, given);
        self.settle(now, Some(conversation));
    }

    fn cursor(&mut self, moved: CursorMoved) {
        if self.me.is_some_and(|(user, _)| user == moved.user) {
            self.cursors.confirmed(moved.conversation, moved.cursor);
        }
        self.give(Event::Cursor(moved));
    }

    fn changes(&mut self, now: Ms, changes: Changes) {
        let whole = self.resume.changes(changes.token, changes.more, changes.reset);
        for conversation in changes.conversations {
            self.named(now, conversation, whole);
        }
        if changes.more {
            self.go_on_with_sync(now);
        } else {
            self.synced(now);
        }
        if let Some(token) = self.resume.complete() {
            self.effects.push_back(Effect::Save(Step::Token(token)));
        }
        self.fetch(now);
    }

    fn named(&mut self, now: Ms, mut view: Conversation, whole: bool) {
        let (id, head, first) = (view.id, view.head, view.first);
        let entries = std::mem::take(&mut view.entries);
        self.cursors.confirmed(id, view.cursor);
        self.give(Event::Conversation(Box::new(view)));
        let (given, begun) = self.logs.named(id, head, first, entries, whole);
        if let (Some(place), true) = (begun, given.is_empty()) {
            self.save_place(id, place);
        }
        self.give_entries(now, given);
        self.resume.named(id, self.logs.is_behind(id));
    }

    fn synced(&mut self, now: Ms) {
        let (gone, again) = self.resume.ended();
        for conversation in gone {
            self.logs.leave(conversation);
            self.resume.named(conversation, true);
        }
        let given = self.logs.synced();
        self.give_entries(now, given);
        self.give(Event::Synced);
        if again {
            self.lagged(now);
        }
    }

    /// A conversation left the list, and the app has all that the person may see of it.
    pub(super) fn gone(&mut self, conversation: ConversationId) {
        self.logs.forget(conversation);
        self.cursors.forget(conversation);
        self.effects.push_back(Effect::Save(Step::Gone(conversation)));
        self.give(Event::Gone(conversation));
    }

    /// Something was not sent to this session: what changed is asked for, and what is not acked is sent again.
    fn lagged(&mut self, now: Ms) {
        self.outbox.unsent();
        self.pump_outbox(now);
        if self.resume.lagged() {
            self.begin_sync(now);
        }
    }

    fn error(&mut self, now: Ms, error: Error) {
        if let Some(client_id) = error.client_id {
            if let Some(queued) = self.outbox.refused(now, client_id, &error.error, &mut self.jitter) {
                // It is taken out of the stored outbox once the app has taken this event: else a crash would lose its text.
                self.give(Event::Rejected {
                    conversation: queued.conversation,
                    client_id,
                    body: queued.body,
                    rejection: error.error,
                });
            }
            self.pump_outbox(now);
        } else if error.frame.as_deref() == Some("sync") {
            self.resume.refused(now, error.error.retry_after_ms);
        } else if error.frame.as_deref() == Some("renew") {
            // A refusal for good would meet the next token, too: the session goes on until the server ends it.
            if error.error.code.retryable() {
                self.not_renewed(now);
            }
        } else if let Some(conversation) = refused_move(&error).filter(|_| error.error.code.retryable()) {
            self.cursors.refused_for_now(now, conversation, error.error.retry_after_ms);
        } else {
            if let Some(conversation) = refused_move(&error) {
                self.cursors.refused(conversation);
            }
            self.give(Event::Refused(error));
        }
    }

    /// Gives entries to the app. One of this device's own shows that it is stored, if `sent` was lost.
    pub(super) fn give_entries(&mut self, now: Ms, given: Given) {
        for entry in given {
            let own = self.me == Some((entry.sender, entry.device));
            if own && self.outbox.done(entry.client_id).is_some() {
                self.effects.push_back(Effect::Forget(entry.client_id));
                self.give(Event::Sent(Sent {
                    conversation: entry.conversation,
                    client_id: entry.client_id,
                    position: entry.position,
                    ordinal: entry.ordinal,
                    time: entry.time,
                }));
                self.pump_outbox(now);
            }
            self.give(Event::Entry(entry));
        }
    }
}

/// Where a cursor move was refused.
fn refused_move(error: &Error) -> Option<ConversationId> {
    error.conversation.filter(|_| matches!(error.frame.as_deref(), Some("read" | "delivered")))
}
