//! `connect-chat admin`: what an operator does with a server. It asks the running server; `restore`, `doctor` and
//! `verify --offline` work on a data folder that no server has.

mod backup;
mod call;
mod doctor;
mod export;
mod lists;
mod out;
mod sessions;
mod verify;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Subcommand;
use domain::{ConversationId, Position};
use protocol::http::{RecoveryCodes, Tokens};
use serde_json::json;

use call::Caller;
use out::say;

/// Look after a server.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the server's admin listener is.
    #[arg(long, global = true, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    admin: SocketAddr,
    /// The server's data folder, in which its admin token is: `data`, if it is not given.
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
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
    Users {
        /// As JSON, a user a line.
        #[arg(long)]
        json: bool,
    },
    /// List conversations and where their logs end.
    Conversations {
        /// As JSON, a conversation a line.
        #[arg(long)]
        json: bool,
    },
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
    /// Print everything of a person or a conversation, as JSON lines; the last one is of type `end`.
    #[command(group(clap::ArgGroup::new("of").required(true)))]
    Export {
        /// A user, by id or handle: their devices, conversations, and the entries that they may see.
        #[arg(long, group = "of")]
        user: Option<String>,
        /// A conversation: its members, and all its entries.
        #[arg(long, group = "of")]
        conversation: Option<ConversationId>,
    },
    /// List who is connected.
    Sessions {
        /// Of this user only, by id.
        #[arg(long, value_name = "ID")]
        user: Option<String>,
        /// As JSON, a session a line.
        #[arg(long)]
        json: bool,
    },
    /// Take no more connections, and tell every session to come back, jittered. The process stays until SIGTERM.
    Drain {
        /// End the process then.
        #[arg(long)]
        stop: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy the store of the running server into a file, as of one instant. Secrets are not in it.
    Backup {
        /// The file, which must not be there; or a folder, and the file is named after the time.
        #[arg(value_name = "FILE|FOLDER")]
        to: PathBuf,
        /// What it is good for, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a data folder (`--data`, which must be empty) of a backup.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Only read the backup, and say whether it is whole.
        #[arg(long)]
        check: bool,
        /// What it is good for, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Walk the whole store and hold the laws.
    Verify {
        /// Open the store of a server that is stopped.
        #[arg(long)]
        offline: bool,
        /// Write again, from the logs, what is derived from them and wrong. A running server would not know of it.
        #[arg(long, requires = "offline")]
        repair: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look at configuration, data folder, ports, limits, clock, store and disk, whether a server runs or not.
    Doctor(doctor::Args),
    /// Make a new signing key; tokens of the old one stay good until they expire.
    RotateKey {
        /// The old one has leaked: what it has signed is void at once, and devices refresh their tokens.
        #[arg(long)]
        leaked: bool,
    },
    /// Make a new admin token, in the file of the old one.
    RotateAdminToken,
    /// Print a recovery code for a user who has lost everything: with their name it sets a new password, once. Their other
    /// recovery codes are void.
    ResetPassword {
        /// The user's handle.
        user: String,
    },
    /// Sign every device of a user out, and say how many there were.
    SignOut {
        /// The user's handle.
        user: String,
    },
}

/// Does what an operator asked.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { admin, data, command } = args;
    if let Command::Doctor(args) = command {
        return doctor::doctor(args, data).await;
    }
    let data = data.unwrap_or_else(|| node::Config::default().data);
    match command {
        Command::Verify { offline: true, repair, json } => verify::offline(data, repair, json).await,
        Command::Restore { file, check, json } => backup::restore(file, data, check, json).await,
        asked => ask(&Caller::new(admin, &data)?, asked).await,
    }
}

/// Asks the running server.
async fn ask(caller: &Caller, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Token { user, create, json } => token(caller, &user, create, json).await,
        Command::Users { json } => lists::users(caller, json).await,
        Command::Conversations { json } => lists::conversations(caller, json).await,
        Command::Log { conversation, from, json } => lists::log(caller, conversation, from, json).await,
        Command::Export { user: Some(user), .. } => export::export(caller, export::Of::User(user)).await,
        Command::Export { conversation: Some(id), .. } => {
            export::export(caller, export::Of::Conversation(id)).await
        }
        Command::Sessions { user, json } => sessions::sessions(caller, user, json).await,
        Command::Drain { stop, json } => sessions::drain(caller, stop, json).await,
        Command::Backup { to, json } => backup::backup(caller, to, json).await,
        Command::Verify { json, .. } => verify::online(caller, json).await,
        Command::RotateKey { leaked } => {
            say(&caller.post::<String>("/admin/rotate-key", &json!({ "leaked": leaked })).await?)
        }
        Command::RotateAdminToken => caller.post::<()>("/admin/rotate-admin-token", &json!({})).await,
        Command::SignOut { user } => {
            say(&caller.post::<usize>("/admin/sign-out", &json!({ "handle": user })).await?.to_string())
        }
        Command::ResetPassword { user } => reset_password(caller, &user).await,
        Command::Export { .. } | Command::Restore { .. } | Command::Doctor(_) => {
            anyhow::bail!("this is not asked of a server")
        }
    }
}

async fn token(caller: &Caller, user: &str, create: bool, json: bool) -> anyhow::Result<()> {
    let tokens: Tokens = caller.post("/admin/token", &json!({ "handle": user, "create": create })).await?;
    say(&if json { serde_json::to_string(&tokens)? } else { tokens.access_token })
}

async fn reset_password(caller: &Caller, user: &str) -> anyhow::Result<()> {
    let made: RecoveryCodes = caller.post("/admin/recovery-code", &json!({ "handle": user })).await?;
    made.codes.iter().try_for_each(|code| say(code))
}
