//! What is answered from the first instant on: whether the process lives, and whether it is ready.
//!
//! A start may take long, as it reads back what was not yet sorted. Whoever looks after the process must be able to tell
//! that from a process that hangs. All other paths are `unavailable` until there is something to serve them from.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::{Code, Rejection};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Service;

use super::Admin;
use super::routes::{self, Refused};

/// How far the process is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The store is being opened.
    #[default]
    Opening,
    /// What is derived is being brought up to the logs.
    CatchingUp,
    /// Sessions are taken in.
    Ready,
    /// Sessions are let go.
    Draining,
}

impl Phase {
    /// In words, for people.
    const fn says(self) -> &'static str {
        match self {
            Self::Opening => "starting: the store is opened, and what it had not sorted yet is read back",
            Self::CatchingUp => "starting: what is derived from the logs catches up with them",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// Whether the process takes new sessions. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ready(watch::Sender<Phase>);

impl Ready {
    /// It is this far now.
    pub(crate) fn set(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    /// Whether it does.
    pub(crate) fn get(&self) -> bool {
        self.phase() == Phase::Ready
    }

    fn phase(&self) -> Phase {
        *self.0.borrow()
    }
}

/// The admin listener, which is there before what it serves. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Front {
    ready: Ready,
    inside: Arc<OnceLock<Router>>,
}

impl Front {
    pub(crate) fn new(ready: Ready) -> Self {
        Self { ready, inside: Arc::default() }
    }

    /// From now on everything is served.
    pub(crate) fn open(&self, admin: Admin) {
        assert!(self.inside.set(routes::router(admin)).is_ok(), "it is opened once");
    }

    /// Serves until `shutdown`.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let router = Router::new()
            .route("/live", get(async || "live\n"))
            .route("/ready", get(ready))
            .fallback(inside)
            .with_state(self);
        axum::serve(listener, router).with_graceful_shutdown(shutdown).await
    }
}

async fn ready(State(front): State<Front>) -> (StatusCode, String) {
    let phase = front.ready.phase();
    match phase {
        Phase::Ready => (StatusCode::OK, format!("{}\n", phase.says())),
        _ => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready; {}\n", phase.says())),
    }
}

async fn inside(State(front): State<Front>, request: Request) -> Response {
    match front.inside.get() {
        Some(router) => router.clone().call(request).await.into_response(),
        None => Refused(Rejection::new(
            Code::Unavailable,
            format!("the server is {}", front.ready.phase().says()),
        ))
        .into_response(),
    }
}
