//! The task that does for the core what the core cannot: connect, read, write, fetch, store, wait and tell the app.
//!
//! Deliberately absent: decisions. Those are the core's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use domain::{Body, Code, ConversationId, Position};
use protocol::http::Entries;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::core::{Core, Effect, Ended, Ms, Next, Unread};
use super::event::Event;
use super::events::{Item, Wishes};
use super::link::{Link, News, Up};
use super::options::Options;
use super::store::{Reply, Store, Stored};
use crate::clock::Clock;
use crate::error::Error;
use crate::http::{Edge, Http};
use crate::storage::Queued;
use crate::tokens::{Access, TokenSource};

/// What the app asks for.
pub(super) enum Command {
    Send { conversation: ConversationId, body: Body, text_bytes: usize, reply: Reply },
    Waiting(oneshot::Sender<usize>),
    Outbox(oneshot::Sender<Vec<Queued>>),
    Close,
}

type Page = (ConversationId, Position, Result<Entries, Error>);

/// Everything that the task holds.
pub(super) struct Shell {
    pub(super) core: Core,
    pub(super) options: Options,
    pub(super) clock: Arc<Clock>,
    pub(super) http: Http,
    pub(super) tokens: Arc<dyn TokenSource>,
    pub(super) link: Link,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) items: mpsc::Sender<Item>,
    pub(super) pending: VecDeque<Item>,
    pub(super) wishes: Arc<Wishes>,
    pub(super) store: Store,
    /// Messages handed to the store and not back yet.
    pub(super) storing: usize,
    pub(super) pages: JoinSet<Page>,
    pub(super) renewing: Option<JoinHandle<Result<Access, Error>>>,
    pub(super) text_bytes_max: usize,
    pub(super) stopped: bool,
}

impl Shell {
    fn now(&self) -> Ms {
        self.clock.monotonic_ms()
    }

    /// Runs until the app closes it or the server says stop.
    pub(super) async fn run(mut self) {
        while self.step().await {}
        self.pages.abort_all();
        self.commands.close();
        if let Link::Up(up) = std::mem::replace(&mut self.link, idle()) {
            up.close().await;
        }
        self.forget_told();
        self.store.close().await;
    }

    /// Waits for one thing and does it; `false` at the end.
    async fn step(&mut self) -> bool {
        let now = self.now();
        self.core.tick(now);
        self.perform();
        if self.stopped && self.pending.is_empty() {
            return false;
        }
        let room = self.pending.len() < self.options.events_max;
        if !room {
            self.core.not_listening(now);
        }
        let idle_ms = self.core.deadline(now).saturating_sub(now);
        tokio::select! {
            open = has_room(&self.items), if !self.pending.is_empty() => {
                self.hand_over();
                return open;
            }
            news = self.link.news(), if room && !self.stopped => self.news(news),
            command = self.commands.recv() => return self.command(command),
            Some(stored) = self.store.stored.recv() => self.stored(stored),
            Some(page) = self.pages.join_next(), if room => self.page(page.ok()),
            access = renewed(&mut self.renewing) => self.renewed(access),
            () = self.wishes.made() => self.wished(),
            () = sleep(Duration::from_millis(idle_ms)) => {}
        }
        true
    }

    /// Gives the app what it has room for.
    fn hand_over(&mut self) {
        while !self.pending.is_empty()
            && let Ok(permit) = self.items.try_reserve()
            && let Some(item) = self.pending.pop_front()
        {
            permit.send(item);
        }
    }

    fn perform(&mut self) {
        while let Some(effect) = self.core.next_effect() {
            match effect {
                Effect::Frame(frame) => {
                    if !self.link.say(frame) {
                        self.down(Ended::Broken("writing is stuck".to_owned()));
                    }
                }
                Effect::Fetch(conversation, after) => self.fetch(conversation, after),
                Effect::Give(event) => self.give(event),
                Effect::Save(step) => self.pending.push_back(Item::Save(step)),
                Effect::Forget(client_id) => self.store.remove(client_id),
                Effect::Time(time) => self.clock.told(time),
                Effect::Renew => self.renew(),
                Effect::Dead => self.down(Ended::Broken("nothing was heard for too long".to_owned())),
            }
        }
    }

    fn give(&mut self, event: Event) {
        if let Event::Connected { limits, .. } = &event {
            self.text_bytes_max = limits.text_bytes_max;
        }
        self.pending.push_back(Item::Event(event));
    }

    fn news(&mut self, news: News) {
        let now = self.now();
        match news {
            News::Due => {
                let Link::Waiting { stale, .. } = &mut self.link else { return };
                let stale = stale.take();
                self.link = Link::connect(self.http.endpoint(), &self.tokens, stale);
            }
            News::Opened(opened) => {
                let (access, connection) = *opened;
                self.core.opened(now, &access.token);
                self.core.token_expires(now, self.clock.monotonic_at(access.expires));
                self.link = Link::Up(Up::new(access, connection));
            }
            News::NotOpened(error) if error.retryable() => self.down(match error {
                Error::Rejected(rejection) => Ended::Refused(rejection),
                error => Ended::Broken(error.to_string()),
            }),
            News::NotOpened(error) => self.stop(error.to_string(), asks_to_sign_in(&error)),
            News::Frame(frame) => self.core.frame(now, *frame),
            News::Ended(ended) => self.down(ended),
        }
    }

