//! Line by line, for pipes, screen readers and whoever likes it: what happened and what was typed, one at a time.
//!
//! For people (both ends a terminal) it speaks in sentences; for pipes it prints one event a line, with tabs between its
//! fields: see [`show`]. Deliberately absent: what commands do (see `state` and `server`), and what is printed (`report`,
//! `events`).

mod commands;
mod events;
mod input;
mod out;
mod show;
mod ticks;

use std::time::Duration;

use anyhow::{Result, ensure};
use client::{Client, Events};
use domain::{ConversationId, Position, UserId};
use tokio::time::{Instant, timeout, timeout_at};

use super::Ended;
use super::command::{self, Command};
use super::escape;
use super::server::{Ask, Server};
use super::state::State;
use out::Out;
use ticks::Ticks;

/// Messages that wait to be stored: with more, lines are not read on. A pipe then waits, where the outbox would refuse.
const WAITING_MAX: usize = 8_000;

/// The chat of one person, as lines.
pub(super) struct Lines {
    state: State,
    server: Server,
    out: Out,
    ticks: Ticks,
    /// The oldest entry of the open conversation that was shown: what `/back` goes on from.
    shown_from: Option<Position>,
    /// A loss of connection was told; the tries after it are not.
    offline_told: bool,
    /// Messages that wait to be stored.
    waiting: usize,
    /// Lines that came to nothing, and messages that were refused.
    failed: usize,
    ended: Ended,
}

impl Lines {
    pub(super) fn new(state: State, client: Client, people: bool) -> Self {
        Self {
            state,
            server: Server(client),
            out: Out::new(people),
            ticks: Ticks::default(),
            shown_from: None,
            offline_told: false,
            waiting: 0,
            failed: 0,
            ended: Ended::Left,
        }
    }

    /// Chats until the input ends or the client stops.
    pub(super) async fn run(
        mut self,
        mut events: Events,
        open: Option<String>,
        linger: Duration,
    ) -> Result<Ended> {
        let mut lines = input::lines()?;
        self.waiting = self.server.0.waiting().await?;
        if let Some(name) = open {
            self.command(Command::Open(name)).await?;
        }
        let stopped = loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.event(event).await?,
                    None => break true,
                },
                line = lines.recv(), if self.waiting < WAITING_MAX => match line.map(|line| command::parse(&line)) {
                    None | Some(Command::Quit) => break false,
                    Some(command) => self.command(command).await?,
                },
            }
        };
        if !stopped {
            self.linger(&mut events, linger).await?;
        }
        self.server.0.close().await;
        // Whoever pipes lines in looks at how it ended, and not at each line.
        ensure!(
            self.out.people() || self.failed == 0,
            "{} came to nothing: see the lines `error`",
            self.failed
        );
        Ok(self.ended)
    }

    /// Stays until everything is sent.
    async fn linger(&mut self, events: &mut Events, most: Duration) -> Result<()> {
        let end = Instant::now() + most;
        loop {
            let waiting = self.server.0.waiting().await.unwrap_or(0);
            if waiting == 0 {
                return self.tell_the_rest(events).await;
            }
            match timeout_at(end, events.next()).await {
                Ok(Some(event)) => self.event(event).await?,
                Ok(None) => return Ok(()),
                Err(_) => return self.info(&format!("{waiting} messages wait and are sent the next time")),
            }
        }
    }

    /// Tells what has happened already.
    async fn tell_the_rest(&mut self, events: &mut Events) -> Result<()> {
        const QUIET: Duration = Duration::from_millis(100);
        while let Ok(Some(event)) = timeout(QUIET, events.next()).await {
            self.event(event).await?;
        }
        Ok(())
    }

    fn info(&self, words: &str) -> Result<()> {
        let line = if self.out.people() { format!("- {words}") } else { show::event("info", &[words]) };
        self.out.line(&line)
    }

    fn error(&self, words: &str) -> Result<()> {
        let words = &*escape::one_line(words);
        let line = if self.out.people() { format!("! {words}") } else { show::event("error", &[words]) };
        self.out.line(&line)
    }

    /// A handle, which is asked for if it is not known.
    async fn name(&mut self, user: UserId) -> String {
        if !self.state.names.is_known(user)
            && let Ok(answer) = self.server.ask(Ask::Name(user)).await
        {
            self.state.answer(&answer);
        }
        self.state.names.of(user)
    }

    /// What a conversation is called.
    async fn room_name(&mut self, id: ConversationId) -> String {
        if let Some(peer) = id.peer(self.state.me) {
            self.name(peer).await;
        }
        self.state.room_name(id)
    }
}
