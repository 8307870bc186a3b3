//! `bench history`: the newest entries of a long log, and pages at its start, in its middle and at its end.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use domain::ConversationId;
use protocol::http::Tokens;
use serde::Serialize;

use super::ceilings::Relay;
use super::drive::{self, fill, micros, people_of_pairs};
use super::figures::{Figures, Measured};
use super::latencies::{Latencies, Millis};
use super::lean::Asker;
use super::out::Out;
use super::report::{Ceiling, Headline, Report};
use super::runs::Benchmark;
use super::target::Target;

/// Pages of a long log.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Messages in the log whose newest entries are asked for.
    #[arg(long, default_value_t = 100_000)]
    stored: u64,
    /// Messages in the log of which pages are asked for: it grows up to here; 0 leaves it out.
    #[arg(long, default_value_t = 1_000_000)]
    long: u64,
    /// How often each is asked for.
    #[arg(long, default_value_t = 2_000)]
    asks: u64,
}

/// Entries in a page.
const LIMIT: u64 = 50;

/// Messages under way while the log is written.
const WINDOW: usize = 256;

const TEXT_BYTES: usize = 100;

/// One page, asked for again and again.
#[derive(Debug, Clone, Serialize)]
struct Page {
    ms: Option<Millis>,
    server_cpu_us: Option<f64>,
    bytes: usize,
}

/// What is reported.
#[derive(Serialize)]
struct History {
    latest: Page,
    page_at_start: Option<Page>,
    page_in_middle: Option<Page>,
    page_at_end: Option<Page>,
}

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        ensure!(self.stored >= LIMIT, "a log of at least {LIMIT} messages is needed");
        let people = people_of_pairs(target, 1, out).await?;
        let conversation = ConversationId::direct(people[0].user, people[1].user);
        let mut filled = vec![write(target, &people, self.stored, out).await?];
        let log = Log { conversation, asks: self.asks, token: &people[1].access_token };
        let latest = log.ask(target, out, |_| String::new()).await?;
        let mut history = History { latest, page_at_start: None, page_in_middle: None, page_at_end: None };
        if self.long > self.stored {
            filled.push(write(target, &people, self.long - self.stored, out).await?);
            // Another page each time, within a tenth of the log, so that not one of them is always at hand.
            let within = (self.long / 10 / LIMIT).max(1);
            let after = |seq: u64| move |ask: u64| format!("&after=1:{}", seq + ask % within * LIMIT);
            history.page_at_start = Some(log.ask(target, out, after(0)).await?);
            history.page_in_middle = Some(log.ask(target, out, after(self.long / 2)).await?);
            history.page_at_end = Some(log.ask(target, out, after(self.long - within * LIMIT)).await?);
        }
        let latest_p50_ms = history.latest.ms.map_or(0.0, |millis| millis.p50);
        let asked = log.path("").len() + log.token.len();
        let answer = history.latest.bytes;
        let tripping = async { Relay::start().await?.round_trips(asked, answer, self.asks as usize).await };
        let trip = target.alone(tripping).await?.and_then(|trips| trips.millis());
        let bound =
            trip.map(|ms| Ceiling::new("a round trip of as many bytes, p50", "ms", ms.p50, latest_p50_ms));
        let report =
            Report::new("history", Headline::less("latest.ms.p50", latest_p50_ms), Figures::default());
        Ok(filled.iter().fold(report, Report::also).under(bound).with(history))
    }
}

/// Writes so many messages into the log of these two.
async fn write(target: &Target, two: &[Tokens], messages: u64, out: &Out) -> Result<Measured> {
    fill(drive::pairs(target, two, TEXT_BYTES, out).await?, target, messages, WINDOW, out).await
}

/// A log that is asked for pages.
struct Log<'a> {
    conversation: ConversationId,
    asks: u64,
    /// Of whom asks.
    token: &'a str,
}

impl Log<'_> {
    fn path(&self, edge: &str) -> String {
        format!("/v1/conversations/{}/entries?limit={LIMIT}{edge}", self.conversation)
    }

    /// Asks for a page again and again, from the edge that belongs to each time.
    async fn ask(&self, target: &Target, out: &Out, edge: impl Fn(u64) -> String) -> Result<Page> {
        let bar = out.bar("pages", self.asks);
        // Each time another one: the server closes a connection on which nothing is asked.
        let mut asker = Asker::connect(&target.url, self.token).await?;
        let (cpu, mut latencies, mut bytes) = (target.cpu_us(), Latencies::new(), 0);
        for ask in 0..self.asks {
            let path = self.path(&edge(ask));
            let begin = Instant::now();
            let page = asker.get(&path).await?;
            latencies.record(micros(begin.elapsed()));
            bytes = page.len();
            bar.inc(1);
            if ask == 0 {
                ensure!(count(page)? == LIMIT as usize, "a page that is not full");
            }
        }
        bar.finish_and_clear();
        let cpu = target.cpu_us().zip(cpu).map(|(after, before)| after - before);
        let server_cpu_us = cpu.map(|cpu| cpu as f64 / self.asks.max(1) as f64);
        Ok(Page { ms: latencies.millis(), server_cpu_us, bytes })
    }
}

/// Entries in a page.
fn count(page: &[u8]) -> Result<usize> {
    let page: protocol::http::Entries =
        serde_json::from_slice(page).context("a page that was not understood")?;
    Ok(page.entries.len())
}
