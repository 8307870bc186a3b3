//! `connect-chat bench`: measures a server, by default one of its own in a process of its own.
//!
//! - [`ceilings`]: what the machine allows at best; every other benchmark measures what bounds it by the same means;
//! - [`pairs`]: closed loop, a window of messages under way in each of many direct conversations;
//! - [`rate`]: open loop, latency from the intended time;
//! - [`idle`]: what a session costs that only waits;
//! - [`fanout`]: one group, everybody in it online, and a large group in which few are;
//! - [`storm`]: all sessions cut at once, and back;
//! - [`history`]: pages of a long log;
//! - [`growth`]: what a message costs once millions are stored, and how long it takes to start on them;
//! - [`replay`]: a trace of real group traffic, and afterwards empty devices that sync all of it;
//! - [`summary`]: all of them, as the table in the README.
//!
//! A benchmark runs several times, each on a new server ([`runs`]), and its median is reported ([`figures`],
//! [`report`], and in words [`told`]). What was lost, duplicated, disordered or not answered is counted ([`meter`]) and
//! fails the command. Below are the server ([`server`],
//! [`target`]), the connections ([`lean`], [`drive`], [`crowd`]) and what the kernel and the server tell ([`process`],
//! [`metrics`]). Deliberately absent: healing; the meters stand on raw connections.

mod ceilings;
mod crowd;
mod drive;
mod fanout;
mod figures;
mod growth;
mod history;
mod idle;
mod latencies;
mod lean;
mod meter;
mod metrics;
mod out;
mod pairs;
mod process;
mod rate;
mod replay;
mod report;
mod runs;
mod server;
mod storm;
mod summary;
mod target;
mod told;

use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::Subcommand;

use out::Out;
use report::Report;
use runs::measure;

use crate::signals::Signals;

/// Measure a server.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// What every benchmark takes.
#[derive(clap::Args)]
pub(crate) struct Common {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Run so many times, and report the median: 3, or 1 for `growth` and `replay`, unless told.
    #[arg(long, global = true, value_name = "N")]
    runs: Option<usize>,
    /// Measure the server at this address instead of one of its own.
    #[arg(long, global = true, value_name = "URL", requires = "admin_url", requires = "admin_token_file")]
    url: Option<String>,
    /// The admin listener of that server.
    #[arg(long, global = true, value_name = "URL")]
    admin_url: Option<String>,
    /// The admin token of that server.
    #[arg(long, global = true, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// The process of that server, for its CPU time and memory.
    #[arg(long, global = true, value_name = "PID")]
    server_pid: Option<u32>,
    /// Have the server get deliveries wrong (`drop`, `dup` or `swap`): the result must show it.
    #[arg(long, global = true, value_name = "FAULT", conflicts_with = "url")]
    fault: Option<String>,
    /// A setting of its own server, as for `serve --set`.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", conflicts_with = "url")]
    set: Vec<String>,
    /// The folder in which its own server keeps its data while it runs; on the disk that is to be measured.
    #[arg(long, global = true, value_name = "FOLDER", default_value = ".scratch")]
    scratch: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// What this machine allows at best: disk, sockets, the store alone.
    Ceilings(ceilings::Args),
    /// Many pairs, each with a window of messages under way.
    Pairs(pairs::Args),
    /// Many pairs, at a rate in all.
    Rate(rate::Args),
    /// Sessions that only wait: the memory of each.
    Idle(idle::Args),
    /// One group, with all its members online; and a large one, with few.
    Fanout(fanout::Args),
    /// All sessions cut at once, and back.
    Storm(storm::Args),
    /// Pages of a long log.
    History(history::Args),
    /// What a message costs once millions are stored, and how long it takes to start on them.
    Growth(growth::Args),
    /// Replay a trace of group traffic: CSV, plain or gzip.
    Replay(replay::Args),
    /// Run all of them, or read what they said, and write the table of the README.
    Report(summary::Args),
    /// A relay, for `ceilings`.
    #[command(hide = true)]
    Relay,
}

/// Runs a benchmark; an error if anything was got wrong. When it is told to stop, its server and its data go with it.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        done = Box::pin(run_whole(args)) => done,
        () = signals.next() => bail!("told to stop: nothing was measured"),
    }
}

async fn run_whole(args: Args) -> anyhow::Result<()> {
    let common = &args.common;
    let out = Out::new(common.json);
    let report: Report = match &args.command {
        Command::Ceilings(args) => Box::pin(ceilings::run(args, common, &out)).await?,
        Command::Pairs(args) => measure(args, common, &out).await?,
        Command::Rate(args) => measure(args, common, &out).await?,
        Command::Idle(args) => measure(args, common, &out).await?,
        Command::Fanout(args) => Box::pin(fanout::run(args, common, &out)).await?,
        Command::Storm(args) => measure(args, common, &out).await?,
        Command::History(args) => measure(args, common, &out).await?,
        Command::Growth(args) => measure(args, common, &out).await?,
        Command::Replay(args) => measure(args, common, &out).await?,
        Command::Report(args) => return Box::pin(summary::run(args, common, &out)).await,
        Command::Relay => return ceilings::serve_relay().await,
    };
    let report = report.made_by(summary::command_of(std::env::args()));
    out.report(&report)?;
    let faults = report.faults();
    ensure!(faults.is_empty(), "it went wrong: {faults}");
    Ok(())
}
