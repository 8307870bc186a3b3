//! `bench rate`: open loop. Messages are sent when they are meant to be, whatever the server does; latency counts from
//! that moment, so that a stall shows in every message that it held up.
//!
//! A thread of its own keeps the time, since the timers of the runtime round to a millisecond.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::mpsc;

use super::drive::{self, Line, Sender, measure, micros, people_of_pairs};
use super::out::Out;
use super::process::allow_sockets;
use super::report::{Ceiling, Measured, Report};
use super::runs::Benchmark;
use super::target::Target;

/// Many pairs, at a rate in all.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many pairs.
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// Messages a second in all.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 10)]
    secs: u64,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100)]
    text_bytes: usize,
}

/// Messages of one pair that are due and not written: more than that and the load generator is what is slow.
const DUE_MAX: usize = 65_536;

/// How often the time is looked at.
const STEP: Duration = Duration::from_micros(250);

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        ensure!(self.rate > 0 && self.pairs > 0, "a rate and a number of pairs above 0 are needed");
        allow_sockets(self.pairs * 2)?;
        let people = people_of_pairs(target, self.pairs, out).await?;
        let lines = drive::pairs(target, &people, self.text_bytes, out).await?;
        let before = target.metrics().await?;
        let measured = out.seconds("messages", self.secs, self.paced(lines, target)).await?;
        let commits = target.metrics().await?.commits_since(&before);
        let receive_p99_ms = measured.receive.millis().map_or(0.0, |millis| millis.p99);
        let bound = Ceiling::new("the commit's p99, ms", commits.commit_p99_ms, receive_p99_ms);
        let report = Report::new("rate", ("receive_ms.p99", receive_p99_ms), (&measured).into());
        Ok(report.under(bound).with(commits))
    }
}

impl Args {
    /// Sends at the rate, in turn by each pair.
    async fn paced(&self, lines: Vec<Line>, target: &Target) -> Result<Measured> {
        let origin = lines.first().context("no pairs")?.sender.now_us();
        let mut due = Vec::new();
        let mut queues = Vec::new();
        for _ in 0..lines.len() {
            let (sender, receiver) = mpsc::channel(DUE_MAX);
            due.push(sender);
            queues.push(receiver);
        }
        let overrun = Arc::new(AtomicBool::new(false));
        let (base, total) = (Instant::now(), self.rate * self.secs);
        let pace = Pace { due, rate: self.rate, total, base, origin, overrun: Arc::clone(&overrun) };
        let thread = std::thread::Builder::new().name("pace".to_owned()).spawn(move || pace.run())?;
        let mut queues = queues.into_iter();
        let measured = measure(lines, target, |sender| {
            send_due(sender, queues.next().expect("there are as many queues as pairs"))
        })
        .await?;
        drop(thread.join());
        ensure!(
            !overrun.load(Ordering::Relaxed),
            "the load generator did not keep up: the result would mean nothing"
        );
        Ok(measured)
    }
}

async fn send_due(mut sender: Sender, mut due: mpsc::Receiver<u64>) -> Result<Sender> {
    loop {
        tokio::select! {
            meant = due.recv() => {
                let Some(meant) = meant else { return Ok(sender) };
                sender.send(meant)?;
                while let Ok(meant) = due.try_recv() {
                    sender.send(meant)?;
                }
                sender.write()?;
            }
            answers = sender.answers() => answers?,
        }
    }
}

/// Tells each pair in turn that a message is due.
struct Pace {
    due: Vec<mpsc::Sender<u64>>,
    rate: u64,
    total: u64,
    base: Instant,
    /// `base` on the clock of the pairs, in microseconds.
    origin: u64,
    overrun: Arc<AtomicBool>,
}

impl Pace {
    fn run(self) {
        let mut next = 0;
        while next < self.total {
            let until = due_by(micros(self.base.elapsed()), self.rate).min(self.total);
            for number in next..until {
                let pair = (number % self.due.len() as u64) as usize;
                let meant = self.origin + number * 1_000_000 / self.rate;
                match self.due[pair].try_send(meant) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => self.overrun.store(true, Ordering::Relaxed),
                    // Its pair failed, which it tells itself.
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
            next = until;
            std::thread::park_timeout(STEP);
        }
    }
}

/// How many messages are due this long after the start.
fn due_by(elapsed_us: u64, rate: u64) -> u64 {
    (u128::from(elapsed_us) * u128::from(rate) / 1_000_000) as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_stall_everything_that_was_meant_to_be_sent_is_due() {
        assert_eq!(due_by(0, 1_000), 1);
        assert_eq!(due_by(1_000, 1_000), 2);
        assert_eq!(due_by(60_000_000, 10_000), 600_001);
    }
}
