//! The full screen, for people at a terminal.
//!
//! ```text
//! keys, events, answers ──▶ model ──▶ effects: asks, cursors, the end
//!                             └─────▶ view ──▶ cells
//! ```
//!
//! [`model`] and [`view`] are pure; this is the shell around them, which owns the terminal and waits. Deliberately absent:
//! what commands do (see `state` and `server`), a mouse (a terminal's own selection is worth more), and a store of messages.

mod farewell;
mod help;
mod layout;
mod model;
mod repaint;
mod terminal;
mod text;
mod theme;
mod transcript;
mod view;

use std::time::Duration;

use anyhow::Result;
use client::{Error, Event, Events};
use crossterm::event::EventStream;
use futures_util::{FutureExt, StreamExt};
use jiff::tz::TimeZone;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::command::Command;
use super::server::{Answer, Ask, Server};
use super::state::State;
use super::{Ended, Opening};
use crate::signals::Signals;
use farewell::Farewell;
use model::{Effect, Link, Model};
use terminal::Terminal;

/// Asks that are under way at once; the next one waits.
const ASKS_MAX: usize = 64;
/// Events that are taken before the screen is drawn again.
const EVENTS_MAX: usize = 256;
/// What was said last may still be under way when the person leaves.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The chat of one person, as a screen.
pub(super) struct Screen {
    model: Model,
    server: Server,
    asks: JoinSet<(Ask, Result<Answer, Error>)>,
    start: Instant,
}

impl Screen {
    /// Chats until the person leaves or the client stops.
    pub(super) async fn run(
        state: State,
        server: Server,
        mut events: Events,
        opening: Opening,
    ) -> Result<Ended> {
        let mut terminal = Terminal::take_over()?;
        let model = Model::new(state, TimeZone::system(), terminal.size()?);
        let mut screen = Self { model, server, asks: JoinSet::new(), start: Instant::now() };
        if let Some(words) = opening.inherited.as_ref().or(opening.greeting.as_ref()) {
            screen.model.say(words);
        }
        if let Some(name) = opening.conversation {
            screen.model.command(Command::Open(name));
        }
        let ended = screen.chat(&mut terminal, &mut events).await;
        drop(terminal);
        screen.leave(events).await?;
        ended
    }

    async fn chat(&mut self, terminal: &mut Terminal, events: &mut Events) -> Result<Ended> {
        let mut input = EventStream::new();
        let mut signals = Signals::listen()?;
        loop {
            if let Some(ended) = self.perform(terminal).await? {
                return Ok(ended);
            }
            terminal.draw(|frame| view::draw(frame, &self.model))?;
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.events(event, events),
                    None => return Ok(Ended::Stopped),
                },
                typed = input.next() => match typed {
                    Some(typed) => self.model.input(typed?),
                    None => return Ok(Ended::Left),
                },
                Some(answered) = self.asks.join_next() => self.answered(answered.ok()),
                () = signals.next() => return Ok(Ended::Left),
                () = sleep(Duration::from_secs(1)), if matches!(self.model.link, Link::Lost { .. }) => {}
            }
            self.model.tick(self.now_ms());
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// What happened, and what else has happened already: a burst is drawn once.
    fn events(&mut self, first: Event, events: &mut Events) {
        self.model.tick(self.now_ms());
        self.model.event(&first);
        for _ in 1..EVENTS_MAX {
            let Some(Some(event)) = events.next().now_or_never() else { return };
            self.model.event(&event);
        }
    }

    /// Does what the model wants, until it wants nothing more or the chat is over.
    async fn perform(&mut self, terminal: &mut Terminal) -> Result<Option<Ended>> {
        loop {
            let effects = self.model.effects();
            if effects.is_empty() {
                return Ok(None);
            }
            for effect in effects {
                match effect {
                    // In order, and in the outbox before anything else is done: nothing that was said is lost.
                    Effect::Ask(ask @ Ask::Say { .. }) => {
                        let result = self.server.ask(ask.clone()).await;
                        self.model.answered(ask, result);
                    }
                    Effect::Ask(ask) => self.ask(ask).await,
                    Effect::Read(id, position) => self.server.client.read(id, position),
                    Effect::Redraw => terminal.clear()?,
                    Effect::Leave(ended) => return Ok(Some(ended)),
                }
            }
        }
    }

    async fn ask(&mut self, ask: Ask) {
        if self.asks.len() >= ASKS_MAX {
            let answered = self.asks.join_next().await;
            self.answered(answered.and_then(std::result::Result::ok));
        }
        let server = self.server.clone();
        // Its failure is an answer; it ends with the screen.
        self.asks.spawn(async move {
            let result = server.ask(ask.clone()).await;
            (ask, result)
        });
    }

    fn answered(&mut self, answered: Option<(Ask, Result<Answer, Error>)>) {
        // A task that panicked was printed.
        if let Some((ask, result)) = answered {
            self.model.answered(ask, result);
        }
    }

    /// Lets what was said last be sent, and tells what was not.
    async fn leave(mut self, mut events: Events) -> Result<()> {
        if self.model.link == Link::Connected {
            // If it takes longer, it is sent the next time.
            drop(timeout(LAST_WORDS, self.last_words(&mut events)).await);
        }
        let waiting = self.server.client.waiting().await.unwrap_or(0);
        self.server.client.close().await;
        Farewell::of(&self.model, waiting).print()
    }

    async fn last_words(&mut self, events: &mut Events) {
        while self.server.client.waiting().await.is_ok_and(|waiting| waiting > 0)
            && let Some(event) = events.next().await
        {
            self.model.event(&event);
        }
    }
}
