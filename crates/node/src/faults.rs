//! Fail points that end this process: what the crash tests ask for. Off unless configured.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::ensure;
use contracts::{FailPoints, NoFailPoints};

use crate::config::Faults;

/// The fail points of every box, each named once: what `faults.kill_at` may name.
pub fn places() -> impl Iterator<Item = &'static str> {
    let boxes = [
        service_messaging::FAIL_POINTS,
        service_group::FAIL_POINTS,
        service_notification::FAIL_POINTS,
        gateway::FAIL_POINTS,
    ];
    boxes.into_iter().flatten().copied()
}

/// The fail points that were asked for, which are none as a rule.
pub(crate) fn fail_points(faults: &Faults) -> anyhow::Result<Arc<dyn FailPoints>> {
    let Faults { kill_at, kill_at_pass, kill_once, .. } = faults;
    if kill_at.is_empty() {
        return Ok(Arc::new(NoFailPoints));
    }
    let known: Vec<&str> = places().collect();
    ensure!(
        known.contains(&kill_at.as_str()),
        "faults.kill_at: there is no fail point `{kill_at}`, but {}",
        known.join(", ")
    );
    tracing::warn!(place = kill_at, pass = kill_at_pass, "will end itself at a fail point");
    Ok(Arc::new(KillAt::new(kill_at.clone(), *kill_at_pass, kill_once.clone())))
}

/// Ends the process at one place, at its how-manieth pass, as `kill -9` would.
struct KillAt {
    place: String,
    passes_left: AtomicU64,
    /// The file that has to be there before a pass counts.
    once: PathBuf,
    counts: AtomicBool,
}

impl KillAt {
    fn new(place: String, pass: u64, once: PathBuf) -> Self {
        let counts = AtomicBool::new(once.as_os_str().is_empty());
        Self { place, passes_left: AtomicU64::new(pass.max(1)), once, counts }
    }

    fn counts(&self) -> bool {
        if !self.counts.load(Ordering::Relaxed) && self.once.exists() {
            self.counts.store(true, Ordering::Relaxed);
        }
        self.counts.load(Ordering::Relaxed)
    }
}

impl FailPoints for KillAt {
    fn hit(&self, place: &'static str) {
        if place == self.place && self.counts() && self.passes_left.fetch_sub(1, Ordering::Relaxed) == 1 {
            kill();
        }
    }
}

/// SIGKILL to oneself: no handler runs, no buffer is flushed.
fn kill() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal ends the process before this line; aborting is as sudden.
    std::process::abort();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_boxes_name_a_fail_point_alike() {
        let all: Vec<&str> = places().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_misspelt_fail_point_is_never_passed() {
        let default = crate::config::Config::default().faults;
        let misspelt = Faults { kill_at: "after_apend".to_owned(), ..default };
        let error = fail_points(&misspelt).err().expect("it is refused");
        assert!(error.to_string().contains("after_append"), "{error}");
    }
}
