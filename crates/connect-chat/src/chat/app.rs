//! The loop: what happened and what was typed, one at a time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use client::{Client, Event, Events};
use domain::{Content, ConversationId, Entry, UserId};
use tokio::time::{Instant, timeout, timeout_at};

use super::command::{self, Command};
use super::input;
use super::names::Names;
use super::out::Out;
use super::rooms::{Rooms, content, text};
use super::show;

/// The chat of one person.
pub(super) struct App {
    pub(super) client: Client,
    pub(super) me: UserId,
    pub(super) handle: String,
    pub(super) out: Out,
    pub(super) names: Names,
    pub(super) rooms: Rooms,
    pub(super) open: Option<ConversationId>,
    /// The last list, for `/open NUMBER`.
    pub(super) listed: Vec<ConversationId>,
    pub(super) online: bool,
    /// A loss of connection was told; the tries after it are not.
    offline_told: bool,
    ended: Ended,
}

/// Why a chat is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The input ended.
    Left,
    /// This device has to sign in anew.
    SignIn,
    /// The client stopped for another reason.
    Stopped,
}

impl App {
    pub(super) fn new(client: Client, me: UserId, handle: String, out: Out) -> Self {
        let mut names = Names::default();
        names.knows(me, &handle);
        Self {
            client,
            me,
            handle,
            out,
            names,
            rooms: Rooms::default(),
            open: None,
            listed: Vec::new(),
            online: false,
            offline_told: false,
            ended: Ended::Left,
        }
    }

