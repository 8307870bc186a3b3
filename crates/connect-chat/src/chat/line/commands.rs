//! What is printed of each command. A refusal is told and the chat goes on.

use anyhow::Result;
use client::Error;
use client::http::Edge;
use client::protocol::http::Member;
use domain::{ClientId, ConversationId, ConversationKind, Entry, UserId};
use futures_util::stream::{self, StreamExt};
use std::sync::Arc;

use super::super::command::{Command, HELP};
use super::super::escape;
use super::super::server::{Answer, Ask};
use super::super::state::{NEWEST, Step, done};
use super::super::words;
use super::{Ended, Lines, show};

/// Entries shown when a conversation is opened, and by each `/back`.
const PAGE: usize = 20;

/// Names that are asked for at once.
const NAMES_AT_ONCE: usize = 8;

impl Lines {
    pub(super) async fn command(&mut self, command: Command) -> Result<()> {
        if command.opens() && !self.out.people() {
            // What follows is meant for what should have been opened, and for nobody else.
            self.state.open = None;
        }
        let mut step = self.state.command(command);
        // An answer may ask for one thing more: what was found is opened.
        while let Step::Ask(ask) = step {
            step = match self.server.ask(ask).await {
                Ok(answer) => {
                    let next = self.state.answer(&answer);
                    self.answered(answer)?;
                    next
                }
                Err(error) => return self.failed(&error),
            };
        }
        self.step(step).await
    }

