//! `bench growth`: what a message costs once millions are stored, and how long it takes to start on them.
//!
//! The store is filled by the way that every message goes, through the sockets of the real program, which is then killed
//! and started again on what it left.

use anyhow::{Context, Result, ensure};
use protocol::http::Tokens;
use serde::Serialize;

use super::drive::{self, Cost, Line, cost, fill, people_of_pairs};
use super::fanout::{Large, compare};
use super::figures::{Figures, Measured};
use super::out::Out;
use super::process::{allow_sockets, disk_bytes};
use super::report::{Ceiling, Headline, Report};
use super::runs::Benchmark;
use super::server::End;
use super::target::Target;

/// What a message costs once millions are stored, and how long it takes to start on them.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Messages stored.
    #[arg(long, default_value_t = 5_000_000)]
    messages: u64,
    /// In conversations of how many pairs.
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// Messages under way in each.
    #[arg(long, default_value_t = 64)]
    window: usize,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100)]
    text_bytes: usize,
    /// Messages by which the cost is measured.
    #[arg(long, default_value_t = 100_000)]
    sample: u64,
    /// Members of the large group of whom 10 are online; 0 leaves it out.
    #[arg(long, default_value_t = 100_000)]
    large: usize,
}

/// Few: so many messages are stored when the cost is measured first.
const FEW: u64 = 10_000;

/// What is reported.
#[derive(Serialize)]
struct Growth {
    messages: u64,
    /// From the start of the process on an empty folder until it listens.
    listening_s: f64,
    at_few: Cost,
    at_many: Cost,
    /// CPU time of a message at many stored, as a multiple of that at few.
    cost_ratio: f64,
    disk_bytes_per_message: f64,
    /// For how long Notification was still behind once all the others were stored.
    followed_after_s: f64,
    /// From the start of the process on all of it until it listens, after a SIGKILL.
    reopening_s: f64,
    /// The same after a SIGTERM.
    reopening_after_stop_s: f64,
    #[serde(flatten)]
    large: Option<Large>,
}

impl Benchmark for Args {
    /// A run takes minutes, and the store grows in one.
    const RUNS: usize = 1;

    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        let few = FEW.min(self.messages / 4);
        let sample = self.sample.min(self.messages / 4);
        ensure!(sample > 0, "more messages are needed");
        allow_sockets(self.pairs * 2)?;
        let listening_s = started_in(target)?;
        let people = people_of_pairs(target, self.pairs, out).await?;
        let filled_few = self.fill(target, &people, few, out).await?;
        let (at_few, measured_few) = self.cost(target, &people, sample, out).await?;
        let filled = self.fill(target, &people, self.messages - few - 2 * sample, out).await?;
        let followed_after_s = target.followed().await?.as_secs_f64();
        let (at_many, measured) = self.cost(target, &people, sample, out).await?;
        let mut others = vec![filled_few, measured_few];
        let data = target.own().context("growth needs a server of its own")?.data();
        let disk_bytes_per_message = disk_bytes(&data)? as f64 / self.messages as f64;
        target.restart(End::Killed).await?;
        let reopening_s = started_in(target)?;
        target.restart(End::Told).await?;
        let reopening_after_stop_s = started_in(target)?;
        let large = match self.large {
            0 => None,
            members => {
                let (large, measured) = compare(target, members, out).await?;
                others.extend(measured);
                Some(large)
            }
        };
        let (cost, at_first) = (at_many.cpu_us_per_message, at_few.cpu_us_per_message);
        let bound = Ceiling::new("a message at few stored", "µs of CPU", at_first, cost);
        let growth = Growth {
            messages: self.messages,
            listening_s,
            cost_ratio: cost / at_first.max(1e-9),
            at_few,
            at_many,
            disk_bytes_per_message,
            followed_after_s,
            reopening_s,
            reopening_after_stop_s,
            large,
        };
        let mut figures = Figures::from(&filled);
        figures.server_cpu_us_per_delivery = Figures::from(&measured).server_cpu_us_per_delivery;
        let report = Report::new("growth", Headline::less("cost_ratio", growth.cost_ratio), figures);
        let report = report.wrong(filled.wrong()).also(&measured);
        Ok(others.iter().fold(report, Report::also).under(Some(bound)).with(growth))
    }
}

impl Args {
    async fn lines(&self, target: &Target, people: &[Tokens], out: &Out) -> Result<Vec<Line>> {
        drive::pairs(target, people, self.text_bytes, out).await
    }

    async fn fill(&self, target: &Target, people: &[Tokens], messages: u64, out: &Out) -> Result<Measured> {
        fill(self.lines(target, people, out).await?, target, messages, self.window, out).await
    }

    /// What the next `sample` messages cost.
    async fn cost(
        &self,
        target: &Target,
        people: &[Tokens],
        sample: u64,
        out: &Out,
    ) -> Result<(Cost, Measured)> {
        cost(self.lines(target, people, out).await?, target, sample, self.window, out).await
    }
}

fn started_in(target: &Target) -> Result<f64> {
    Ok(target.own().context("growth needs a server of its own")?.started_in.as_secs_f64())
}
