//! Letting every session go, on an operator's word or because the process stops: once, whoever asks first.

use std::sync::Arc;

use tokio::sync::{Notify, OnceCell, watch};

use crate::admin::{Phase, Ready};

/// The way out. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Drain(Arc<Inner>);

struct Inner {
    ready: Ready,
    gateway: gateway::Handle,
    close: watch::Sender<bool>,
    closed: watch::Receiver<bool>,
    drained: OnceCell<usize>,
    stop: Notify,
}

/// What the task that listens is handed: when to end, and what to say then.
pub(crate) struct Listening {
    pub(crate) close: watch::Receiver<bool>,
    pub(crate) closed: watch::Sender<bool>,
}

impl Drain {
    pub(crate) fn new(ready: Ready, gateway: gateway::Handle) -> (Self, Listening) {
        let ((close, closing), (has_closed, closed)) = (watch::channel(false), watch::channel(false));
        let (drained, stop) = (OnceCell::new(), Notify::new());
        let listening = Listening { close: closing, closed: has_closed };
        (Self(Arc::new(Inner { ready, gateway, close, closed, drained, stop })), listening)
    }

    /// Not ready; no connection is accepted any more, and the requests under way are answered; every session is told
    /// `goodbye restart`. Gives how many there were.
    pub(crate) async fn drain(&self) -> usize {
        *self.0.drained.get_or_init(|| self.0.drain()).await
    }

    /// Asks the process to stop.
    pub(crate) fn stop(&self) {
        self.0.stop.notify_one();
    }

    /// Waits until somebody does.
    pub(crate) async fn asked_to_stop(&self) {
        self.0.stop.notified().await;
    }
}

impl Inner {
    async fn drain(&self) -> usize {
        let sessions = self.gateway.sessions();
        tracing::info!(sessions, "draining");
        self.ready.set(Phase::Draining);
        self.close.send_replace(true);
        // Should the task that listens be gone without a word, there is nothing to wait for.
        let mut closed = self.closed.clone();
        closed.wait_for(|closed| *closed).await.map(drop).ok();
        self.gateway.drain().await;
        sessions
    }
}
