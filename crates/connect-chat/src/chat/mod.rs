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
mod clock;
mod command;
mod escape;
mod inheritance;
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
use client::{Client, Clock, Endpoint, Events, Options, Parts};

use account::SignedIn;
use line::Lines;
use names::Book;
use screen::Screen;
use server::Server;
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
    /// Set a new password by a recovery code, which is asked for, or is in `CONNECT_CHAT_RECOVERY_CODE`.
    #[arg(long, conflicts_with = "sign_up")]
    recover: bool,
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
    /// The person signed this device out.
    SignedOut,
    /// This device has to sign in anew.
    SignIn,
    /// The client stopped for another reason.
    Stopped,
}

/// What a chat begins with.
struct Opening {
    /// What the person should know first.
    greeting: Option<String>,
    /// What is sent for a device that is signed out.
    inherited: Option<String>,
    /// What is opened at once: a name.
    conversation: Option<String>,
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
    let inherited = inheritance::inherit(&signed_in)
        .context("what waited before this device was signed in cannot be taken over")?;
    let (client, events) = start(http, clock, &signed_in).await?;
    let SignedIn { tokens, folder, .. } = &signed_in;
    let state = State::new(tokens.user, tokens.handle.clone(), client.outbox().await?);
    // The outbox is locked: what is in this folder is this process's alone.
    let server = Server::new(client, Book::open(&folder.join("names")));
    let opening = Opening {
        greeting: signed_in.greeting(),
        inherited: inheritance::told(inherited),
        conversation: args.open,
    };
    let ended = if people && !args.line {
        Screen::run(state, server, events, opening).await?
    } else {
        let linger = Duration::from_secs(args.linger_secs);
        Lines::new(state, server, tokens.device, people).run(events, opening, linger).await?
    };
    match ended {
        Ended::Left => Ok(()),
        Ended::Stopped => anyhow::bail!("the chat could not go on"),
        Ended::SignedOut => Ok(std::fs::remove_file(&signed_in.file)?),
        Ended::SignIn => {
            signed_in.forget()?;
            anyhow::bail!("this device is signed out: start again to sign in; what waits is sent then")
        }
    }
}

/// The client of who is signed in.
async fn start(http: Http, clock: Arc<Clock>, signed_in: &SignedIn) -> anyhow::Result<(Client, Events)> {
    let SignedIn { tokens, folder, .. } = signed_in;
    let tokens = Refreshing::new(http.clone(), tokens.clone(), Arc::clone(&clock), signed_in.keeper());
    let started = Client::start(Parts {
        http,
        tokens: Arc::new(tokens),
        outbox: Box::new(FileOutbox::new(&signed_in.outbox())),
        state: Box::new(FileState::new(&folder.join("state"))),
        clock,
        options: Options::default(),
    });
    started.await.map_err(|error| signed_in.not_started(error))
}

fn endpoint(args: &Args) -> anyhow::Result<Endpoint> {
    let Some(path) = &args.ca else { return Ok(Endpoint::new(&args.url)?) };
    let pem = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Endpoint::with_root_certificate(&args.url, &pem)?)
}
