//! `bench idle`: sessions that only wait. Each is authenticated, registered, in a number of groups, has resumed once as a
//! device does, and is held past two heartbeats.
//!
//! The server is a process that was started anew on the people and groups: what making them cost is not in its memory.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use protocol::frame::FromDevice;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::ceilings::Relay;
use super::crowd::Crowd;
use super::drive::sockets;
use super::lean::{Heard, Socket, parse};
use super::out::Out;
use super::process::{allow_sockets, megabytes};
use super::report::{Ceiling, Figures, Report, round};
use super::runs::Benchmark;
use super::server::End;
use super::target::Target;

/// Sessions that only wait: the memory of each.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many sessions.
    #[arg(long, default_value_t = 15_000)]
    sessions: usize,
    /// In how many groups each is.
    #[arg(long, default_value_t = 20)]
    conversations: usize,
    /// For how long they are held, in seconds: by default past two heartbeats.
    #[arg(long, default_value_t = 60)]
    hold: u64,
    /// Only register: do not resume.
    #[arg(long)]
    no_sync: bool,
}

/// A session that lives answers a ping within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is reported.
#[derive(Serialize)]
struct Idle {
    sessions: usize,
    conversations: usize,
    held_secs: u64,
    rss_before_mb: f64,
    /// Once all were registered.
    rss_registered_mb: f64,
    /// At the end.
    rss_held_mb: f64,
    /// CPU time that the server took while they were held, as a share of one core.
    cpu_share: f64,
}

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        ensure!(self.sessions > 0, "a number of sessions above 0 is needed");
        allow_sockets(self.sessions)?;
        let crowd = Crowd::make(target, self.sessions, self.conversations, out).await?;
        target.restart(End::Told).await?;
        let idle = self.hold(target, &crowd, out).await?;
        target.end().await?;
        let of_relay = Relay::start().await?.idle_bytes(self.sessions).await?;
        let of_session = (idle.rss_held_mb - idle.rss_before_mb) * 1e6 / self.sessions as f64;
        let figures = Figures {
            rss_bytes_per_session: Some(of_session.round()),
            server_rss_mb: Some(round(idle.rss_held_mb)),
            ..Figures::default()
        };
        let bound = Ceiling::new("a connection of a relay, bytes", of_relay, of_session);
        Ok(Report::new("idle", ("rss_bytes_per_session", of_session), figures).under(bound).with(idle))
    }
}

impl Args {
    async fn hold(&self, target: &Target, crowd: &Crowd, out: &Out) -> Result<Idle> {
        let rss_mb =
            || target.rss_bytes().map(megabytes).context("the server's process is not known: --server-pid");
        let rss_before_mb = rss_mb()?;
        let sockets = sockets(target, &crowd.people, out).await?;
        let rss_registered_mb = rss_mb()?;
        let (over, told) = watch::channel(false);
        let mut held = JoinSet::new();
        for socket in sockets {
            held.spawn(hold(socket, !self.no_sync, told.clone()));
        }
        let cpu = target.cpu_us();
        let failed = timeout(Duration::from_secs(self.hold), held.join_next());
        if let Ok(Some(ended)) = out.seconds("held", self.hold, failed).await {
            ended??;
            bail!("a session ended before it was over");
        }
        let cpu_us = target.cpu_us().zip(cpu).map_or(0, |(after, before)| after - before);
        let rss_held_mb = rss_mb()?;
        over.send_replace(true);
        while let Some(ended) = held.join_next().await {
            ended??;
        }
        Ok(Idle {
            sessions: self.sessions,
            conversations: self.conversations,
            held_secs: self.hold,
            rss_before_mb,
            rss_registered_mb,
            rss_held_mb,
            cpu_share: cpu_us as f64 / 1e6 / self.hold.max(1) as f64,
        })
    }
}

/// One session, which waits until it is over, and lives then.
async fn hold(mut socket: Socket, sync: bool, mut over: watch::Receiver<bool>) -> Result<()> {
    if sync {
        socket.say(&FromDevice::Sync { token: None })?;
    }
    loop {
        tokio::select! {
            came = socket.turn() => {
                came?;
                hear(&mut socket)?;
            }
            _ = over.changed() => break,
        }
    }
    socket.say(&FromDevice::Ping {})?;
    let answered = async {
        loop {
            socket.turn().await?;
            if hear(&mut socket)? > 0 {
                return Ok::<_, anyhow::Error>(());
            }
        }
    };
    timeout(PATIENCE, answered).await.context("a session does not live any more")??;
    socket.cut()
}

/// How many frames came.
fn hear(socket: &mut Socket) -> Result<usize> {
    let mut count = 0;
    while let Some(frame) = socket.next()? {
        count += 1;
        if let Heard::Goodbye(goodbye) = parse(frame)? {
            bail!("a session was sent away: {goodbye:?}");
        }
    }
    Ok(count)
}
