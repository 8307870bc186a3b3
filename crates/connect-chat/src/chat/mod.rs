//! `connect-chat chat`: a chat in the terminal, as a screen or line by line.
//!
//! ```text
//! what was typed ──command──▶ state ──asks──▶ server
//!                  events ──▶ state ◀─answers──┘
//!                               └──▶ screen/ (people at a terminal), or line/ (pipes, screen readers)
//! ```
//!
//! What is known (`state`, `rooms`, `names`), what commands there are (`command`) and what they do (`server`) is one for both;
//! a mode only shows. Deliberately absent: a store of messages (what is older is read from the server).

mod account;
mod command;
mod escape;
mod line;
mod names;
mod outgoing;
mod rooms;
#[cfg(test)]
mod samples;
mod screen;
mod server;
mod state;
mod words;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use client::http::Http;
use client::storage::{FileOutbox, FileState};
use client::tokens::Refreshing;
use client::{Client, Clock, Endpoint, Options, Parts};

use line::Lines;
use screen::Screen;
use state::State;

/// Chat in the terminal.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the server is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A certificate, in PEM, that may vouch for the server beside those that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Who you are.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A file with the password in its first line; for pipes.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Make the account if there is none; for pipes.
    #[arg(long)]
    sign_up: bool,
    /// The folder that keeps who is signed in, and what waits to be sent.
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Open this conversation at once: a name or a group.
    #[arg(long, value_name = "NAME")]
    open: Option<String>,
    /// Line by line, as for pipes, rather than as a screen.
    #[arg(long)]
    line: bool,
    /// Line by line: after the end of the input, stay until everything is sent, at most this long.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    linger_secs: u64,
}

/// Why a chat is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The person left, or the input ended.
    Left,
    /// This device has to sign in anew.
    SignIn,
    /// The client stopped for another reason.
    Stopped,
}

/// Chats until the person leaves or the input ends.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let people = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let http = Http::at(endpoint(&args)?);
    let clock = Arc::new(Clock::new());
    let home = account::Home::new(args.state.clone(), &http)?;
    let signed_in = account::sign_in(&args, &http, &home, people).await?;
    if signed_in.fresh {
        clock.told(signed_in.tokens.time);
    }
    let folder = signed_in.folder.clone();
    let (handle, me) = (signed_in.tokens.handle.clone(), signed_in.tokens.user);
    let (keep, file) = (signed_in.keeper(), signed_in.file.clone());
    let tokens = Refreshing::new(http.clone(), signed_in.tokens, Arc::clone(&clock), keep);
    let (client, events) = Client::start(Parts {
        http,
        tokens: Arc::new(tokens),
        outbox: Box::new(FileOutbox::new(&folder.join("outbox"))),
        state: Box::new(FileState::new(&folder.join("state"))),
        clock,
        options: Options::default(),
    })
    .await?;
    let state = State::new(me, handle, client.outbox().await?);
    let ended = if people && !args.line {
        Screen::run(state, client, events, args.open).await?
    } else {
        let linger = Duration::from_secs(args.linger_secs);
        Lines::new(state, client, people).run(events, args.open, linger).await?
    };
    match ended {
        Ended::Left => Ok(()),
        Ended::Stopped => anyhow::bail!("the chat could not go on"),
        Ended::SignIn => {
            std::fs::remove_file(&file)?;
            anyhow::bail!("this device is signed out: start again to sign in")
        }
    }
}

fn endpoint(args: &Args) -> anyhow::Result<Endpoint> {
    let Some(path) = &args.ca else { return Ok(Endpoint::new(&args.url)?) };
    let pem = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Endpoint::with_root_certificate(&args.url, &pem)?)
}
