//! Storing so many messages, by the way that every message goes.

use anyhow::Result;
use protocol::http::Tokens;

use super::{Sender, measure, pairs};
use crate::bench::out::Out;
use crate::bench::report::Measured;
use crate::bench::target::Target;

/// Stores so many messages, spread over the conversations of these pairs, with a window of them under way in each.
pub(in crate::bench) async fn fill(
    target: &Target,
    people: &[Tokens],
    messages: u64,
    window: usize,
    text_bytes: usize,
    out: &Out,
) -> Result<Measured> {
    let lines = pairs(target, people, text_bytes, out).await?;
    let bar = out.bar("messages", messages);
    let (share, mut rest) = (messages / lines.len() as u64, messages % lines.len() as u64);
    let filled = measure(lines, target, |mut sender| {
        let total = share + u64::from(rest > 0);
        rest = rest.saturating_sub(1);
        let bar = bar.clone();
        async move {
            let mut acked = 0;
            while acked < total {
                fill_window(&mut sender, window, total).await?;
                let now = sender.sent() - sender.outstanding() as u64;
                bar.inc(now - acked);
                acked = now;
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
    while sender.outstanding() < window && sender.sent() < total {
        sender.send(now)?;
    }
    sender.answers().await
}
