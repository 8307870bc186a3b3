//! `bench fanout`: one group, everybody in it online, one of them writes; and a group of many members of whom few are
//! online, against one of those few alone.

mod large;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use domain::UserId;
use serde::Serialize;
use tokio::time::timeout;

use super::Common;
use super::ceilings::{FAN_WINDOW, Relay, Relayed, Sizes, relay_time};
use super::drive::{self, Sender, measure};
use super::out::Out;
use super::process::allow_sockets;
use super::report::{Ceiling, Report};
use super::runs::{self, Benchmark};
use super::target::Target;

pub(super) use large::{Large, compare};

/// One group, with all its members online; and a large one, with few.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many members receive.
    #[arg(long, default_value_t = 10_000)]
    members: usize,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 10)]
    secs: u64,
    /// Messages that not everybody has yet, at most.
    #[arg(long, default_value_t = FAN_WINDOW)]
    window: usize,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100)]
    text_bytes: usize,
    /// Members of the large group of whom 10 are online; 0 leaves it out.
    #[arg(long, default_value_t = 100_000)]
    large: usize,
}

/// How often it is looked whether everybody has a message.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What is reported.
#[derive(Serialize)]
struct Fanned {
    members: usize,
    relay: Option<Relayed>,
}

/// Measures the group as often as asked, and the large one once.
pub(super) async fn run(args: &Args, common: &Common, out: &Out) -> Result<Report> {
    let report = runs::measure(args, common, out).await?;
    if args.large == 0 {
        return Ok(report);
    }
    let mut target = Target::new(common).await?;
    let (large, measured) = compare(&target, args.large, out).await.map_err(|error| target.explain(error))?;
    target.end().await?;
    Ok(measured.iter().fold(report, Report::also).with(large))
}

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        ensure!(self.members > 0, "a number of members above 0 is needed");
        allow_sockets(self.members + 1)?;
        let people = target.mint_all((0..=self.members).map(|n| format!("m{n}")).collect(), out).await?;
        let others: Vec<UserId> = people[1..].iter().map(|tokens| tokens.user).collect();
        let group = target.group(&people[0], "everybody", &others).await?;
        let line = drive::group(target, group, &people, self.text_bytes, out).await?;
        let (members, window) = (self.members as u64, self.window.max(1) as u64);
        let time = Duration::from_secs(self.secs);
        let measuring = measure(vec![line], target, |sender| keep_pace(sender, members, window, time));
        let measured = out.seconds("messages", self.secs, measuring).await?;
        let report = Report::of_messages("fanout", &measured);
        let relay = target.alone(self.relayed(out)).await?;
        let bound =
            relay.map(|relay| Ceiling::new("a relay", "deliveries/s", relay.per_s, report.headline()));
        Ok(report.under(bound).with(Fanned { members: self.members, relay }))
    }
}

impl Args {
    /// What a relay does with as many members.
    async fn relayed(&self, out: &Out) -> Result<Relayed> {
        let (sizes, time) = (Sizes::of(self.text_bytes)?, relay_time(self.secs));
        let relaying = async { Relay::start().await?.fan(self.members, self.window, sizes, time).await };
        out.seconds("a relay", time.as_secs(), relaying).await
    }
}

/// Sends while fewer than a window of messages are not with everybody: an ack comes long before that.
async fn keep_pace(mut sender: Sender, members: u64, window: u64, time: Duration) -> Result<Sender> {
    let begin = Instant::now();
    while begin.elapsed() < time {
        if sender.sent() < sender.delivered() / members + window {
            sender.send(sender.now_us())?;
            sender.write()?;
        } else if let Ok(answered) = timeout(LOOK_EVERY, sender.answers()).await {
            answered?;
        }
    }
    Ok(sender)
}
