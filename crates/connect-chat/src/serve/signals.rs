//! The signals that tell the server to stop, or to read its certificate again.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// Signals that come within this time are one: `timeout` and a terminal's shell tell a process and its group, which is twice.
const ONE_WORD: Duration = Duration::from_secs(1);

/// SIGTERM and SIGINT. A second one, a second later or more, ends the process at once, which loses nothing that was acked.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Ends when the server is told to stop.
    #[expect(
        clippy::disallowed_methods,
        reason = "told twice, the operator does not want the order of shutdown"
    )]
    pub(super) async fn told(mut self) {
        self.next().await;
        let told = Instant::now();
        tokio::spawn(async move {
            self.next().await;
            while told.elapsed() < ONE_WORD {
                self.next().await;
            }
            tracing::warn!("told to stop twice, not waiting any longer");
            std::process::exit(130);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// SIGHUP. Until it is listened to, it ends the process.
pub(super) struct HangUps(Signal);

impl HangUps {
    pub(super) fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one; `false` when there are no more.
    pub(super) async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}
