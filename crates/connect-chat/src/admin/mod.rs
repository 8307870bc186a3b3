//! `connect-chat admin`: what an operator does with a server. It asks the running server; `verify` also opens the store of
//! a stopped one.

mod call;
mod out;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Subcommand;
use domain::{ConversationId, Entry, Position};
use protocol::http::{Tokens, User};
use serde_json::{Value, json};

use call::Caller;
use out::say;

/// Look after a server.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the server's admin listener is.
    #[arg(long, global = true, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    admin: SocketAddr,
    /// The server's data folder, in which its admin token is.
    #[arg(long, global = true, value_name = "FOLDER", default_value = "data")]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Mint an access token for a user, for tests and benchmarks.
    Token {
        /// The user's handle.
        user: String,
        /// Make the user if there is none.
        #[arg(long)]
        create: bool,
        /// Print everything that a sign-in gives, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List users.
    Users,
    /// List conversations and where their logs end.
    Conversations,
    /// Print the entries of a log.
    Log {
        /// Which conversation.
        conversation: ConversationId,
        /// From which position on, as epoch:seq.
        #[arg(long, value_name = "EPOCH:SEQ", default_value = "1:1")]
        from: Position,
        /// As JSON, an entry a line.
        #[arg(long)]
        json: bool,
    },
    /// Walk the whole store and hold the laws.
    Verify {
        /// Open the store of a server that is stopped.
        #[arg(long)]
        offline: bool,
    },
    /// Make a new signing key; tokens of the old one stay good until they expire.
    RotateKey,
}

/// Does what an operator asked.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    if let Command::Verify { offline: true } = args.command {
        return verify_offline(args.data).await;
    }
    let caller = Caller::new(args.admin, &args.data)?;
    match args.command {
        Command::Token { user, create, json } => token(&caller, &user, create, json).await,
        Command::Users => users(&caller).await,
        Command::Conversations => conversations(&caller).await,
        Command::Log { conversation, from, json } => log(&caller, conversation, from, json).await,
        Command::Verify { .. } => judge(&caller.post("/admin/verify", &json!({})).await?),
        Command::RotateKey => say(&caller.post::<String>("/admin/rotate-key", &json!({})).await?),
    }
}

async fn token(caller: &Caller, user: &str, create: bool, json: bool) -> anyhow::Result<()> {
    let tokens: Tokens = caller.post("/admin/token", &json!({ "handle": user, "create": create })).await?;
    say(&if json { serde_json::to_string(&tokens)? } else { tokens.access_token })
}

async fn users(caller: &Caller) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page: Vec<User> = caller.get(&format!("/admin/users{after}")).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = format!("?after={}", last.id);
        for user in &page {
            say(&format!("{}  {}", user.id, user.handle))?;
        }
    }
}

async fn conversations(caller: &Caller) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page: Vec<Value> = caller.get(&format!("/admin/conversations{after}")).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = format!("?after={}", last["id"].as_str().unwrap_or_default());
        for row in &page {
            let (id, head) = (row["id"].as_str().unwrap_or_default(), &row["head"]);
            let (epoch, seq) = (&head["position"]["epoch"], &head["position"]["seq"]);
            let time = head["time"].as_str().unwrap_or_default();
            say(&format!("{id}  head {epoch}:{seq}  messages {}  {time}", head["ordinal"]))?;
        }
    }
}

async fn log(
    caller: &Caller,
    conversation: ConversationId,
    from: Position,
    json: bool,
) -> anyhow::Result<()> {
    let mut after = Position { seq: from.seq.saturating_sub(1), ..from };
    loop {
        let page: Vec<Entry> = caller.get(&format!("/admin/log/{conversation}?after={after}")).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.position;
        for entry in &page {
            say(&if json { serde_json::to_string(entry)? } else { line(entry) })?;
        }
    }
}

fn line(entry: &Entry) -> String {
    let body = entry.body.as_ref().map_or("(erased)", |body| body.as_str());
    format!("{}  {}  {}  {}  {body}", entry.position, entry.time, entry.sender, entry.kind)
}

async fn verify_offline(data: PathBuf) -> anyhow::Result<()> {
    let config = node::Config { data, ..node::Config::default() };
    let stores = tokio::task::spawn_blocking(move || node::Stores::open(&config)).await??;
    let report = node::audit(&stores).await?;
    stores.kv.close().await;
    judge(&report)
}

fn judge(report: &node::Report) -> anyhow::Result<()> {
    for told in &report.told {
        say(told)?;
    }
    say(&format!(
        "{} conversations, {} entries, {} violations",
        report.conversations, report.entries, report.violations
    ))?;
    anyhow::ensure!(report.violations == 0, "the store breaks {} laws", report.violations);
    Ok(())
}
