//! `bench pairs`: closed loop. Each pair keeps a window of messages under way.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::ceilings::{Load, OfPairs};
use super::drive::{self, Sender, fill_window, measure, people_of_pairs};
use super::out::Out;
use super::process::allow_sockets;
use super::report::Report;
use super::runs::Benchmark;
use super::target::Target;

/// Many pairs, each with a window of messages under way.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many pairs.
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// Messages that are under way in each.
    #[arg(long, default_value_t = 1)]
    window: usize,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 10)]
    secs: u64,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100)]
    text_bytes: usize,
}

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        allow_sockets(self.pairs * 2)?;
        let people = people_of_pairs(target, self.pairs, out).await?;
        let lines = drive::pairs(target, &people, self.text_bytes, out).await?;
        let (window, time) = (self.window.max(1), Duration::from_secs(self.secs));
        let before = target.metrics().await?;
        let measuring = measure(lines, target, |sender| keep_window(sender, window, time));
        let measured = out.seconds("messages", self.secs, measuring).await?;
        let commits = target.metrics().await?.commits_since(&before);
        let report = Report::of_messages("pairs", &measured);
        let load = Load { pairs: self.pairs, window, text_bytes: self.text_bytes, secs: self.secs };
        let place = target.place.clone();
        let measuring = OfPairs::measure(&place, &load, commits.entries_in_append(), out);
        let ceilings = target.alone(measuring).await?;
        let bound = ceilings.as_ref().map(|ceilings| ceilings.bound(report.headline()));
        Ok(report.under(bound).with(ceilings).with(commits))
    }
}

async fn keep_window(mut sender: Sender, window: usize, time: Duration) -> Result<Sender> {
    let begin = Instant::now();
    while begin.elapsed() < time {
        fill_window(&mut sender, window, u64::MAX).await?;
    }
    Ok(sender)
}