    /// Chats until the input ends or the client stops.
    pub(super) async fn run(
        mut self,
        mut events: Events,
        open: Option<String>,
        linger_secs: u64,
    ) -> Result<Ended> {
        let mut lines = input::lines()?;
        if let Some(name) = open {
            self.command(Command::Open(name)).await?;
        }
        let stopped = loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.event(event).await?,
                    None => break true,
                },
                line = lines.recv() => match line.map(|line| command::parse(&line)) {
                    None | Some(Command::Quit) => break false,
                    Some(command) => self.command(command).await?,
                },
            }
        };
        if !stopped {
            self.linger(&mut events, Duration::from_secs(linger_secs)).await?;
        }
        self.client.close().await;
        Ok(self.ended)
    }

    /// Stays until everything is sent.
    async fn linger(&mut self, events: &mut Events, most: Duration) -> Result<()> {
        let end = Instant::now() + most;
        loop {
            let waiting = self.client.waiting().await.unwrap_or(0);
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

    pub(super) fn info(&self, words: &str) -> Result<()> {
        let line = if self.out.people() { format!("- {words}") } else { show::event("info", &[words]) };
        self.out.line(&line)
    }

    pub(super) fn error(&self, words: &str) -> Result<()> {
        let words = &*super::escape::one_line(words);
        let line = if self.out.people() { format!("! {words}") } else { show::event("error", &[words]) };
        self.out.line(&line)
    }

    async fn event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Connected { .. } => self.connected(),
            Event::Disconnected { retry_in_ms, reason } => self.disconnected(retry_in_ms, &reason),
            Event::Stopped { reason, sign_in } => {
                self.ended = if sign_in { Ended::SignIn } else { Ended::Stopped };
                self.stopped(&reason)
            }
            Event::Conversation(view) => {
                self.rooms.shown(&view);
                Ok(())
            }
            Event::Gone(id) => {
                self.rooms.remove(id);
                Ok(())
            }
            Event::Entry(entry) => self.entry(entry).await,
            Event::Sent(sent) => {
                let (id, at) = (sent.client_id.to_string(), sent.position.to_string());
                match self.out.people() {
                    true if self.open == Some(sent.conversation) => self.out.line("      \u{2713} sent"),
                    true => Ok(()),
                    false => self.out.line(&show::event("sent", &[&sent.conversation.to_string(), &id, &at])),
                }
            }
            Event::Rejected { conversation, client_id, rejection, .. } => match self.out.people() {
                true => self.error(&format!("not sent: {}", rejection.message)),
                false => {
                    let (room, id) = (conversation.to_string(), client_id.to_string());
                    let fields = [&*room, &*id, rejection.code.as_str(), &*rejection.message];
                    self.out.line(&show::event("rejected", &fields))
                }
            },
            Event::Cursor(moved) if moved.user != self.me => {
                let Some(tick) = self.rooms.ticked(&moved) else { return Ok(()) };
                let who = self.name_of(moved.user).await;
                let at = moved.cursor.delivered.position.to_string();
                match self.out.people() {
                    true if self.open == Some(moved.conversation) => self.out.line(&show::tick(tick, &who)),
                    true => Ok(()),
                    false => {
                        let fields = [&*moved.conversation.to_string(), &*who, &*at];
                        self.out.line(&show::event(show::tick_name(tick), &fields))
                    }
                }
            }
            Event::Unreadable { reason, .. } => {
                self.error(&format!("some messages cannot be read: {reason}"))
            }
            Event::Refused(error) => self.error(&error.error.message),
            Event::Cursor(_) | Event::Synced => Ok(()),
        }
    }

    fn connected(&mut self) -> Result<()> {
        self.online = true;
        let back = std::mem::take(&mut self.offline_told);
        match self.out.people() {
            true if back => self.info("connected again"),
            true => self.info(&format!("connected as {}; /help says what there is", self.handle)),
            false => self.out.line(&show::event("connected", &[&self.handle])),
        }
    }

    fn disconnected(&mut self, retry_in_ms: u64, reason: &str) -> Result<()> {
        self.online = false;
        let told = std::mem::replace(&mut self.offline_told, true);
        match self.out.people() {
            true if told => Ok(()),
            true => self.info(&format!(
                "no connection ({}); trying again, what you say is kept",
                super::escape::one_line(reason)
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

    async fn entry(&mut self, entry: Arc<Entry>) -> Result<()> {
        let open = self.open == Some(entry.conversation);
        self.rooms.entry(&entry, self.me, open);
        if open {
            self.client.read(entry.conversation, entry.position);
        }
        // A person sees what they typed already.
        let own_words = entry.sender == self.me && entry.kind.is_message();
        if own_words && self.out.people() { Ok(()) } else { self.show(&entry).await }
    }

    /// Prints an entry.
    pub(super) async fn show(&mut self, entry: &Entry) -> Result<()> {
        let sender = self.name_of(entry.sender).await;
        let room = self.room_name(entry.conversation).await;
        let aside = (self.open != Some(entry.conversation)).then_some(&*room);
        let (id, at, time) =
            (entry.conversation.to_string(), entry.position.to_string(), entry.time.to_string());
        let line = match (text(entry), self.out.people()) {
            (Some(text), true) => show::message(entry, aside, &sender, &text),
            (Some(text), false) => show::event("message", &[&id, &room, &at, &time, &sender, &text]),
            (None, people) => {
                let words = self.words(entry).await;
                if people {
                    show::happening(entry, aside, &sender, &words)
                } else {
                    let kind = entry.kind.as_str();
                    show::event("event", &[&id, &room, &at, &time, &sender, kind, &words])
                }
            }
        };
        self.out.line(&line)
    }

    /// What happened, in words.
    async fn words(&mut self, entry: &Entry) -> String {
        match content(entry) {
            Some(Content::Created(content)) => format!("made the group {}", content.name),
            Some(Content::Joined(content)) => format!("added {}", self.names_of(&content.users).await),
            Some(Content::Removed(content)) => format!("removed {}", self.names_of(&content.users).await),
            Some(Content::Left(_)) => "left".to_owned(),
            Some(Content::Renamed(content)) => format!("renamed the group to {}", content.name),
            Some(Content::Role(content)) => {
                format!("made {} {:?}", self.name_of(content.user).await, content.role).to_lowercase()
            }
            Some(Content::History(content)) if content.visible => {
                "shows newcomers what came before".to_owned()
            }
            Some(Content::History(_)) => "hides from newcomers what came before".to_owned(),
            Some(Content::Message(_)) | None => format!("did something of kind {}", entry.kind),
        }
    }

    async fn names_of(&mut self, users: &[UserId]) -> String {
        const NAMED_MAX: usize = 10;
        let mut names = Vec::new();
        for user in users.iter().take(NAMED_MAX) {
            names.push(self.name_of(*user).await);
        }
        if users.len() > NAMED_MAX {
            names.push(format!("and {} more", users.len() - NAMED_MAX));
        }
        names.join(", ")
    }

    pub(super) async fn name_of(&mut self, user: UserId) -> String {
        self.names.of(self.client.http(), user).await
    }

    /// What a conversation is called: a group's name, or the other person's.
    pub(super) async fn room_name(&mut self, id: ConversationId) -> String {
        if let Some(name) = &self.rooms.get(id).name {
            return name.clone();
        }
        match id.peer(self.me) {
            Some(peer) => self.name_of(peer).await,
            None => id.to_string().chars().take(8).collect(),
        }
    }
}
