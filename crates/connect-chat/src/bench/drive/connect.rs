//! Making lines: people, conversations, connections.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use domain::ConversationId;
use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::http::Tokens;

use super::{Line, Receiver, Sender};
use crate::bench::latencies;
use crate::bench::lean::Socket;
use crate::bench::out::Out;
use crate::bench::target::Target;

/// Connections made at once.
const CONNECTS_MAX: usize = 64;

/// Receivers that record their latencies in one histogram.
const SHARING: usize = 64;

/// The people of so many pairs.
pub(in crate::bench) async fn people_of_pairs(
    target: &Target,
    count: usize,
    out: &Out,
) -> Result<Vec<Tokens>> {
    target.mint_all((0..count * 2).map(|n| format!("p{n}")).collect(), out).await
}

/// Connects these people, in order.
pub(in crate::bench) async fn sockets(target: &Target, people: &[Tokens], out: &Out) -> Result<Vec<Socket>> {
    let bar = out.bar("connections", people.len() as u64);
    let connecting = people.iter().map(|tokens| Socket::connect(&target.url, &tokens.access_token));
    let sockets =
        stream::iter(connecting).buffered(CONNECTS_MAX).inspect_ok(|_| bar.inc(1)).try_collect().await;
    bar.finish_and_clear();
    sockets
}

/// Connects pairs: the first of these people writes to the second, and so on.
pub(in crate::bench) async fn pairs(
    target: &Target,
    people: &[Tokens],
    text_bytes: usize,
    out: &Out,
) -> Result<Vec<Line>> {
    let mut sockets = sockets(target, people, out).await?.into_iter();
    let start = Instant::now();
    let mut lines = Vec::new();
    for two in people.chunks(2) {
        let [one, other] = two else { bail!("an odd one") };
        let conversation = ConversationId::direct(one.user, other.user);
        let sockets = sockets.by_ref().take(2).collect();
        lines.push(line(target, conversation, sockets, text_bytes, start)?);
    }
    Ok(lines)
}

/// Connects the members of a group; the first of them sends.
pub(in crate::bench) async fn group(
    target: &Target,
    group: ConversationId,
    members: &[Tokens],
    text_bytes: usize,
    out: &Out,
) -> Result<Line> {
    let sockets = sockets(target, members, out).await?;
    line(target, group, sockets, text_bytes, Instant::now())
}

/// The first of these sockets sends, the others receive.
fn line(
    target: &Target,
    conversation: ConversationId,
    sockets: Vec<Socket>,
    text_bytes: usize,
    start: Instant,
) -> Result<Line> {
    let mut sockets = sockets.into_iter();
    let first = sockets.next().context("nobody is there to send")?;
    let delivered = Arc::new(AtomicU64::new(0));
    let unix_ms = target.clock.server_time().unix_ms();
    let sender = Sender::new(first, conversation, unix_ms, text_bytes, start, Arc::clone(&delivered));
    let mut receivers: Vec<Receiver> = Vec::new();
    for socket in sockets {
        let latencies = match receivers.last() {
            Some(last) if !receivers.len().is_multiple_of(SHARING) => last.latencies().clone(),
            _ => latencies::Shared::new(),
        };
        receivers.push(Receiver::new(socket, conversation, start, latencies, Arc::clone(&delivered)));
    }
    Ok(Line { sender, receivers })
}
