//! Messaging as one thing: what others call, and the tasks that work.

use std::sync::Arc;

use contracts::services::{CatchUp, Slots};
use tokio::task::JoinSet;

use crate::context::Context;
use crate::sessions::{self, SlotKeeper};
use crate::worker::Worker;

/// The group that Messaging reads topics in.
pub const GROUP: &str = "messaging";

/// What others call.
#[derive(Clone)]
pub struct Service {
    /// What a person may read.
    pub catch_up: Arc<dyn CatchUp>,
    /// Slots for gateways.
    pub slots: Arc<dyn Slots>,
}

/// The tasks that work: they end when their topics are closed and empty. One that fails ends the process, since what it
/// has under way is delivered again to whoever comes next.
pub type Tasks = JoinSet<Result<(), bus::Error>>;

impl Service {
    /// What can be asked of Messaging, before anything works.
    pub fn new(context: &Context) -> Self {
        Self {
            catch_up: Arc::new(crate::catch_up::CatchUp(context.clone())),
            slots: Arc::new(SlotKeeper(context.clone())),
        }
    }

    /// Starts the workers.
    pub fn start_workers(context: &Context) -> Result<Tasks, bus::Error> {
        let mut tasks = Tasks::new();
        for _ in 0..context.config.workers {
            let consumer = context.submit.subscribe(GROUP)?;
            tasks.spawn(Worker::new(context.clone(), consumer).run());
        }
        Ok(tasks)
    }

    /// Starts the workers and the follower of sessions.
    pub fn start(context: &Context) -> Result<Tasks, bus::Error> {
        let mut tasks = Self::start_workers(context)?;
        let consumer = context.sessions.subscribe(GROUP)?;
        tasks.spawn(sessions::follow(context.clone(), consumer));
        Ok(tasks)
    }
}
