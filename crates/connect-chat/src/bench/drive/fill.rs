//! Storing so many messages, by the way that every message goes.

use anyhow::Result;

use super::{Line, Sender, measure};
use crate::bench::figures::Measured;
use crate::bench::out::Out;
use crate::bench::target::Target;

/// Stores so many messages, spread over these lines, with a window of them under way in each.
pub(in crate::bench) async fn fill(
    lines: Vec<Line>,
    target: &Target,
    messages: u64,
    window: usize,
    out: &Out,
) -> Result<Measured> {
    let bar = out.bar("messages", messages);
    let (share, mut rest) = (messages / lines.len() as u64, messages % lines.len() as u64);
    let filled = measure(lines, target, |mut sender| {
        let total = share + u64::from(rest > 0);
        rest = rest.saturating_sub(1);
        let bar = bar.clone();
        async move {
            let mut answered = 0;
            while answered < total {
                fill_window(&mut sender, window, total).await?;
                let now = sender.sent() - sender.outstanding();
                bar.inc(now - answered);
                answered = now;
            }
            Ok(sender)
        }
    })
    .await;
    bar.finish_and_clear();
    filled
}

/// Sends until the window is full or `total` messages were sent, and waits for answers.
pub(in crate::bench) async fn fill_window(sender: &mut Sender, window: usize, total: u64) -> Result<()> {
    let now = sender.now_us();
    while sender.outstanding() < window as u64 && sender.sent() < total {
        sender.send(now)?;
    }
    sender.answers().await
}
