//! A story on one data folder: the server's lives, the devices that come back in each, and the judgements between.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use domain::Kind;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::cast::Cast;
use super::judge::judge;
use super::stage::{Phase, Stage};
use super::table::{Count, IN_FLIGHT_MIN, Table};
use super::{Bug, Kill, Outcome};
use crate::checker::{Expected, Finding};
use crate::forgetful_disk::ForgetfulDisk;
use crate::history::Event;
use crate::process::{Options, Ports, Server};
use crate::simulation::chance::Chance;

/// Acks that a server gives with a bug in it before it is killed.
const ACKS_WITH_A_BUG: usize = 50;

/// Acks in a life in which all goes well, before it is calm.
const ACKS_IN_PEACE: usize = 1_500;

/// A push that is under way arrives within this time. Generous: what counts is that it does.
const PUSHES_WITHIN: Duration = Duration::from_secs(20);

/// What a fail point ends the server with.
const SIGKILL: i32 = 9;

/// Tokens outlive the story.
const TOKEN_MS: u64 = 86_400_000;

/// Where the next life is to end by itself.
type KillAt = Arc<Mutex<Option<(&'static str, u64)>>>;

/// A story under way.
pub(super) struct Story {
    pub(super) table: Table,
    server: Server,
    disk: ForgetfulDisk,
    kill_at: KillAt,
    stage: Arc<Stage>,
    expected: Vec<Expected>,
    askable: Vec<String>,
    findings: Vec<Finding>,
    /// Entries in all logs when it was judged last.
    entries: usize,
    pushes_within: Duration,
    /// Everybody who plays; ends with the story.
    players: JoinSet<()>,
}

impl Story {
    /// A first life of the server, in which everybody signs up and the conversations are made. It ends with a kill.
    pub(super) async fn begin(disk: ForgetfulDisk, chance: &Chance, settings: &[&str]) -> Result<Self> {
        let kill_at = KillAt::default();
        let (prepared, armed) = (disk.clone(), Arc::clone(&kill_at));
        let prepare = move |command: &mut Command, data: &Path| {
            if let Some(kill_at) = *armed.lock().unwrap_or_else(PoisonError::into_inner) {
                kills_at(command, kill_at, data);
            }
            prepared.env(command, data)
        };
        let server = settings
            .iter()
            .fold(Options::cheap(), |options, setting| options.set(*setting))
            .set(format!("accounts.access_token_ms={TOKEN_MS}"))
            .set("messaging.cursor_flush_ms=50")
            .set("log.level=warn")
            .prepare(prepare)
            .start()
            .await?;
        let cast = Cast::assemble(&server, chance).await?;
        let (expected, stage) = (cast.expected(), cast.stage);
        let mut players = JoinSet::new();
        for device in cast.devices {
            players.spawn(device.run());
        }
        players.spawn(cast.changes.run());
        let (table, findings, entries) = Default::default();
        let askable = cast.askable;
        let mut story = Self {
            table,
            server,
            disk,
            kill_at,
            stage,
            expected,
            askable,
            findings,
            entries,
            pushes_within: PUSHES_WITHIN,
            players,
        };
        story.server.kill().await?;
        story.forget().await?;
        Ok(story)
    }

    /// One life of the server under load, from start to kill, and what the disk forgets.
    pub(super) async fn live_and_die(&mut self, kill: Kill) -> Result<()> {
        let place = if let Kill::At(place, pass) = kill { Some((place, pass)) } else { None };
        self.start(place).await?;
        if !matches!(kill, Kill::After(_, false)) {
            self.stage.enter(Phase::Gather);
            self.stage.all_live().await?;
        }
        self.stage.enter(Phase::Talk);
        self.much_in_flight().await?;
        // What is under way from before this is so at the kill, or answered.
        let mut before = Instant::now();
        match kill {
            Kill::At(place, pass) => {
                File::create(once(self.server.data()))?;
                let ended = self.server.ended().await;
                let status = ended.with_context(|| format!("{place} is not passed {pass} times"))?;
                ensure!(status.signal() == Some(SIGKILL), "the server ended with {status} before {place}");
            }
            Kill::After(time, _) => {
                sleep(time).await;
                before = Instant::now();
                self.kill().await?;
            }
            Kill::Crossing => {
                let stage = &self.stage;
                let crosses = || stage.is_crossing() && stage.in_flight() >= IN_FLIGHT_MIN;
                stage.until("no group becomes large", crosses).await?;
                before = Instant::now();
                self.kill().await?;
            }
        }
        self.died().await?;
        self.table.killed(place.map(|(place, _)| place), self.stage.in_flight());
        if let Some(crosses) = self.stage.change_since_before(before) {
            self.table.add_to(Count::ChangesCut, 1);
            self.table.add_to(Count::CrossingsCut, usize::from(crosses));
        }
        self.forget().await
    }

    /// One life under load, with a bug in it from when much is in flight; then one in which everything heals, as far as it
    /// can, and is judged.
    pub(super) async fn with_a_bug(&mut self, bug: Bug) -> Result<()> {
        self.start(None).await?;
        self.stage.enter(Phase::Talk);
        self.much_in_flight().await?;
        if bug == Bug::AckBeforeFsync {
            self.disk.lie(self.server.data(), true)?;
        }
        self.some_are_acked(ACKS_WITH_A_BUG).await?;
        self.kill().await?;
        self.died().await?;
        self.forget().await?;
        if bug == Bug::AckBeforeFsync {
            self.disk.lie(self.server.data(), false)?;
        }
        self.pushes_within = Duration::from_secs(1);
        self.heal_and_judge().await.map(drop)
    }

    async fn start(&mut self, kill_at: Option<(&'static str, u64)>) -> Result<()> {
        *self.kill_at.lock().unwrap_or_else(PoisonError::into_inner) = kill_at;
        // It is there only if the life before ended at a fail point.
        drop(std::fs::remove_file(once(self.server.data())));
        self.stage.change_answered();
        self.server.restart(Ports::Same).await
    }

    /// Kills a server that lives; one that ended by itself is another story.
    async fn kill(&mut self) -> Result<()> {
        if let Some(status) = self.server.try_wait()? {
            bail!("the server ended by itself, with {status}");
        }
        self.server.kill().await
    }

    /// What the server said, in all its lives.
    pub(super) fn said(&self) -> String {
        format!("the server said:\n{}", self.server.log())
    }

    async fn much_in_flight(&self) -> Result<()> {
        self.stage.until("not enough gets into flight", || self.stage.in_flight() >= IN_FLIGHT_MIN).await
    }

    async fn some_are_acked(&self, count: usize) -> Result<()> {
        let enough = self.stage.acked() + count;
        self.stage.until("too little is acked", || self.stage.acked() >= enough).await
    }

    /// Once the server is gone, so are all connections to it, whatever was still on the way.
    async fn died(&self) -> Result<()> {
        self.stage.enter(Phase::Down);
        self.stage.all_gone().await
    }

    async fn forget(&mut self) -> Result<()> {
        let (disk, data) = (self.disk.clone(), self.server.data().to_owned());
        let forgotten = tokio::task::spawn_blocking(move || disk.forget(&data)).await??;
        self.table.add_to(Count::Undone, forgotten.changes);
        self.table.add_to(Count::UndoneAfter, usize::from(forgotten.changes > 0));
        Ok(())
    }

    /// Walks the store as it is, while no server has it.
    pub(super) async fn walk(&mut self) -> Result<()> {
        self.table.add_to(Count::Walked, 1);
        self.server.verify().await.map(drop)
    }

    /// A life in which all goes well: devices come back and talk for a while, so that those who only listen have something
    /// to be pushed that no sync gives them later; then everything is settled, and judged. True if something was found;
    /// the server lives on.
    pub(super) async fn heal_and_judge(&mut self) -> Result<bool> {
        self.start(None).await?;
        self.stage.enter(Phase::Gather);
        self.stage.all_live().await?;
        self.stage.enter(Phase::Talk);
        self.some_are_acked(ACKS_IN_PEACE).await?;
        self.stage.enter(Phase::Calm);
        let stage = &self.stage;
        // If that does not come, the judgement finds which are not.
        drop(stage.until("every submission is settled", || stage.unsettled() == 0).await);
        let judgement =
            judge(&self.server, &self.stage, (&self.expected, &self.askable), self.pushes_within).await?;
        self.table.add_to(Count::Judged, 1);
        self.entries = judgement.entries;
        self.findings.extend(judgement.findings);
        Ok(!self.findings.is_empty())
    }

    /// A kill with nothing in flight, which counts for nothing.
    pub(super) async fn die_at_rest(&mut self) -> Result<()> {
        self.kill().await?;
        self.died().await?;
        self.forget().await
    }

    /// Stops the server as it is meant to be stopped, and walks what it leaves.
    pub(super) async fn stop_and_walk(&mut self) -> Result<()> {
        self.stage.enter(Phase::Down);
        self.server.terminate().await?;
        self.died().await?;
        self.walk().await
    }

    /// What came of it.
    pub(super) fn end(mut self) -> Outcome {
        self.players.abort_all();
        let stage = &self.stage;
        let count = |sort: fn(&Event) -> bool| stage.history.count(sort);
        let counts = [
            (Count::Entries, self.entries),
            (Count::Acked, count(|event| matches!(event, Event::Acked { .. }))),
            (Count::Refused, count(|event| matches!(event, Event::Refused { .. }))),
            (Count::Pushed, count(|event| matches!(event, Event::Pushed(_)))),
            (Count::CameOrWent, count(came_or_went)),
            (Count::Crossed, stage.crossings()),
            (Count::Left, stage.departures()),
        ];
        counts.into_iter().for_each(|(what, count)| self.table.add_to(what, count));
        Outcome { table: self.table, findings: self.findings }
    }
}

/// Somebody was to be added or removed.
fn came_or_went(event: &Event) -> bool {
    matches!(event, Event::Invoked { kind: Kind::Joined | Kind::Removed, .. })
}

/// The file from which on passes of a fail point count, beside the data.
fn once(data: &Path) -> PathBuf {
    data.with_file_name("kill-once")
}

/// Has the server end itself at the n-th pass of a fail point.
fn kills_at(command: &mut Command, (place, pass): (&str, u64), data: &Path) {
    let once = once(data);
    let settings = [
        format!("faults.kill_at={place}"),
        format!("faults.kill_at_pass={pass}"),
        format!("faults.kill_once={}", once.display()),
    ];
    settings.into_iter().for_each(|setting| _ = command.arg("--set").arg(setting));
}
