//! A gateway as its process sees it: built from what it is handed, served, drained.

use std::sync::Arc;

use axum::Router;
use bus::MessageBus;
use bytes::Bytes;
use contracts::records::{Announcement, Command, Delivery};
use contracts::services::{Accounts, CatchUp, Notifications, Slots};
use contracts::{Ambient, FailPoints};
use domain::{Rejection, UserId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::hub::{self, Hub, LeaseError, Live};
use crate::session::Driver;
use crate::tls::Tls;
use crate::{http, listener};

/// The services that a gateway calls.
#[derive(Clone)]
pub struct Services {
    /// Accounts: whom a token names, sign-in, users.
    pub accounts: Arc<dyn Accounts>,
    /// Messaging's catch-up: what people may read.
    pub catch_up: Arc<dyn CatchUp>,
    /// Messaging's slots: the gateway leases one.
    pub slots: Arc<dyn Slots>,
    /// Notification: what people missed.
    pub notifications: Arc<dyn Notifications>,
}

/// The topics that a gateway uses.
#[derive(Clone)]
pub struct Topics {
    /// Commands to Messaging.
    pub submit: Arc<dyn MessageBus<Command>>,
    /// What is delivered to the gateway's slot.
    pub deliver: Arc<dyn MessageBus<Delivery>>,
    /// Sessions that begin and end.
    pub sessions: Arc<dyn MessageBus<Announcement>>,
}

/// Why a gateway could not start.
#[derive(Debug, thiserror::Error)]
#[error("the gateway cannot start: {0}")]
pub struct StartError(#[from] LeaseError);

/// The Gateway.
pub struct Gateway;

/// A gateway that runs. Clones are the same one.
#[derive(Clone)]
pub struct Handle {
    hub: Arc<Hub>,
    router: Router,
    sessions: TaskTracker,
    stop: CancellationToken,
    keeper: TaskTracker,
    tasks: Arc<[AbortHandle]>,
}

impl Gateway {
    /// Leases a slot and begins to hand out its deliveries; sessions are taken in from now on.
    ///
    /// Three tasks run until [`Handle::drain`]: the one that keeps the slot and hands out deliveries (it leases anew when
    /// the slot is lost), the sweeper, and the announcer. None of them ends by itself.
    ///
    /// # Errors
    /// No slot could be leased.
    pub async fn start(
        config: Config,
        services: Services,
        topics: Topics,
        ambient: Ambient,
        fail: Arc<dyn FailPoints>,
    ) -> Result<Handle, StartError> {
        let hub = Arc::new(Hub::new(config, services, topics, ambient, fail));
        let tenancy = hub::lease(&hub).await?;
        let (stop, keeper) = (CancellationToken::new(), TaskTracker::new());
        let keeping = keeper.spawn(tenancy.keep(Arc::clone(&hub), stop.clone())).abort_handle();
        let sweeping = tokio::spawn(hub::sweep(Arc::clone(&hub))).abort_handle();
        let announcer = Arc::clone(&hub);
        let announcing = tokio::spawn(async move { announcer.run_announcer().await }).abort_handle();
        keeper.close();
        Ok(Handle {
            router: http::router(Arc::clone(&hub)),
            hub,
            sessions: TaskTracker::new(),
            stop,
            keeper,
            tasks: Arc::from([keeping, sweeping, announcing]),
        })
    }
}

impl Handle {
    /// Serves connections, over TLS if there is one, until `shutdown`; then no more are accepted, and HTTP requests under
    /// way are answered. Sessions go on: [`Self::drain`] ends them.
    ///
    /// # Errors
    /// The listener is broken.
    pub async fn serve(
        &self,
        listener: TcpListener,
        tls: Option<Tls>,
        shutdown: impl Future<Output = ()>,
    ) -> std::io::Result<()> {
        listener::serve(self, listener, tls, shutdown).await
    }

    /// Opens a session over a stream on which the handshake is done.
    ///
    /// # Errors
    /// The gateway stops, or has no slot.
    pub fn connect<S>(&self, stream: S) -> Result<JoinHandle<()>, Rejection>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let seat = self.hub.enter()?;
        Ok(self.sessions.spawn(Driver::new(Arc::clone(&self.hub), seat, stream, Bytes::new(), None)))
    }

    /// Ends every session with `goodbye restart`, its queue written, and gives the slot back. No session is taken in any
    /// more. Ends within the configured time.
    pub async fn drain(&self) {
        self.hub.drain().await;
        self.stop.cancel();
        self.keeper.wait().await;
        self.tasks.iter().for_each(AbortHandle::abort);
    }

    /// Ends everything at once, as if the process died: nobody is told anything. For simulations of crashes.
    pub fn kill(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.hub.kill();
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.hub.sessions()
    }

    /// The live sessions after the one of this number, in the order in which they came, at most `limit`; of one user, if
    /// one is named.
    pub fn live(&self, user: Option<UserId>, after: u64, limit: usize) -> Vec<Live> {
        self.hub.live(user, after, limit)
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) const fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) const fn session_tasks(&self) -> &TaskTracker {
        &self.sessions
    }
}
