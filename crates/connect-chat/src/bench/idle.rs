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
use super::figures::{Figures, round};
use super::lean::{Heard, Socket, parse};
use super::out::Out;
use super::process::{allow_sockets, megabytes};
use super::report::{Ceiling, Headline, Report};
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
    /// CPU time that the server took while they were held, once all had resumed, as a share of one core.
    cpu_share: f64,
}

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        ensure!(self.sessions > 0, "a number of sessions above 0 is needed");
        allow_sockets(self.sessions)?;
        let crowd = Crowd::make(target, self.sessions, self.conversations, out).await?;
        target.restart(End::Told).await?;
        let idle = self.hold(target, &crowd, out).await?;
        let of_relay = async { Relay::start().await?.idle_bytes(self.sessions).await };
        let of_relay = target.alone(of_relay).await?;
        let of_session = (idle.rss_held_mb - idle.rss_before_mb) * 1e6 / self.sessions as f64;
        let figures = Figures {
            rss_bytes_per_session: Some(of_session.round()),
            server_rss_mb: Some(round(idle.rss_held_mb)),
            ..Figures::default()
        };
        let bound = of_relay.map(|bytes| Ceiling::new("a connection of a relay", "bytes", bytes, of_session));
        Ok(Report::new("idle", Headline::less("rss_bytes_per_session", of_session), figures)
            .under(bound)
            .with(idle))
    }
}

impl Args {
    async fn hold(&self, target: &Target, crowd: &Crowd, out: &Out) -> Result<Idle> {
        let rss_mb = || target.known_rss_bytes().map(megabytes);
        let rss_before_mb = rss_mb()?;
        let sockets = sockets(target, &crowd.people, out).await?;
        let rss_registered_mb = rss_mb()?;
        let sockets = if self.no_sync { sockets } else { resumed(sockets).await? };
        let (over, told) = watch::channel(false);
        let mut held = JoinSet::new();
        for socket in sockets {
            held.spawn(hold(socket, told.clone()));
        }
        let cpu = target.known_cpu_us()?;
        let failed = timeout(Duration::from_secs(self.hold), held.join_next());
        if let Ok(Some(ended)) = out.seconds("held", self.hold, failed).await {
            ended??;
            bail!("a session ended before it was over");
        }
        let cpu_us = target.known_cpu_us()?.saturating_sub(cpu);
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

/// Has all of them resume at once, from nothing, and waits until each has all that changed.
async fn resumed(sockets: Vec<Socket>) -> Result<Vec<Socket>> {
    let mut resuming = JoinSet::new();
    for mut socket in sockets {
        resuming.spawn(async move {
            timeout(PATIENCE, resume(&mut socket)).await.context("a sync is not answered")??;
            Ok::<_, anyhow::Error>(socket)
        });
    }
    let mut resumed = Vec::new();
    while let Some(socket) = resuming.join_next().await {
        resumed.push(socket??);
    }
    Ok(resumed)
}

async fn resume(socket: &mut Socket) -> Result<()> {
    let mut token = None;
    loop {
        socket.say(&FromDevice::Sync { token })?;
        token = loop {
            socket.turn().await?;
            let Came { changes, .. } = hear(socket)?;
            match changes {
                Some(Changed { more: false, .. }) => return Ok(()),
                Some(Changed { more: true, token }) => break Some(token),
                None => {}
            }
        };
    }
}

/// One session, which waits until it is over, and lives then.
async fn hold(mut socket: Socket, mut over: watch::Receiver<bool>) -> Result<()> {
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
        while hear(&mut socket)?.frames == 0 {
            socket.turn().await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    timeout(PATIENCE, answered).await.context("a session does not live any more")??;
    socket.cut()
}

/// What came.
#[derive(Default)]
struct Came {
    frames: usize,
    /// By the last answer to a sync.
    changes: Option<Changed>,
}

struct Changed {
    more: bool,
    token: String,
}

fn hear(socket: &mut Socket) -> Result<Came> {
    let mut came = Came::default();
    while let Some(frame) = socket.next()? {
        came.frames += 1;
        match parse(frame)? {
            Heard::Changes(changes) => {
                came.changes = Some(Changed { more: changes.more, token: changes.token.to_owned() });
            }
            Heard::Error(error) => bail!("a session was refused: {}", error.error),
            Heard::Goodbye(goodbye) => bail!("a session was sent away: {goodbye:?}"),
            _ => {}
        }
    }
    Ok(came)
}
