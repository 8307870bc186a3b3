//! `bench rate`: open loop. Messages are sent when they are meant to be, whatever the server does; latency counts from
//! that moment, so that a stall shows in every message that it held up.
//!
//! A thread of its own keeps the time, since the timers of the runtime round to a millisecond.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tokio::sync::mpsc;

use super::drive::{self, Line, Sender, measure, micros, people_of_pairs};
use super::figures::Measured;
use super::latencies::Millis;
use super::out::Out;
use super::process::allow_sockets;
use super::report::{Ceiling, Headline, Report};
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

/// Seconds whose messages may be due in one pair and not in line yet.
const DUE_SECS_MAX: u64 = 10;

/// Bytes that may wait in one pair for the kernel to take them.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// What is meant to be sent in this time after the start is in no histogram: caches and connections warm up.
const WARM_UP: Duration = Duration::from_secs(1);

/// What is sent this late is the load generator's own lateness, and not the server's...
const LATE_MS_MAX: f64 = 5.0;
/// ... unless it is less than this share of what was measured.
const LATE_SHARE_MAX: f64 = 0.1;

/// How often the time is looked at.
const STEP: Duration = Duration::from_micros(250);

/// What is reported.
#[derive(Serialize)]
struct Rated {
    /// From when a message was meant to be sent until the load generator had written it.
    send_late_ms: Option<Millis>,
    /// What was meant to be sent in the first so many seconds is in no latency.
    warm_up_s: u64,
}

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        ensure!(self.rate > 0 && self.pairs > 0, "a rate and a number of pairs above 0 are needed");
        let warm_up_s = WARM_UP.as_secs();
        ensure!(
            self.secs > warm_up_s,
            "more than {warm_up_s} s is needed: what is sent until then is not counted"
        );
        allow_sockets(self.pairs * 2)?;
        let people = people_of_pairs(target, self.pairs, out).await?;
        let lines = drive::pairs(target, &people, self.text_bytes, out).await?;
        let before = target.metrics().await?;
        let measured = out.seconds("messages", self.secs, self.paced(lines, target)).await?;
        let commits = target.metrics().await?.commits_since(&before);
        let send_late_ms = measured.send_late.millis();
        let p99_ms = |millis: Option<Millis>| millis.map_or(0.0, |millis| millis.p99);
        let receive_p99_ms = p99_ms(measured.receive.millis());
        let commit_p99_ms = (!target.faulty).then_some(commits.commit_p99_ms);
        let bound = commit_p99_ms.map(|value| Ceiling::new("a commit, p99", "ms", value, receive_p99_ms));
        let report =
            Report::new("rate", Headline::less("receive_ms.p99", receive_p99_ms), (&measured).into());
        let report = report.wrong(measured.wrong()).wrong(too_late(p99_ms(send_late_ms), receive_p99_ms));
        Ok(report.under(bound).with(commits).with(Rated { send_late_ms, warm_up_s }))
    }
}

/// Why the latencies mean nothing, if they do: they are those of the load generator.
fn too_late(late_p99_ms: f64, receive_p99_ms: f64) -> Option<String> {
    let most = LATE_MS_MAX.max(receive_p99_ms * LATE_SHARE_MAX);
    let why = || {
        format!(
            "the load generator sent late (p99 {late_p99_ms} ms, at most {most} ms): these are its latencies, not the server's"
        )
    };
    (late_p99_ms > most).then(why)
}

impl Args {
    /// Sends at the rate, in turn by each pair.
    async fn paced(&self, mut lines: Vec<Line>, target: &Target) -> Result<Measured> {
        let origin = lines.first().context("no pairs")?.sender.now_us();
        lines.iter_mut().for_each(|line| line.count_from(origin + micros(WARM_UP)));
        let due_max = (self.rate * DUE_SECS_MAX).div_ceil(self.pairs as u64) as usize;
        let (mut due, mut queues) = (Vec::new(), Vec::new());
        for _ in 0..lines.len() {
            let (sender, receiver) = mpsc::channel(due_max);
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
                ensure!(
                    sender.waiting_bytes() <= WAITING_BYTES_MAX,
                    "the server does not read what it is sent: {WAITING_BYTES_MAX} bytes of one pair wait; the rate is too high"
                );
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
    fn the_load_generator_is_reported_as_the_server() {
        assert_eq!(too_late(5.0, 1.0), None);
        assert!(too_late(5.1, 1.0).is_some());
        assert_eq!(too_late(9.9, 100.0), None, "a tenth of what was measured");
        assert!(too_late(10.1, 100.0).is_some());
    }

    #[test]
    fn after_a_stall_everything_that_was_meant_to_be_sent_is_due() {
        assert_eq!(due_by(0, 1_000), 1);
        assert_eq!(due_by(1_000, 1_000), 2);
        assert_eq!(due_by(60_000_000, 10_000), 600_001);
    }
}
