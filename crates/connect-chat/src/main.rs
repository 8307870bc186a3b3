//! Connect Chat: the program. A folder per subcommand.

mod admin;
mod bench;
mod chat;
mod count;
mod help;
mod serve;
mod settings;
mod signals;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Chat that never loses, repeats or reorders a message.
#[derive(Parser)]
#[command(name = "connect-chat", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    #[command(after_help = help::SERVE)]
    Serve(serve::Args),
    /// Chat in the terminal.
    #[command(after_help = help::CHAT)]
    Chat(chat::Args),
    /// Look after a server.
    #[command(after_help = help::ADMIN)]
    Admin(admin::Args),
    /// Measure a server.
    #[command(after_help = help::BENCH)]
    Bench(bench::Args),
    Completion(help::Completion),
    Man(help::Man),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be listening; the exit code says it, too.
            drop(writeln!(std::io::stderr(), "connect-chat: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Chat(args) => asynchronously(chat::run(args)),
        Command::Admin(args) => asynchronously(admin::run(args)),
        Command::Bench(args) => asynchronously(bench::run(args)),
        Command::Completion(args) => help::completion(&args, Cli::command()),
        Command::Man(args) => help::man(&args, Cli::command()),
    }
}

fn asynchronously(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}
