//! HTTP requests that wait for the outcome of a submission, each under a number of its own.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::records::Stored;
use domain::Rejection;
use tokio::sync::oneshot;

type Outcome = Result<Stored, Rejection>;

/// Those that wait.
#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<HashMap<u64, oneshot::Sender<Outcome>>>);

/// One that waits. Forgotten when it is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    requests: &'a Requests,
    number: u64,
    outcome: oneshot::Receiver<Outcome>,
}

impl Requests {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits under `number` from now on.
    pub(super) fn wait(&self, number: u64) -> Waiting<'_> {
        let (sender, outcome) = oneshot::channel();
        self.lock().insert(number, sender);
        Waiting { requests: self, number, outcome }
    }

    /// Gives whoever waits under `number` the outcome.
    pub(super) fn resolve(&self, number: u64, outcome: Outcome) {
        if let Some(sender) = self.lock().remove(&number) {
            let _gone_meanwhile = sender.send(outcome);
        }
    }

    /// Nobody will be told anything any more.
    pub(super) fn abandon(&self) {
        self.lock().clear();
    }
}

impl Waiting<'_> {
    /// The outcome; `None` if there will be none.
    pub(super) async fn outcome(&mut self) -> Option<Outcome> {
        (&mut self.outcome).await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.requests.lock().remove(&self.number);
    }
}
