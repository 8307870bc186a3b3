//! How a topic is followed: step by step, with a wait before another try of one that failed.

use std::future::Future;
use std::time::Duration;

use contracts::Ambient;
use domain::{Code, PortError, Rejection};

use crate::meters;

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Bus(#[from] bus::Error),
    #[error(transparent)]
    Store(#[from] PortError),
    #[error("who is absent could not be asked: {0}")]
    Asked(#[from] Rejection),
}

impl Failure {
    /// Whether another try may succeed. An answer `internal` would be the same again.
    pub(crate) const fn retryable(&self) -> bool {
        match self {
            Self::Bus(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            Self::Asked(rejection) => rejection.code.retryable() && !matches!(rejection.code, Code::Internal),
        }
    }
}

const FIRST_MS: u64 = 50;
const LAST_MS: u64 = 5_000;

/// Somebody who follows a topic.
pub(crate) trait Steps {
    /// Takes what is next and deals with it. After a retryable failure the next step goes on with the same; after any
    /// other it goes on with what comes after.
    fn step(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Steps until the topic is closed, or the bus fails for good. What else cannot succeed is logged and passed over: rows
/// may be missing.
pub(crate) async fn run(mut steps: impl Steps, ambient: Ambient) -> Result<(), bus::Error> {
    let mut backoff = Backoff { ambient, bound_ms: FIRST_MS };
    loop {
        match steps.step().await {
            Ok(()) => backoff.bound_ms = FIRST_MS,
            Err(failure) if failure.retryable() => backoff.wait(&failure).await,
            Err(Failure::Bus(bus::Error::Closed)) => return Ok(()),
            Err(Failure::Bus(error)) => return Err(error),
            Err(failure) => tracing::error!(%failure, "what some people missed was not noted"),
        }
    }
}

/// Waits that double up to a bound, each a random share of it ("full jitter", AWS Architecture Blog, "Exponential
/// Backoff And Jitter").
struct Backoff {
    ambient: Ambient,
    bound_ms: u64,
}

impl Backoff {
    async fn wait(&mut self, failure: &Failure) {
        let wait_ms = 1 + self.ambient.below(self.bound_ms);
        meters::retries().increment(1);
        tracing::warn!(%failure, wait_ms, "notification waits before another try");
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        self.bound_ms = (self.bound_ms * 2).min(LAST_MS);
    }
}
