//! What `--help` teaches beside the flags, and what it is for elsewhere: completions of shells, pages of the manual.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;

pub(crate) const SERVE: &str = "\
Examples:
  connect-chat serve                                       data in ./data, devices on 127.0.0.1:8080
  connect-chat serve --config /etc/connect-chat.toml
  connect-chat serve --listen 0.0.0.0:8080 --data /var/lib/connect-chat
  connect-chat serve --set limits.text_bytes_max=4096 --print-config

SIGTERM ends it in order; kill -9 loses nothing that was acknowledged.";

pub(crate) const CHAT: &str = "\
Examples:
  connect-chat chat                                        asks who you are
  connect-chat chat --user ada --open bob
  echo hello | connect-chat chat --user ada --password-file pw --open bob
  connect-chat chat --user ada --recover                   a new password, by a recovery code";

pub(crate) const ADMIN: &str = "\
Examples:
  connect-chat admin doctor                                is everything as a server needs it?
  connect-chat admin backup /var/backups                   while the server works
  connect-chat admin restore FILE --data NEWFOLDER
  connect-chat admin verify                                hold the laws against the whole store
  connect-chat admin verify --offline --repair             and mend what is derived
  connect-chat admin export --user ada > ada.jsonl
  connect-chat admin sessions --json
  connect-chat admin reset-password ada                    a recovery code, for who lost everything
  connect-chat admin drain --stop                          before a new version is started";

pub(crate) const BENCH: &str = "\
Examples:
  connect-chat bench pairs --pairs 200 --window 1 --secs 10
  connect-chat bench rate --pairs 200 --rate 10000 --secs 60 --json
  connect-chat bench replay crates/connect-chat/traces/group-chat-100k.csv.gz";

/// Print the completions of a shell.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  connect-chat completion bash > /etc/bash_completion.d/connect-chat
  connect-chat completion zsh > ~/.zfunc/_connect-chat
  connect-chat completion fish > ~/.config/fish/completions/connect-chat.fish")]
pub(crate) struct Completion {
    /// Which shell.
    shell: Shell,
}

/// Write the pages of the manual.
#[derive(clap::Args)]
#[command(after_help = "Example:
  connect-chat man /usr/local/share/man/man1 && man connect-chat-admin-backup")]
pub(crate) struct Man {
    /// The folder to write them to; it is made if it is not there.
    folder: PathBuf,
}

/// Prints the completions.
pub(crate) fn completion(args: &Completion, mut program: Command) -> anyhow::Result<()> {
    let mut text = vec![];
    clap_complete::generate(args.shell, &mut program, "connect-chat", &mut text);
    std::io::stdout().write_all(&text).context("standard output is closed")
}

/// Writes the pages.
pub(crate) fn man(args: &Man, program: Command) -> anyhow::Result<()> {
    std::fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(program, &args.folder))
        .with_context(|| format!("the pages cannot be written to {}", args.folder.display()))
}
