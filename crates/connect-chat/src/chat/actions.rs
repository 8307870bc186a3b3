//! What each command does. A refusal is told and the chat goes on.

use anyhow::Result;
use client::Error;
use client::http::Edge;
use domain::{ConversationId, Position, Role, UserId};

use super::app::App;
use super::command::{Command, HELP};
use super::show;

/// Entries shown when a conversation is opened, and by each `/back`.
const PAGE: usize = 20;

/// Pages of the list that are read at most.
const LIST_PAGES_MAX: usize = 20;

impl App {
    pub(super) async fn command(&mut self, command: Command) -> Result<()> {
        match self.execute(command).await {
            Err(error) => match error.downcast_ref::<Error>() {
                Some(Error::Unreachable(_)) => self.error("the server cannot be reached now"),
                Some(Error::Rejected(rejection)) => self.error(&rejection.message),
                Some(error) => self.error(&error.to_string()),
                None => Err(error),
            },
            done => done,
        }
    }

    async fn execute(&mut self, command: Command) -> Result<()> {
        match command {
            Command::List => self.list().await,
            Command::Open(name) => self.open(&name).await,
            Command::Back => self.back().await,
            Command::Group { name, users } => self.group(&name, &users).await,
            Command::Add(users) => self.change_members(&users, true).await,
            Command::Remove(users) => self.change_members(&users, false).await,
            Command::Leave => self.leave().await,
            Command::Members => self.members().await,
            Command::Rename(name) => self.rename(&name).await,
            Command::Help => HELP.iter().try_for_each(|line| self.info(line)),
            Command::Say(text) => self.say(&text).await,
            Command::Wrong(words) => self.error(&words),
            Command::Nothing | Command::Quit => Ok(()),
        }
    }

    async fn list(&mut self) -> Result<()> {
        let ids = match self.ask_list().await {
            Ok(ids) => ids,
            Err(error) if error.retryable() => {
                self.info("no connection; this is what was known")?;
                self.rooms.all()
            }
            Err(error) => return Err(error.into()),
        };
        if ids.is_empty() {
            self.info("no conversations yet; /open NAME begins one")?;
        }
        for (number, id) in ids.iter().enumerate() {
            let name = self.room_name(*id).await;
            let unread = self.rooms.get(*id).unread;
            let line = match self.out.people() {
                true => show::row(number + 1, &name, unread),
                false => show::event("conversation", &[&id.to_string(), &name, &unread.to_string()]),
            };
            self.out.line(&line)?;
        }
        self.listed = ids;
        Ok(())
    }

