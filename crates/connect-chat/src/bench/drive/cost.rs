//! What a message costs the server.

use anyhow::Result;
use serde::Serialize;

use super::{Line, fill};
use crate::bench::figures::Measured;
use crate::bench::latencies::Millis;
use crate::bench::metrics::Commits;
use crate::bench::out::Out;
use crate::bench::target::Target;

/// What a message costs.
#[derive(Debug, Clone, Copy, Serialize)]
pub(in crate::bench) struct Cost {
    /// CPU time of the server, until Notification has followed, too.
    pub(in crate::bench) cpu_us_per_message: f64,
    acked_per_s: f64,
    ack_ms: Option<Millis>,
    receive_ms: Option<Millis>,
    #[serde(flatten)]
    commits: Commits,
}

/// What so many messages cost on these lines, with a window of them under way in each.
pub(in crate::bench) async fn cost(
    lines: Vec<Line>,
    target: &Target,
    messages: u64,
    window: usize,
    out: &Out,
) -> Result<(Cost, Measured)> {
    target.followed().await?;
    let (before, cpu) = (target.metrics().await?, target.known_cpu_us()?);
    let measured = fill(lines, target, messages, window, out).await?;
    target.followed().await?;
    let cpu = target.known_cpu_us()?.saturating_sub(cpu);
    let cost = Cost {
        cpu_us_per_message: cpu as f64 / messages as f64,
        acked_per_s: measured.tally.acked as f64 / measured.seconds.max(1e-9),
        ack_ms: measured.ack.millis(),
        receive_ms: measured.receive.millis(),
        commits: target.metrics().await?.commits_since(&before),
    };
    Ok((cost, measured))
}
