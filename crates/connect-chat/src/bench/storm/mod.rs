//! `bench storm`: all sessions live, then cut at once, while people go on writing in their groups. How long until all are
//! back and caught up, what memory the server takes for it, and whether anything is missing.

mod log;
mod number;
mod session;
mod speaker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::ceilings::Relay;
use super::crowd::{Crowd, speaker_of};
use super::drive::{micros, sockets};
use super::figures::{Figures, round};
use super::latencies::{Latencies, Millis};
use super::meter::{Numbers, Tally};
use super::out::Out;
use super::process::{self, allow_sockets, megabytes};
use super::report::{Ceiling, Headline, Report};
use super::runs::Benchmark;
use super::target::Target;
use session::{Seen, Session, Told};
use speaker::Speaker;

/// All sessions cut at once, and back.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many sessions.
    #[arg(long, default_value_t = 5_000)]
    sessions: usize,
    /// In how many groups each is.
    #[arg(long, default_value_t = 20)]
    conversations: usize,
    /// Messages that are written each second, in all groups together.
    #[arg(long, default_value_t = 200)]
    rate: u32,
}

/// Sessions made live at once, before the storm.
const CONNECTS_MAX: usize = 64;

/// It is written for so long before the storm, and after it.
const CALM: Duration = Duration::from_secs(2);

/// Bytes that a relay is asked by a returning session and answers: a hello with a token and a sync, and its changes.
const ASKED_BYTES: usize = 700;
const ANSWER_BYTES: usize = 2_000;

/// What is reported.
#[derive(Serialize)]
struct Storm {
    sessions: usize,
    conversations: usize,
    /// From the cut until the last session had caught up.
    back_s: f64,
    /// From the cut until each session had.
    back_ms: Option<Millis>,
    /// How often sessions were turned away.
    turned_away: u64,
    /// Why one of them was.
    turned_away_by: Option<String>,
    rss_before_mb: f64,
    /// The most during the storm.
    rss_peak_mb: f64,
    cpu_ms: f64,
}

impl Benchmark for Args {
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report> {
        ensure!(self.sessions > 0 && self.rate > 0, "sessions and a rate above 0 are needed");
        allow_sockets(self.sessions)?;
        let crowd = Crowd::make(target, self.sessions, self.conversations, out).await?;
        let (storm, tally) = self.storm(target, &crowd, out).await?;
        let relaying = async { Relay::start().await?.storm(self.sessions, ASKED_BYTES, ANSWER_BYTES).await };
        let relay = target.alone(relaying).await?;
        let figures = Figures { server_rss_mb: Some(round(storm.rss_peak_mb)), ..Figures::from(&tally) };
        let what = "as many connections to a relay, each answered";
        let bound = relay.map(|took| Ceiling::new(what, "ms", took.as_secs_f64() * 1e3, storm.back_s * 1e3));
        Ok(Report::new("storm", Headline::less("back_s", storm.back_s), figures).under(bound).with(storm))
    }
}

impl Args {
    async fn storm(&self, target: &Target, crowd: &Crowd, out: &Out) -> Result<(Storm, Tally)> {
        let pid = target.known_pid()?;
        let sessions = self.live(target, crowd, out).await?;
        let (tell, told) = watch::channel(Told::Live);
        let (back, mut returns) = mpsc::channel(self.sessions);
        let mut under_way: JoinSet<Result<Seen>> = JoinSet::new();
        for (session, groups) in sessions.into_iter().zip(crowd.groups_of_people()) {
            under_way.spawn(session.run(groups, told.clone(), back.clone()));
        }
        let (stop, mut speaking) = self.speak(target, crowd, out).await?;
        sleep(CALM).await;
        process::reset_peak(pid);
        let rss_before_mb = megabytes(target.known_rss_bytes()?);
        let cpu = target.known_cpu_us()?;
        let cut = Instant::now();
        tell.send_replace(Told::Cut);
        let latencies = self.returns(&mut returns, &mut under_way, cut, out).await?;
        let cpu_ms = target.known_cpu_us()?.saturating_sub(cpu) as f64 / 1e3;
        let rss_peak_mb = process::peak_bytes(pid).map(megabytes).context("the server is gone")?;
        sleep(CALM).await;
        stop.send_replace(true);
        let mut acked = vec![Numbers::default(); crowd.groups.len()];
        while let Some(speaker) = speaking.join_next().await {
            speaker??.into_iter().for_each(|(group, numbers)| acked[group] = numbers);
        }
        let written = acked.iter().map(Numbers::len).sum();
        tell.send_replace(Told::Over(Arc::new(acked)));
        let mut tally = Tally { sent: written, acked: written, ..Tally::default() };
        let (mut turned_away, mut turned_away_by) = (0, None);
        while let Some(seen) = under_way.join_next().await {
            let seen = seen??;
            tally += seen.tally;
            turned_away += seen.turned_away;
            turned_away_by = seen.turned_away_by.or(turned_away_by);
        }
        let back_ms = latencies.millis();
        let storm = Storm {
            sessions: self.sessions,
            conversations: self.conversations,
            back_s: back_ms.map_or(0.0, |millis| millis.max / 1e3),
            back_ms,
            turned_away,
            turned_away_by,
            rss_before_mb,
            rss_peak_mb,
            cpu_ms,
        };
        Ok((storm, tally))
    }

    /// All of them, caught up.
    async fn live(&self, target: &Target, crowd: &Crowd, out: &Out) -> Result<Vec<Session>> {
        let bar = out.bar("sessions", self.sessions as u64);
        let ids = Arc::new(crowd.groups.iter().map(|group| group.id.to_string()).collect());
        let living = crowd
            .people
            .iter()
            .map(|tokens| Session::live(&target.url, &tokens.access_token, Arc::clone(&ids)));
        let live = stream::iter(living).buffered(CONNECTS_MAX).inspect_ok(|_| bar.inc(1)).try_collect().await;
        bar.finish_and_clear();
        live
    }

    /// Has the speakers speak, until told to stop.
    async fn speak(
        &self,
        target: &Target,
        crowd: &Crowd,
        out: &Out,
    ) -> Result<(watch::Sender<bool>, JoinSet<Result<speaker::Acked>>)> {
        let (stop, stopped) = watch::channel(false);
        let every = Duration::from_secs(crowd.speakers.len() as u64) / self.rate;
        let unix_ms = target.clock.server_time().unix_ms();
        let mut speaking = JoinSet::new();
        for (number, socket) in sockets(target, &crowd.speakers, out).await?.into_iter().enumerate() {
            let own = crowd.groups.iter().enumerate().filter(|(group, _)| speaker_of(*group) == number);
            let groups: Vec<_> = own.map(|(index, group)| (index, group.id)).collect();
            if !groups.is_empty() {
                speaking.spawn(Speaker { socket, groups, unix_ms }.run(every, stopped.clone()));
            }
        }
        Ok((stop, speaking))
    }

    /// Waits until all are back: how long after the cut each was.
    async fn returns(
        &self,
        returns: &mut mpsc::Receiver<Instant>,
        under_way: &mut JoinSet<Result<Seen>>,
        cut: Instant,
        out: &Out,
    ) -> Result<Latencies> {
        let bar = out.bar("sessions back", self.sessions as u64);
        let mut latencies = Latencies::new();
        for _ in 0..self.sessions {
            tokio::select! {
                back = returns.recv() => {
                    let back = back.context("the sessions are gone")?;
                    latencies.record(micros(back.saturating_duration_since(cut)));
                }
                Some(ended) = under_way.join_next() => {
                    ended??;
                    bail!("a session ended before it was over");
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(latencies)
    }
}
