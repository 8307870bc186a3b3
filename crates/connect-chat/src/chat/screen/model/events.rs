//! What happened, as the client tells it.

use std::sync::Arc;

use client::Event;
use domain::{ConversationId, Entry};

use super::super::super::Ended;
use super::super::super::server::Ask;
use super::{Effect, Link, Model};

impl Model {
    /// Something happened.
    pub(in super::super) fn event(&mut self, event: &Event) {
        let seen = self.sees_the_end();
        self.state.event(event, seen);
        match event {
            Event::Connected { .. } => self.connected(),
            Event::Disconnected { retry_in_ms, .. } => {
                self.link = Link::Lost { until_ms: self.now_ms.saturating_add(*retry_in_ms) };
            }
            Event::Stopped { reason, sign_in } => {
                self.stopped = Some(reason.clone());
                let ended = if *sign_in { Ended::SignIn } else { Ended::Stopped };
                self.effects.push(Effect::Leave(ended));
            }
            Event::Entry(entry) => self.entry(entry, seen),
            Event::Conversation(_) => self.see(),
            Event::Gone(id) => self.gone(*id),
            Event::Rejected { conversation, rejection, .. } => {
                self.rejected(*conversation, &rejection.message)
            }
            Event::Unreadable { reason, .. } => self.warn(format!("some messages cannot be read: {reason}")),
            Event::Refused(error) => self.warn(error.error.message.to_string()),
            Event::Synced | Event::Sent(_) | Event::Cursor(_) => {}
        }
    }

    fn connected(&mut self) {
        self.link = Link::Connected;
        self.asked.clear();
        if !self.listed {
            self.effects.push(Effect::Ask(Ask::List));
        }
        let Some(window) = self.window.as_mut().filter(|window| window.failed) else { return };
        window.failed = false;
        if window.entries().len() == 0 {
            self.effects.extend(window.ask_newest().map(Effect::Ask));
        }
        self.fill();
    }

    fn entry(&mut self, entry: &Arc<Entry>, seen: bool) {
        let Some(window) = self.window.as_mut().filter(|window| window.conversation == entry.conversation)
        else {
            return;
        };
        window.entry(entry, seen);
        if seen {
            self.see();
        } else if entry.kind.is_message() && entry.sender != self.state.me {
            self.fresh += 1;
        }
        if entry.kind.is_membership() {
            self.refresh(entry.conversation);
        }
    }

    /// The open group is not what it was: how many are in it, and who.
    fn refresh(&mut self, id: ConversationId) {
        let members = self.members.is_some().then_some(Ask::Members { conversation: id, after: None });
        for ask in [Some(Ask::Conversation(id)), members].into_iter().flatten() {
            if !self.effects.contains(&Effect::Ask(ask.clone())) {
                self.effects.push(Effect::Ask(ask));
            }
        }
    }

    fn gone(&mut self, id: ConversationId) {
        if self.window.as_ref().is_some_and(|window| window.conversation == id) {
            self.close();
        }
    }

    fn rejected(&mut self, id: ConversationId, why: &str) {
        let open = self.window.as_ref().is_some_and(|window| window.conversation == id);
        if !open {
            let name = self.state.room_name(id);
            self.warn(format!("what you said to {name} was not sent: {why}"));
        }
    }
}
