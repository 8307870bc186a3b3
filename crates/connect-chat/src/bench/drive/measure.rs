//! Running lines, and gathering what both ends saw.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::receiver::Received;
use super::sender::Sent;
use super::{Line, Receiver, Sender};
use crate::bench::figures::Measured;
use crate::bench::latencies::{self, Latencies};
use crate::bench::meter::Tally;
use crate::bench::target::Target;

/// What the ends of one line saw.
struct Ended {
    sent: Sent,
    /// From the start until everything was acked.
    acked_in: Duration,
    received: Vec<Received>,
}

/// Runs all lines, each sender as `send` says, and gathers what both ends saw.
pub(in crate::bench) async fn measure<S, F>(
    lines: Vec<Line>,
    target: &Target,
    mut send: S,
) -> Result<Measured>
where
    S: FnMut(Sender) -> F,
    F: Future<Output = Result<Sender>> + Send + 'static,
{
    let cpu = target.cpu_us();
    let begin = Instant::now();
    let histograms = histograms(&lines);
    let mut tasks: JoinSet<Result<Ended>> = JoinSet::new();
    for Line { sender, receivers } in lines {
        // What the clock of the line, which began with its connections, shows now.
        let connected = Duration::from_micros(sender.now_us());
        let sending = send(sender);
        tasks.spawn(async move {
            let mut ended = run(sending, receivers, begin).await?;
            ended
                .received
                .iter_mut()
                .for_each(|received| received.last = received.last.saturating_sub(connected));
            Ok(ended)
        });
    }
    let mut measured = Measured {
        tally: Tally::default(),
        refused_by: None,
        ack: Latencies::new(),
        send_late: Latencies::new(),
        receive: Latencies::new(),
        seconds: 0.0,
        received_seconds: 0.0,
        server_cpu_us: None,
        server_rss_bytes: None,
    };
    while let Some(ended) = tasks.join_next().await {
        measured.gather(&ended??);
    }
    histograms.iter().for_each(|latencies| measured.receive.add(&latencies.so_far()));
    measured.server_cpu_us = target.cpu_us().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    measured.server_rss_bytes = target.rss_bytes();
    Ok(measured)
}

/// Where the receivers of these lines record their latencies, each histogram once.
fn histograms(lines: &[Line]) -> Vec<latencies::Shared> {
    let mut histograms: Vec<latencies::Shared> = Vec::new();
    for receiver in lines.iter().flat_map(|line| &line.receivers) {
        if histograms.last().is_none_or(|last| !last.is(receiver.latencies())) {
            histograms.push(receiver.latencies().clone());
        }
    }
    histograms
}

async fn run(
    sending: impl Future<Output = Result<Sender>>,
    receivers: Vec<Receiver>,
    begin: Instant,
) -> Result<Ended> {
    let (over, acked) = watch::channel(None);
    let mut receiving = JoinSet::new();
    for receiver in receivers {
        receiving.spawn(receiver.run(acked.clone()));
    }
    let sent = sending.await?.finish().await?;
    let acked_in = begin.elapsed();
    over.send_replace(Some(sent.answers.stored().len()));
    let mut received = Vec::new();
    while let Some(receiver) = receiving.join_next().await {
        received.push(receiver??);
    }
    Ok(Ended { sent, acked_in, received })
}

impl Measured {
    fn gather(&mut self, ended: &Ended) {
        let Sent { answers, ack, late } = &ended.sent;
        self.tally += answers.tally();
        self.refused_by = self.refused_by.take().or_else(|| answers.refused_by().map(str::to_owned));
        self.ack.add(ack);
        self.send_late.add(late);
        self.seconds = self.seconds.max(ended.acked_in.as_secs_f64());
        for received in &ended.received {
            self.tally += received.meter.tally(answers.stored());
            self.received_seconds = self.received_seconds.max(received.last.as_secs_f64());
        }
    }
}
