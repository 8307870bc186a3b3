//! Crashes: the real program on a disk that forgets, killed over and over with submissions in flight.
//!
//! A story is one data folder: people sign up once, then the server lives and dies many times on what it left: at random
//! instants, and at every fail point of every box, while some talk, some only listen, some come and go, and most are
//! absent. After each kill the disk forgets what was not fsynced; the server
//! is started again, devices come back and send again what was not acked. After every few kills everything heals and is
//! judged by the checker, and the store is walked as the kill left it.
//!
//! Deliberately absent: anything timed; where this waits for something, only its never coming is a failure.

mod account;
mod cast;
mod changes;
mod device;
mod judge;
mod places;
mod stage;
mod story;
mod table;

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::checker::Finding;
use crate::forgetful_disk::ForgetfulDisk;
use crate::simulation::chance::Chance;
use places::places;
use story::Story;

pub use table::{Count, Table};

/// An fsync takes at least so long, so that there are many submissions between their append and its end.
const SYNC_TIME: Duration = Duration::from_millis(4);

/// After so many kills that count, everything is to heal and is judged.
const JUDGED_EVERY: usize = 14;

/// One story.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What chance is made from. Processes and threads take their own turns, so that the same seed tells a similar story,
    /// not the same.
    pub seed: u64,
    /// Kills that count, with enough in flight.
    pub kills: usize,
}

/// What a story did and found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What it did.
    pub table: Table,
    /// Laws that were broken.
    pub findings: Vec<Finding>,
}

/// A bug that is planted to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The server acknowledges before it fsyncs: for a while before a kill, the disk's fsync does nothing.
    AckBeforeFsync,
    /// The gateway loses some of the entries that it is to push.
    LostPush,
}

/// When the server dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    /// At the n-th pass of a fail point, from when enough is in flight.
    At(&'static str, u64),
    /// So long after enough was in flight; whether devices were all back before anyone sent.
    After(Duration, bool),
    /// While a small group becomes large, with enough in flight.
    Crossing,
}

impl Kill {
    /// The n-th kill of a story: half of them at fail points, each in its turn; of the others, one in four while a group
    /// crosses.
    fn nth(n: usize, chance: &Chance) -> Self {
        if n.is_multiple_of(2) {
            let places = places();
            let place = places[n / 2 % places.len()];
            Self::At(place.name, 1 + chance.below(place.passes_max))
        } else if n % 8 == 1 {
            Self::Crossing
        } else {
            Self::After(Duration::from_millis(chance.below(250)), chance.one_in(2))
        }
    }
}

/// Kills that a story needs so that every fail point has its turn.
pub fn kills_min() -> usize {
    2 * places().len()
}

/// Tells a story, up to its end or the first judgement that finds something.
///
/// # Errors
///
/// When the story cannot go on: the server does not start on what a kill left, or the store that it left is not sound.
pub async fn run(plan: Plan, disk: ForgetfulDisk) -> Result<Outcome> {
    let chance = Chance::new(plan.seed);
    let mut story = Story::begin(disk.with_slow_sync(SYNC_TIME), &chance, &[]).await?;
    match tell(&mut story, plan, &chance).await {
        Ok(()) => Ok(story.end()),
        Err(error) => Err(error.context(story.said())),
    }
}

async fn tell(story: &mut Story, plan: Plan, chance: &Chance) -> Result<()> {
    let mut tries = 0;
    while story.table.kills() < plan.kills {
        let kills = story.table.kills();
        story.live_and_die(Kill::nth(kills, chance)).await?;
        tries += 1;
        ensure!(tries <= plan.kills * 3, "too few kills have enough in flight to count:\n{}", story.table);
        let counted = story.table.kills();
        if counted > kills && counted.is_multiple_of(JUDGED_EVERY) && counted < plan.kills {
            story.walk().await?;
            if story.heal_and_judge().await? {
                return Ok(());
            }
            story.die_at_rest().await?;
        }
    }
    story.walk().await?;
    if story.heal_and_judge().await? { Ok(()) } else { story.stop_and_walk().await }
}

/// Tells a short story with a bug in the server. What it finds shows whether the rest of this module finds anything.
///
/// # Errors
///
/// As [`run`].
pub async fn run_with(bug: Bug, seed: u64, disk: ForgetfulDisk) -> Result<Outcome> {
    let settings: &[&str] = match bug {
        Bug::AckBeforeFsync => &[],
        Bug::LostPush => &["faults.deliver=drop", "faults.deliver_every=20"],
    };
    let mut story = Story::begin(disk, &Chance::new(seed), settings).await?;
    story.with_a_bug(bug).await?;
    Ok(story.end())
}
