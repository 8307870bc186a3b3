//! The Rust SDK of Connect Chat: send and be sure, receive once and in order, be offline and come back.
//!
//! Three layers, each usable without those above it:
//!
//! - [`http`]: typed calls of `/v1/…`, one request each.
//! - [`wire`]: one raw WebSocket connection, frames in and out, no healing.
//! - [`client`]: what an app wants. [`Client::send`] puts a message in a durable outbox and is done; it is sent when that
//!   is possible, under the same identity for ever, in order. [`Events`] tells of every entry of every conversation,
//!   once, in order and without a hole, whatever the network does; it also tells of cursors, acks and refusals.
//!
//! ```no_run
//! # async fn example() -> Result<(), connect_chat_client::Error> {
//! use std::sync::Arc;
//! use connect_chat_client::http::Http;
//! use connect_chat_client::protocol::http::Credentials;
//! use connect_chat_client::storage::{MemoryOutbox, MemoryState};
//! use connect_chat_client::tokens::Refreshing;
//! use connect_chat_client::{Client, Clock, Event, Options, Parts};
//!
//! let http = Http::new("http://127.0.0.1:8080")?;
//! let credentials =
//!     Credentials { handle: "ada".into(), password: "a long password".into(), device_name: None };
//! let signed_up = http.sign_up(&credentials).await?;
//! let clock = Arc::new(Clock::new());
//! // An app keeps the tokens, the outbox and the state in files or a database of its own.
//! let tokens = Refreshing::new(http.clone(), signed_up, Arc::clone(&clock), Box::new(|_| Ok(())));
//! let (client, mut events) = Client::start(Parts {
//!     http,
//!     tokens: Arc::new(tokens),
//!     outbox: Box::new(MemoryOutbox::default()),
//!     state: Box::new(MemoryState::default()),
//!     clock,
//!     options: Options::default(),
//! })
//! .await?;
//! let bob = client.http().by_handle("bob").await?;
//! let conversation = client.http().direct(bob.id).await?;
//! client.send(conversation.id, "hello, bob").await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Entry(entry) = event {
//!         client.read(entry.conversation, entry.position);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What an app should know:
//!
//! - **TLS** is spoken to an `https://` address, and the system's roots are believed; [`Endpoint::with_root_certificate`] adds
//!   one, for a server whose certificate vouches for itself.
//! - **Events have to be read**: the client reads no more from the network than the app takes from it.
//! - **Taken means asked for the next one**: only then is it saved that the app has an entry, and only then a message that was
//!   refused leaves the outbox.
//! - **One device, one outbox, one state**: after signing in anew, start with empty ones; [`storage::take_over`] brings along
//!   what still waits.
//! - **Retries have no end** but the server's: it refuses a message that is older than 30 days.
//!
//! Deliberately absent: edits, reactions, typing and presence (which the server does not serve yet), and a store of
//! messages: the app has its own.

pub mod backoff;
pub mod client;
mod clock;
mod endpoint;
mod error;
pub mod http;
pub mod storage;
pub mod tokens;
pub mod wire;

pub use client::{Client, Event, Events, History, Options, Parts};
pub use clock::Clock;
pub use endpoint::Endpoint;
pub use error::Error;

/// The ideas: ids, positions, entries, cursors.
pub use domain;
/// The types on the wire.
pub use protocol;