    async fn ask_list(&mut self) -> Result<Vec<ConversationId>, Error> {
        let mut ids = Vec::new();
        let mut next = None;
        for _ in 0..LIST_PAGES_MAX {
            let page = self.client.http().conversations(next.as_deref()).await?;
            for view in &page.conversations {
                self.rooms.shown(view);
                ids.push(view.id);
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(ids)
    }

    /// By number of the last list, by the name of a group, or by the name of a person.
    async fn open(&mut self, name: &str) -> Result<()> {
        let listed = name.parse().ok().and_then(|n: usize| self.listed.get(n.wrapping_sub(1)).copied());
        let id = match listed.or_else(|| name.parse().ok()).or_else(|| self.rooms.named(name)) {
            Some(id) => id,
            None => match self.person(name).await? {
                Some(user) => ConversationId::direct(self.me, user),
                None => match self.listed_as(name).await? {
                    Some(id) => id,
                    None => return self.error(&format!("nobody and no group is called {name}")),
                },
            },
        };
        self.open = Some(id);
        let name = self.room_name(id).await;
        match self.out.people() {
            true => self.info(&format!("you are with {}", super::escape::one_line(&name)))?,
            false => self.out.line(&show::event("opened", &[&id.to_string(), &name]))?,
        }
        let room = self.rooms.get(id);
        (room.shown_from, room.unread) = (None, 0);
        if room.head > Position::START {
            self.client.read(id, room.head);
        }
        if self.out.people() { self.back().await } else { Ok(()) }
    }

    async fn listed_as(&mut self, name: &str) -> Result<Option<ConversationId>, Error> {
        self.ask_list().await?;
        Ok(self.rooms.named(name))
    }

    /// A person by handle; offline only those whose name is not needed.
    async fn person(&mut self, name: &str) -> Result<Option<UserId>, Error> {
        match self.client.http().by_handle(&name.to_lowercase()).await {
            Ok(user) => {
                self.names.knows(user.id, &user.handle);
                Ok(Some(user.id))
            }
            Err(error) if error.is(domain::Code::NotFound) || error.is(domain::Code::BadRequest) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Shows the page before what was shown; at first the newest.
    async fn back(&mut self) -> Result<()> {
        let Some(id) = self.opened()? else { return Ok(()) };
        let before = self
            .rooms
            .get(id)
            .shown_from
            .unwrap_or(Position { seq: domain::position::SEQ_MAX, ..Position::END });
        let entries = match self.client.http().entries(id, Edge::Before(before), Some(PAGE)).await {
            Ok(page) => page.entries,
            Err(error) if error.is(domain::Code::NotFound) => Vec::new(),
            Err(error) if error.retryable() => {
                self.info("no connection; this is what was known")?;
                let known = &self.rooms.get(id).newest;
                known.iter().filter(|entry| entry.position < before).cloned().collect()
            }
            Err(error) => return Err(error.into()),
        };
        for entry in &entries {
            self.show(entry).await?;
        }
        match (entries.first(), entries.last()) {
            (Some(first), Some(last)) => {
                self.rooms.get(id).shown_from = Some(first.position);
                self.client.read(id, last.position);
                Ok(())
            }
            _ if self.rooms.get(id).shown_from.is_some() => self.info("there is nothing before that"),
            _ => Ok(()),
        }
    }

    fn opened(&self) -> Result<Option<ConversationId>> {
        if self.open.is_none() {
            self.error("no conversation is open; /open NAME opens one")?;
        }
        Ok(self.open)
    }

    async fn say(&mut self, text: &str) -> Result<()> {
        let Some(id) = self.opened()? else { return Ok(()) };
        let client_id = self.client.send(id, text).await?;
        match self.out.people() {
            true if !self.online => self.info("queued; it is sent when the connection is back"),
            true => Ok(()),
            false => self.out.line(&show::event("queued", &[&id.to_string(), &client_id.to_string()])),
        }
    }

    async fn people(&mut self, names: &[String]) -> Result<Vec<UserId>, Error> {
        let mut users = Vec::new();
        for name in names {
            match self.person(name).await? {
                Some(user) => users.push(user),
                None => {
                    let words = format!("nobody is called {name}");
                    return Err(domain::Rejection::new(domain::Code::NotFound, words).into());
                }
            }
        }
        Ok(users)
    }

    async fn group(&mut self, name: &str, users: &[String]) -> Result<()> {
        let users = self.people(users).await?;
        let group = self.client.http().group(name, &users, false, self.client.client_id()).await?;
        self.rooms.shown(&group);
        self.open = Some(group.id);
        match self.out.people() {
            true => self.info(&format!("you are with {}", super::escape::one_line(name))),
            false => self.out.line(&show::event("opened", &[&group.id.to_string(), name])),
        }
    }

    async fn change_members(&mut self, names: &[String], add: bool) -> Result<()> {
        let Some(id) = self.opened()? else { return Ok(()) };
        let users = self.people(names).await?;
        let (http, key) = (self.client.http(), self.client.client_id());
        match add {
            true => http.add(id, &users, key).await?,
            false => http.remove(id, &users, key).await?,
        };
        Ok(())
    }

    async fn leave(&mut self) -> Result<()> {
        let Some(id) = self.opened()? else { return Ok(()) };
        self.client.http().leave(id, self.client.client_id()).await?;
        self.open = None;
        self.info("you left")
    }

    async fn rename(&mut self, name: &str) -> Result<()> {
        let Some(id) = self.opened()? else { return Ok(()) };
        self.client.http().rename(id, name, self.client.client_id()).await?;
        Ok(())
    }

    async fn members(&mut self) -> Result<()> {
        let Some(id) = self.opened()? else { return Ok(()) };
        let mut after = None;
        loop {
            let page = self.client.http().members(id, after).await?;
            for member in &page.members {
                let name = self.name_of(member.user).await;
                let role = if member.role == Role::Admin { "admin" } else { "member" };
                let line = match self.out.people() {
                    true => format!("     {}{}", name, if role == "admin" { "  (admin)" } else { "" }),
                    false => show::event("member", &[&id.to_string(), &name, role]),
                };
                self.out.line(&line)?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
