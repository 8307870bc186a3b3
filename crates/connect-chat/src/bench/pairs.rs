//! `bench pairs`: closed loop. Each pair keeps a window of messages under way.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::drive::{Pair, Received, Sender, Sent, pairs};
use super::meter::Tally;
use super::out::Out;
use super::report::{Latencies, Measured, Report};
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

pub(super) async fn run(args: &Args, target: &Target, out: &Out) -> Result<Report> {
    let pairs = pairs(target, args.pairs, args.text_bytes, out).await?;
    let window = args.window.max(1);
    let end = Duration::from_secs(args.secs);
    let measured =
        measure(pairs, target, out, args.secs, move |sender| keep_window(sender, window, end)).await?;
    Ok(Report::new("pairs", measured))
}

async fn keep_window(mut sender: Sender, window: usize, secs: Duration) -> Result<Sender> {
    let begin = Instant::now();
    while begin.elapsed() < secs {
        let now = sender.now_us();
        while sender.outstanding() < window {
            sender.send(now)?;
        }
        sender.answers().await?;
    }
    Ok(sender)
}

/// Runs all pairs, each sender as `send` says, and gathers what both ends saw.
pub(super) async fn measure<S, F>(
    pairs: Vec<Pair>,
    target: &Target,
    out: &Out,
    secs: u64,
    mut send: S,
) -> Result<Measured>
where
    S: FnMut(Sender) -> F,
    F: Future<Output = Result<Sender>> + Send + 'static,
{
    let bar = out.bar("seconds", secs);
    let cpu = target.cpu_us();
    let begin = Instant::now();
    let mut tasks: JoinSet<Result<(Sent, f64, Received)>> = JoinSet::new();
    for Pair { sender, receiver } in pairs {
        let (over, acked) = watch::channel(None);
        let sending = send(sender);
        let receiving = tokio::spawn(receiver.run(acked));
        tasks.spawn(async move {
            let sent = sending.await?.finish().await?;
            let seconds = begin.elapsed().as_secs_f64();
            over.send_replace(Some(sent.tally.acked));
            Ok((sent, seconds, receiving.await??))
        });
    }
    let ticking = tick(bar.clone(), secs);
    let mut measured = Measured {
        tally: Tally::default(),
        ack: Latencies::new(),
        receive: Latencies::new(),
        seconds: 0.0,
        server_cpu_us: None,
        server_rss_mb: None,
    };
    let gathering = async {
        while let Some(pair) = tasks.join_next().await {
            let (sent, seconds, received) = pair??;
            measured.tally += sent.tally;
            measured.tally += received.meter.tally(&sent.acked);
            if let Some(latencies) = &sent.latencies {
                measured.ack.add(latencies);
            }
            measured.receive.add(&received.latencies);
            measured.seconds = measured.seconds.max(seconds);
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::select! {
        gathered = gathering => gathered?,
        () = ticking => {}
    }
    bar.finish_and_clear();
    measured.server_cpu_us = target.cpu_us().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    measured.server_rss_mb = target.rss_mb();
    Ok(measured)
}

/// Moves the bar each second, for ever.
async fn tick(bar: indicatif::ProgressBar, secs: u64) {
    for _ in 0..secs {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bar.inc(1);
    }
    std::future::pending().await
}
