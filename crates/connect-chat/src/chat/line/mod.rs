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
use client::Events;
use domain::{ConversationId, DeviceId, Position, UserId};
use jiff::tz::TimeZone;
use tokio::time::{Instant, timeout, timeout_at};

use super::command::{self, Command};
use super::escape;
use super::server::{Ask, Server};
use super::state::State;
use super::words::waits;
use super::{Ended, Opening};
use crate::count::count;
use input::Line;
use out::Out;
use ticks::Ticks;

/// Messages that wait to be stored: with more, lines are not read on. A pipe then waits, where the outbox would refuse.
const WAITING_MAX: usize = 8_000;

/// The chat of one person, as lines.
pub(super) struct Lines {
    state: State,
    server: Server,
    /// This device: what it says was seen when it was typed.
    device: DeviceId,
    zone: TimeZone,
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
    /// An ask was refused for its token: whether this device is signed out is found out by the client.
    in_doubt: bool,
    /// Messages that still waited at the end.
    unsent: usize,
    ended: Ended,
}

impl Lines {
    pub(super) fn new(state: State, server: Server, device: DeviceId, people: bool) -> Self {
        Self {
            state,
            server,
            device,
            zone: TimeZone::system(),
            out: Out::new(people),
            ticks: Ticks::default(),
            shown_from: None,
            offline_told: false,
            waiting: 0,
            failed: 0,
            in_doubt: false,
            unsent: 0,
            ended: Ended::Left,
        }
    }

    /// Chats until the input ends or the client stops.
    pub(super) async fn run(
        mut self,
        mut events: Events,
        opening: Opening,
        linger: Duration,
    ) -> Result<Ended> {
        let mut lines = input::lines()?;
        self.waiting = self.server.client.waiting().await?;
        if let Some(greeting) = opening.greeting.filter(|_| self.out.people()) {
            self.info(&greeting)?;
        }
        if let Some(inherited) = opening.inherited {
            self.info(&inherited)?;
        }
        if let Some(name) = opening.conversation {
            self.command(Command::Open(name)).await?;
        }
        let stopped = loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.event(event).await?,
                    None => break true,
                },
                line = lines.recv(), if self.waiting < WAITING_MAX => match line.map(read) {
                    None | Some(Ok(Command::Quit)) => break false,
                    Some(Ok(command)) => self.command(command).await?,
                    Some(Err(unread)) => self.refuse(&unread)?,
                },
            }
            if self.ended == Ended::SignedOut {
                break true;
            }
        };
        if !stopped {
            self.linger(&mut events, linger).await?;
        }
        let judged = self.judge();
        self.server.client.close().await;
        judged.map(|()| self.ended)
    }

    /// Whoever pipes lines in looks at how it ended, and not at each line. An end that was not theirs is told by itself.
    fn judge(&self) -> Result<()> {
        if self.out.people() || self.ended != Ended::Left {
            return Ok(());
        }
        let failed = count(self.failed, "line", "lines");
        ensure!(self.failed == 0, "{failed} came to nothing: see `error` and `rejected` in the output");
        ensure!(self.unsent == 0, "{}", waits(self.unsent));
        Ok(())
    }

    /// Stays until everything is sent, and whether this device is signed in is no question.
    async fn linger(&mut self, events: &mut Events, most: Duration) -> Result<()> {
        let end = Instant::now() + most;
        loop {
            self.unsent = self.server.client.waiting().await.unwrap_or(0);
            if self.unsent == 0 && !self.in_doubt {
                return self.tell_the_rest(events).await;
            }
            match timeout_at(end, events.next()).await {
                Ok(Some(event)) => self.event(event).await?,
                Ok(None) => return Ok(()),
                Err(_) if self.unsent == 0 => return Ok(()),
                Err(_) => return self.info(&waits(self.unsent)),
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

    /// Tells an error that counts.
    fn refuse(&mut self, words: &str) -> Result<()> {
        self.failed += 1;
        self.error(words)
    }

    /// The server cannot be asked, and what is known is shown: for a pipe that is not what was asked for.
    fn show_what_was_known(&mut self) -> Result<()> {
        let words = "no connection; this is what was known";
        if self.out.people() { self.info(words) } else { self.refuse(words) }
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

/// What a line asks for, or why it could not be read.
fn read(line: Line) -> Result<Command, String> {
    line.map(|line| command::parse(&line)).map_err(|unread| unread.to_string())
}
