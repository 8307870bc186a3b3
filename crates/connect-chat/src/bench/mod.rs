//! `connect-chat bench`: measures a server, by default one of its own in a process of its own.
//!
//! - `pairs`: closed loop, a window of messages under way in each of many direct conversations;
//! - `rate`: open loop, latency from the intended time;
//! - `replay`: a trace of real group traffic, and afterwards empty devices that sync all of it.
//!
//! Each reports what was lost, duplicated or disordered, and fails if anything was. Deliberately absent: healing; the
//! meters stand on raw connections.

mod drive;
mod lean;
mod meter;
mod out;
mod pairs;
mod rate;
mod replay;
mod report;
mod server;
mod target;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Subcommand;

use out::Out;
use report::Report;
use target::Target;

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
    /// Many pairs, each with a window of messages under way.
    Pairs(pairs::Args),
    /// Many pairs, at a rate in all.
    Rate(rate::Args),
    /// Replay a trace of group traffic: CSV, plain or gzip.
    Replay(replay::Args),
}

/// Runs a benchmark; an error if the server got anything wrong.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let out = Out::new(args.common.json);
    let target = Target::new(&args.common).await?;
    let report = match args.command {
        Command::Pairs(args) => pairs::run(&args, &target, &out).await,
        Command::Rate(args) => rate::run(&args, &target, &out).await,
        Command::Replay(args) => replay::run(&args, &target, &out).await,
    };
    let report: Report = report.map_err(|error| target.explain(error))?;
    target.end().await;
    out.report(&report)?;
    let faults = report.faults();
    ensure!(faults.is_empty(), "the server got it wrong: {faults}");
    Ok(())
}
