//! What is printed of what happens.

use std::sync::Arc;

use anyhow::Result;
use client::Event;
use client::protocol::frame::{CursorMoved, Sent};
use domain::{ClientId, ConversationId, Entry, Rejection};

use super::super::clock::clock;
use super::super::escape;
use super::super::rooms::Tick;
use super::super::words;
use super::{Ended, Lines, show};

impl Lines {
    pub(super) async fn event(&mut self, event: Event) -> Result<()> {
        self.state.event(&event, true);
        match event {
            Event::Connected { .. } => {
                self.in_doubt = false;
                self.connected()
            }
            Event::Disconnected { retry_in_ms, reason } => self.disconnected(retry_in_ms, &reason),
            Event::Stopped { reason, sign_in } => {
                self.ended = if sign_in { Ended::SignIn } else { Ended::Stopped };
                self.stopped(&reason)
            }
            Event::Entry(entry) => self.entry(entry).await,
            Event::Sent(sent) => {
                self.waiting = self.waiting.saturating_sub(1);
                self.sent(&sent)
            }
            Event::Rejected { conversation, client_id, body, rejection } => {
                (self.waiting, self.failed) = (self.waiting.saturating_sub(1), self.failed + 1);
                self.rejected(conversation, client_id, &words::said(&body), &rejection).await
            }
            Event::Cursor(moved) if moved.user != self.state.me => self.cursor(&moved).await,
            Event::Unreadable { reason, .. } => {
                self.error(&format!("some messages cannot be read: {reason}"))
            }
            Event::Refused(error) => self.error(&error.error.message),
            Event::Cursor(_) | Event::Synced | Event::Conversation(_) | Event::Gone(_) => Ok(()),
        }
    }

    fn connected(&mut self) -> Result<()> {
        let back = std::mem::take(&mut self.offline_told);
        match self.out.people() {
            true if back => self.info("connected again"),
            true => self.info(&format!("connected as {}; /help says what there is", self.state.handle)),
            false => self.out.line(&show::event("connected", &[&self.state.handle])),
        }
    }

    fn disconnected(&mut self, retry_in_ms: u64, reason: &str) -> Result<()> {
        let told = std::mem::replace(&mut self.offline_told, true);
        match self.out.people() {
            true if told => Ok(()),
            true => self.info(&format!(
                "no connection ({}); trying again, what you say is kept",
                escape::one_line(reason)
            )),
            false => self.out.line(&show::event("offline", &[&retry_in_ms.to_string(), reason])),
        }
    }

    fn stopped(&self, reason: &str) -> Result<()> {
        match self.out.people() {
            true => self.error(&format!("stopped: {reason}")),
            false => self.out.line(&show::event("stopped", &[reason])),
        }
    }

    fn sent(&self, sent: &Sent) -> Result<()> {
        match self.out.people() {
            true if self.state.open == Some(sent.conversation) => {
                self.out.line(&show::tick(Tick::Stored, &self.state.handle))
            }
            true => Ok(()),
            false => {
                let (id, at) = (sent.client_id.to_string(), sent.position.to_string());
                self.out.line(&show::event("sent", &[&sent.conversation.to_string(), &id, &at]))
            }
        }
    }

    async fn rejected(
        &mut self,
        room: ConversationId,
        id: ClientId,
        text: &str,
        rejection: &Rejection,
    ) -> Result<()> {
        if self.out.people() {
            let name = self.room_name(room).await;
            let there = if self.state.open == Some(room) { "" } else { "there " };
            return self.error(&show::not_sent(&name, text, &rejection.message, there));
        }
        let (room, id) = (room.to_string(), id.to_string());
        let fields = [&*room, &*id, rejection.code.as_str(), &*rejection.message];
        self.out.line(&show::event("rejected", &fields))
    }

    async fn cursor(&mut self, moved: &CursorMoved) -> Result<()> {
        let Some(tick) = self.ticks.moved(moved) else { return Ok(()) };
        let who = self.name(moved.user).await;
        match self.out.people() {
            true if self.state.open == Some(moved.conversation) => self.out.line(&show::tick(tick, &who)),
            true => Ok(()),
            false => {
                let at = moved.cursor.delivered.position.to_string();
                let fields = [&*moved.conversation.to_string(), &*who, &*at];
                self.out.line(&show::event(show::tick_name(tick), &fields))
            }
        }
    }

    async fn entry(&mut self, entry: Arc<Entry>) -> Result<()> {
        if self.state.open == Some(entry.conversation) {
            self.server.client.read(entry.conversation, entry.position);
        }
        let own_words = entry.sender == self.state.me && entry.kind.is_message();
        if own_words {
            self.ticks.own(&entry);
        }
        // A person sees what they typed already, on this device.
        let typed = own_words && entry.device == self.device;
        if typed && self.out.people() { Ok(()) } else { self.show(&entry).await }
    }

    fn clock(&self, entry: &Entry) -> String {
        clock(entry.time, &self.zone)
    }

    /// Prints an entry.
    pub(super) async fn show(&mut self, entry: &Entry) -> Result<()> {
        self.get_to_know(words::people(entry)).await;
        let sender = self.name(entry.sender).await;
        let room = self.room_name(entry.conversation).await;
        let aside = (self.state.open != Some(entry.conversation)).then_some(&*room);
        let (id, at, time) =
            (entry.conversation.to_string(), entry.position.to_string(), entry.time.to_string());
        let line = match (words::text(entry), self.out.people()) {
            (Some(text), true) => show::message(&self.clock(entry), aside, &sender, &text),
            (Some(text), false) => show::event("message", &[&id, &room, &at, &time, &sender, &text]),
            (None, true) => {
                let words = words::happening(entry, &self.state.names);
                show::happening(&self.clock(entry), aside, &sender, &words)
            }
            (None, false) => {
                let words = words::happening(entry, &self.state.names);
                show::event("event", &[&id, &room, &at, &time, &sender, entry.kind.as_str(), &words])
            }
        };
        self.out.line(&line)
    }
}