    fn down(&mut self, ended: Ended) {
        let now = self.now();
        let used = match std::mem::replace(&mut self.link, idle()) {
            Link::Up(ref up) => Some(up.access.token.clone()),
            _ => None,
        };
        let (after_ms, stale, reason) = match self.core.closed(now, ended) {
            Next::Reconnect { after_ms, reason } => (after_ms, None, reason),
            Next::NewToken { after_ms, reason } => (after_ms, used, reason),
            Next::Stop { reason, sign_in } => return self.stop(reason, sign_in),
        };
        self.give(Event::Disconnected { retry_in_ms: after_ms, reason });
        let until = Instant::now() + Duration::from_millis(after_ms);
        self.link = Link::Waiting { until, stale };
    }

    fn stop(&mut self, reason: String, sign_in: bool) {
        self.link = idle();
        self.stopped = true;
        self.give(Event::Stopped { reason, sign_in });
    }

    fn fetch(&mut self, conversation: ConversationId, after: Position) {
        let http = self.http.clone();
        self.pages.spawn(async move {
            (conversation, after, http.entries(conversation, Edge::After(after), None).await)
        });
    }

    fn page(&mut self, page: Option<Page>) {
        // A task that panicked was printed; its conversation is asked for again at the next connection.
        let Some((conversation, after, page)) = page else { return };
        let unread = |error: Error| Unread { retryable: error.retryable(), reason: error.to_string() };
        self.core.page(self.now(), conversation, after, page.map_err(unread));
    }

    fn command(&mut self, command: Option<Command>) -> bool {
        match command {
            Some(Command::Send { conversation, body, text_bytes, reply }) => {
                self.send(conversation, body, text_bytes, reply);
            }
            Some(Command::Waiting(reply)) => drop(reply.send(self.core.queued() + self.storing)),
            Some(Command::Outbox(reply)) => drop(reply.send(self.core.outbox())),
            Some(Command::Close) | None => return false,
        }
        true
    }

    fn send(&mut self, conversation: ConversationId, body: Body, text_bytes: usize, reply: Reply) {
        let waiting = self.core.queued() + self.storing;
        if text_bytes > self.text_bytes_max {
            let error = Error::TextTooLarge { bytes: text_bytes, max: self.text_bytes_max };
            drop(reply.send(Err(error)));
        } else if waiting >= self.options.outbox_max {
            drop(reply.send(Err(Error::OutboxFull(waiting))));
        } else {
            let queued = Queued { conversation, client_id: self.clock.client_id(), body };
            self.storing += usize::from(self.store.append(queued, reply, waiting));
        }
    }

    fn stored(&mut self, stored: Stored) {
        self.storing -= 1;
        if let Some(queued) = stored.tell() {
            self.core.queue(self.now(), queued);
        }
    }

    fn wished(&mut self) {
        for (conversation, mover, to) in self.wishes.take() {
            self.core.moved(conversation, mover, to);
        }
        self.forget_told();
    }

    /// Takes the refused messages out of the stored outbox that the app was told of.
    fn forget_told(&self) {
        for client_id in self.wishes.told() {
            self.store.remove(client_id);
        }
    }

    fn renew(&mut self) {
        let Link::Up(up) = &self.link else { return };
        let (tokens, stale) = (Arc::clone(&self.tokens), up.access.token.clone());
        self.renewing = Some(tokio::spawn(async move { tokens.access(Some(&stale)).await }));
    }

    fn renewed(&mut self, access: Result<Access, Error>) {
        self.renewing = None;
        let (now, Link::Up(up)) = (self.clock.monotonic_ms(), &mut self.link) else { return };
        match access {
            Ok(access) => {
                self.core.renewed(now, &access.token, self.clock.monotonic_at(access.expires));
                up.access = access;
            }
            Err(error) if error.retryable() => self.core.not_renewed(now),
            // No other token can be had: the session goes on until the server ends it.
            Err(_) => {}
        }
    }
}

/// No token can be had any more, for a reason that a new sign-in mends.
fn asks_to_sign_in(error: &Error) -> bool {
    [Code::Unauthenticated, Code::TokenExpired, Code::InvalidCredentials]
        .into_iter()
        .any(|code| error.is(code))
}

/// A link that waits for ever, or until it is replaced.
fn idle() -> Link {
    Link::Waiting { until: Instant::now() + Duration::from_secs(86_400), stale: None }
}

/// Waits until the app has room for an event; `false` if the app is gone.
async fn has_room(items: &mpsc::Sender<Item>) -> bool {
    items.reserve().await.is_ok()
}

async fn renewed(renewing: &mut Option<JoinHandle<Result<Access, Error>>>) -> Result<Access, Error> {
    match renewing {
        Some(task) => task.await.unwrap_or_else(|error| Err(Error::Unreachable(error.to_string()))),
        None => std::future::pending().await,
    }
}
