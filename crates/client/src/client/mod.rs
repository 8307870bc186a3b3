//! The client for apps: send and be sure, receive once and in order, be offline and come back.
//!
//! [`Client`] is a cheap handle, [`Events`] the stream of what happens; behind them one task owns the connection. The
//! rules are in `core`, which is pure; `shell` does the IO.

mod core;
mod event;
mod events;
mod link;
mod options;
mod shell;
mod store;

pub use event::Event;
pub use events::Events;
pub use options::{History, Options};

use std::collections::VecDeque;
use std::sync::Arc;

use domain::{ClientId, Content, ConversationId, Limits, Position};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use self::core::{Core, Mover};
use crate::clock::Clock;
use crate::error::Error;
use crate::http::Http;
use crate::storage::{Outbox, Queued, State};
use crate::tokens::TokenSource;
use link::Link;
use shell::{Command, Shell};
use store::Store;

/// Commands that wait for the task.
const COMMANDS_MAX: usize = 64;

/// What a client is made of.
pub struct Parts {
    /// The server.
    pub http: Http,
    /// Where access tokens come from.
    pub tokens: Arc<dyn TokenSource>,
    /// The messages that wait to be sent.
    pub outbox: Box<dyn Outbox>,
    /// Where this device stands.
    pub state: Box<dyn State>,
    /// Server time, shared with whoever else makes client ids.
    pub clock: Arc<Clock>,
    /// Settings.
    pub options: Options,
}

/// A client that is signed in. It connects, and connects again, by itself.
#[derive(Clone)]
pub struct Client {
    http: Http,
    clock: Arc<Clock>,
    commands: mpsc::Sender<Command>,
    wishes: Arc<events::Wishes>,
    task: Arc<tokio::sync::Mutex<Option<JoinHandle<()>>>>,
}

impl Client {
    /// Starts a client. What waits in the outbox is sent as soon as there is a connection. Fails only if the outbox or
    /// the state cannot be read.
    pub async fn start(parts: Parts) -> Result<(Self, Events), Error> {
        let Parts { http, tokens, mut outbox, mut state, clock, options } = parts;
        let loaded = tokio::task::spawn_blocking(move || {
            let (queued, saved) = (outbox.load()?, state.load()?);
            Ok::<_, std::io::Error>((outbox, state, queued, saved))
        });
        let (outbox, state, queued, saved) =
            loaded.await.map_err(|error| Error::Storage(std::io::Error::other(error)))??;
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let (items, given) = mpsc::channel(options.events_max.max(1));
        let wishes = Arc::new(events::Wishes::default());
        let http = http.with_tokens(Arc::clone(&tokens));
        let events = Events {
            items: given,
            state,
            wishes: Arc::clone(&wishes),
            delivered: options.delivered,
            taking: None,
            me: None,
            failed: false,
        };
        let shell = Shell {
            core: Core::new(options.clone(), saved, queued, rand::random()),
            clock: Arc::clone(&clock),
            http: http.clone(),
            tokens,
            link: Link::Waiting { until: Instant::now(), stale: None },
            commands: received,
            items,
            pending: VecDeque::new(),
            wishes: Arc::clone(&wishes),
            store: Store::start(outbox, options.outbox_max)?,
            storing: 0,
            pages: JoinSet::new(),
            renewing: None,
            text_bytes_max: Limits::default().text_bytes_max,
            stopped: false,
            options,
        };
        // It ends when the app closes it or drops its handles, or when the server says stop; a panic in it closes the
        // channels, which the app sees.
        let task = tokio::spawn(shell.run());
        let task = Arc::new(tokio::sync::Mutex::new(Some(task)));
        Ok((Self { http, clock, commands, wishes, task }, events))
    }

    /// Sends a text. Once this returns, it is in the outbox for good and will be sent when that is possible, also by a
    /// later process; [`Event::Sent`] or [`Event::Rejected`] tells its end.
    pub async fn send(&self, conversation: ConversationId, text: &str) -> Result<ClientId, Error> {
        let (reply, answer) = oneshot::channel();
        let body = Content::message(text).to_body();
        let command = Command::Send { conversation, body, text_bytes: text.len(), reply };
        self.commands.send(command).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// This person has read up to here. Gathered, and said to the server within about a second.
    pub fn read(&self, conversation: ConversationId, position: Position) {
        self.wishes.wish(conversation, Mover::Read, position);
    }

    /// How many messages wait to be stored by the server.
    pub async fn waiting(&self) -> Result<usize, Error> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Waiting(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)
    }

    /// The messages that wait to be stored by the server, oldest first in each conversation: also those of an earlier
    /// process.
    pub async fn outbox(&self) -> Result<Vec<Queued>, Error> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Outbox(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)
    }

    /// The HTTP calls of the signed-in person.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// A new client id on server time, for HTTP calls that change something.
    pub fn client_id(&self) -> ClientId {
        self.clock.client_id()
    }

    /// Ends the client: what was said is written, the outbox keeps what was not stored. Waits until all of it is done.
    pub async fn close(self) {
        // If it has ended already, there is nothing to close.
        drop(self.commands.send(Command::Close).await);
        if let Some(task) = self.task.lock().await.take() {
            drop(task.await);
        }
    }
}