    async fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Open(id) => self.open(id).await,
            Step::List => self.list().await,
            Step::Choose { among, why, .. } => {
                self.listed(among).await?;
                self.refuse(&why)
            }
            Step::Back(id) => self.back(id).await,
            Step::Members(id) => self.members(id).await,
            Step::Help => HELP.iter().try_for_each(|line| self.info(line)),
            Step::Refuse(why) => self.refuse(&why),
            Step::Ask(_) | Step::Quit | Step::Done => Ok(()),
        }
    }

    fn failed(&mut self, error: &Error) -> Result<()> {
        self.in_doubt |= words::is_of_tokens(error);
        self.refuse(&words::failure(error))
    }

    fn answered(&mut self, answer: Answer) -> Result<()> {
        match answer {
            Answer::Changed(_, change) => done(&change).map_or(Ok(()), |words| self.info(words)),
            Answer::Said { conversation, client_id, .. } => {
                self.waiting += 1;
                self.queued(conversation, client_id)
            }
            Answer::Password => self.info(words::ANOTHER_PASSWORD),
            Answer::Codes(codes) => codes.iter().try_for_each(|code| match self.out.people() {
                true => self.info(code),
                false => self.out.line(&show::event("code", &[code])),
            }),
            Answer::SignedOut => {
                self.ended = Ended::SignedOut;
                self.info("signed out")
            }
            _ => Ok(()),
        }
    }

    fn queued(&self, conversation: ConversationId, client_id: ClientId) -> Result<()> {
        match self.out.people() {
            true if !self.state.online => self.info("queued; it is sent when the connection is back"),
            true => Ok(()),
            false => {
                let fields = [&*conversation.to_string(), &*client_id.to_string()];
                self.out.line(&show::event("queued", &fields))
            }
        }
    }

    async fn open(&mut self, id: ConversationId) -> Result<()> {
        self.state.open = Some(id);
        self.shown_from = None;
        let name = self.room_name(id).await;
        match self.out.people() {
            true => {
                let whom = if id.kind() == ConversationKind::Group { "in the group" } else { "with" };
                self.info(&format!("you are {whom} {}", escape::one_line(&name)))?;
            }
            false => self.out.line(&show::event("opened", &[&id.to_string(), &name]))?,
        }
        let room = self.state.rooms.room(id);
        room.seen();
        if room.head.position > domain::Position::START {
            self.server.client.read(id, room.head.position);
        }
        if self.out.people() { self.back(id).await } else { Ok(()) }
    }

    async fn list(&mut self) -> Result<()> {
        let ids = match self.server.ask(Ask::List).await {
            Ok(answer) => {
                self.state.answer(&answer);
                let Answer::Listed(listed) = answer else { return Ok(()) };
                listed.iter().map(|view| view.id).collect()
            }
            Err(error) if error.retryable() => {
                self.show_what_was_known()?;
                self.state.rooms.all()
            }
            Err(error) => return self.failed(&error),
        };
        if ids.is_empty() {
            self.info("no conversations yet; /open NAME begins one")?;
        }
        self.listed(ids).await
    }

    /// Prints these conversations, which are then the ones that have numbers.
    async fn listed(&mut self, ids: Vec<ConversationId>) -> Result<()> {
        for (number, id) in ids.iter().enumerate() {
            let name = self.room_name(*id).await;
            let unread = self.state.rooms.room(*id).unread;
            let line = match self.out.people() {
                true => show::row(number + 1, &name, self.state.told_apart(*id).as_deref(), unread),
                false => show::event("conversation", &[&id.to_string(), &name, &unread.to_string()]),
            };
            self.out.line(&line)?;
        }
        self.state.listed = ids;
        Ok(())
    }

    /// Shows the page before what was shown; at first the newest.
    async fn back(&mut self, id: ConversationId) -> Result<()> {
        let edge = self.shown_from.map_or(NEWEST, Edge::Before);
        let entries = match self.page(id, edge).await {
            Ok(entries) => entries,
            Err(error) if error.retryable() => {
                self.show_what_was_known()?;
                self.known(id)
            }
            Err(error) => return self.failed(&error),
        };
        for entry in &entries {
            self.show(entry).await?;
        }
        match (entries.first(), entries.last()) {
            (Some(first), Some(last)) => {
                self.shown_from = Some(first.position);
                self.server.client.read(id, last.position);
                Ok(())
            }
            _ if self.shown_from.is_some() => self.info("there is nothing before that"),
            _ => Ok(()),
        }
    }

    async fn page(&self, conversation: ConversationId, edge: Edge) -> Result<Vec<Arc<Entry>>, Error> {
        match self.server.ask(Ask::Page { conversation, edge, limit: PAGE }).await? {
            Answer::Page { page, .. } => Ok(page.entries),
            _ => Ok(Vec::new()),
        }
    }

    /// What is remembered from before what was shown.
    fn known(&mut self, id: ConversationId) -> Vec<Arc<Entry>> {
        let before = self.shown_from.unwrap_or(domain::Position::END);
        let known = &self.state.rooms.room(id).newest;
        known.iter().filter(|entry| entry.position < before).cloned().collect()
    }

    /// The first page of them: of the largest groups nobody reads all.
    async fn members(&mut self, conversation: ConversationId) -> Result<()> {
        let (members, next) = match self.server.ask(Ask::Members { conversation, after: None }).await {
            Ok(Answer::Members { members, next, .. }) => (members, next),
            Ok(_) => return Ok(()),
            Err(error) => return self.failed(&error),
        };
        self.members_page(conversation, &members).await?;
        if next.is_some() { self.info("and more") } else { Ok(()) }
    }

    async fn members_page(&mut self, id: ConversationId, members: &[Member]) -> Result<()> {
        self.get_to_know(members.iter().map(|member| member.user).collect()).await;
        for member in members {
            let (name, role) = (self.name(member.user).await, words::role(member.role));
            let line = match self.out.people() {
                true => format!("     {}{}", name, if role == "admin" { "  (admin)" } else { "" }),
                false => show::event("member", &[&id.to_string(), &name, role]),
            };
            self.out.line(&line)?;
        }
        Ok(())
    }

    /// Asks for the names of these people, so that what is printed next can use them.
    pub(super) async fn get_to_know(&mut self, users: Vec<UserId>) {
        let unknown = users.into_iter().filter(|user| !self.state.names.is_known(*user));
        let server = &self.server;
        let asked =
            stream::iter(unknown).map(|user| server.ask(Ask::Name(user))).buffer_unordered(NAMES_AT_ONCE);
        // Who has no name now is called by their id.
        let answers: Vec<Answer> = asked.filter_map(async |answer| answer.ok()).collect().await;
        for answer in &answers {
            self.state.answer(answer);
        }
    }
}
