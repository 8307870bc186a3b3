//! Two people chat: each signs up, one writes, the other answers.
//!
//! `cargo run -p connect-chat-client --example hello -- http://127.0.0.1:8080`
#![expect(clippy::print_stdout, reason = "an example that talks")]

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use connect_chat_client::domain::{Content, ConversationId, Entry};
use connect_chat_client::http::Http;
use connect_chat_client::protocol::http::{Credentials, Tokens};
use connect_chat_client::storage::{MemoryOutbox, MemoryState};
use connect_chat_client::tokens::Refreshing;
use connect_chat_client::{Client, Clock, Event, Events, Options, Parts};

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).context("usage: hello http://HOST:PORT")?;
    let http = Http::new(&url)?;
    let (ada, mut ada_hears) = person(&http, "ada").await?;
    let (bob, mut bob_hears) = person(&http, "bob").await?;

    let bob_id = bob.http().me().await?.id;
    let conversation = ada.http().direct(bob_id).await?.id;
    ada.send(conversation, "hello, bob \u{1F44B}").await?;
    println!("bob hears: {}", next_text(&mut bob_hears, conversation, 1).await?);
    bob.send(conversation, "hello, ada").await?;
    println!("ada hears: {}", next_text(&mut ada_hears, conversation, 2).await?);

    ada.close().await;
    bob.close().await;
    Ok(())
}

/// Signs somebody up, under a handle that nobody has, and starts their client.
async fn person(http: &Http, name: &str) -> Result<(Client, Events)> {
    let clock = Arc::new(Clock::new());
    let handle = format!("{name}-{:08x}", rand::random::<u32>());
    let password = format!("{:032x}", rand::random::<u128>());
    let credentials = Credentials { handle, password, device_name: Some("example".into()) };
    let tokens: Tokens = http.sign_up(&credentials).await?;
    clock.told(tokens.time);
    let tokens = Refreshing::new(http.clone(), tokens, Arc::clone(&clock), Box::new(|_| Ok(())));
    let parts = Parts {
        http: http.clone(),
        tokens: Arc::new(tokens),
        outbox: Box::new(MemoryOutbox::default()),
        state: Box::new(MemoryState::default()),
        clock,
        options: Options::default(),
    };
    Ok(Client::start(parts).await?)
}

/// Waits for the `nth` message of a conversation.
async fn next_text(events: &mut Events, conversation: ConversationId, nth: u64) -> Result<String> {
    while let Some(event) = events.next().await {
        match event {
            Event::Entry(entry) if entry.conversation == conversation && entry.ordinal == nth => {
                return text(&entry);
            }
            Event::Rejected { rejection, .. } => bail!("a message was refused: {rejection}"),
            Event::Stopped { reason, .. } => bail!("the client stopped: {reason}"),
            _ => {}
        }
    }
    bail!("the client was closed")
}

fn text(entry: &Entry) -> Result<String> {
    let body = entry.body.as_ref().context("the message was erased")?;
    match Content::parse(&entry.kind, body.as_str())? {
        Content::Message(message) => Ok(message.text),
        other => bail!("not a message: {other:?}"),
    }
}
