//! One process, from its configuration to its last line.
//!
//! The order of starting: both ports are taken, and the admin listener says how far the start is; then stores, topics,
//! services, workers, Notification caught up, gateway; only then, with everything derived caught up, the devices' port is
//! listened on, and the process is ready. The order of shutdown, each step waited for:
//!
//! 1. not ready, and no connection is accepted any more;
//! 2. every session is told `goodbye restart` with a jittered time to come back, its queue is written, its socket closed;
//! 3. `submit` and `sessions` are closed: what was accepted is decided, appended and fanned out, then the workers end;
//! 4. `entries` is closed: Notification notes what was missed, as far as the feed goes, and ends;
//! 5. the admin listener ends;
//! 6. the store's queue is committed, and the store is closed.
//!
//! An operator may have the first two steps done before (`connect-chat admin drain`).
//!
//! `kill -9` at any instant instead of this breaks no law; it only makes the next start do what was left.

use std::net::SocketAddr;
use std::sync::Arc;

use bus::MessageBus;
use contracts::Ambient;
use gateway::Gateway;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{self, Admin, Front, Phase, Ready};
use crate::config::Config;
use crate::drain::Drain;
use crate::page::page;
use crate::port::Port;
use crate::secrets::Secrets;
use crate::services::{Services, Topics, delivery_faults};
use crate::stores::{self, Stores};
use crate::tls::Shown;

/// Where a process listens.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct Addresses {
    /// For devices and apps.
    pub listen: SocketAddr,
    /// For operators.
    pub admin: SocketAddr,
    /// Whether devices and apps are spoken to over TLS.
    #[serde(default)]
    pub tls: bool,
}

impl Addresses {
    /// Where devices and apps connect, as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.listen)
    }
}

/// A process that runs.
pub struct Node {
    addresses: Addresses,
    shown: Option<Shown>,
    stores: Stores,
    topics: Topics,
    drain: Drain,
    stop: watch::Sender<bool>,
    workers: service_messaging::Tasks,
    notification: JoinHandle<Result<(), bus::Error>>,
    /// Its end matters to nobody: it is told to end when the stores are closed.
    feed_keeper: JoinHandle<()>,
    listening: JoinHandle<std::io::Result<()>>,
    admin: JoinHandle<std::io::Result<()>>,
}

impl Node {
    /// Starts everything; once it returns, devices are served.
    pub async fn start(config: Config, ambient: Ambient) -> anyhow::Result<Self> {
        admin::check(config.admin_listen)?;
        let counted = admin::count()?;
        let secrets = Secrets::open(&config.data)?;
        let token = admin::Token::open(secrets.clone(), ambient.clone())?;
        let shown = Shown::new(&config.tls, config.listen, &secrets)?;
        // Taken first: a port in use is said before anything is opened.
        let port = Port::take(config.listen, "listen")?;
        let admin_port = Port::take(config.admin_listen, "admin_listen")?;
        let addresses =
            Addresses { listen: port.address()?, admin: admin_port.address()?, tls: shown.is_some() };
        let (ready, (stop, stopped)) = (Ready::default(), watch::channel(false));
        let front = Front::new(ready.clone());
        // Should the start fail, `stop` is dropped, which ends it, too.
        let admin = tokio::spawn(front.clone().serve(admin_port.listen()?, told(stopped)));
        let opening = config.clone();
        let stores = tokio::task::spawn_blocking(move || Stores::open(&opening)).await??;
        let topics = Topics::open(&config, &stores).await?;
        let services = Services::new(&config, &stores, &topics, &secrets, &ambient)?;
        ready.set(Phase::CatchingUp);
        let workers = service_messaging::Service::start(&services.messaging)?;
        let notification = follow(&services).await?;
        let gateway = start_gateway(&config, addresses, &services, &topics, ambient.clone()).await?;
        let (drain, listening) = Drain::new(ready.clone(), gateway.clone());
        front.open(Admin {
            token,
            stores: stores.clone(),
            accounts: Arc::clone(&services.accounts),
            groups: Arc::clone(&services.messaging.groups),
            gateway: gateway.clone(),
            drain: drain.clone(),
            ambient: ambient.clone(),
            counted,
            topics: topics.clone(),
            registry: Arc::clone(&services.registry),
            tls: shown.as_ref().map(Shown::tls),
            data: config.data.as_path().into(),
            queue_bytes_max: stores::options(&config).queue_bytes_max,
            ready: ready.clone(),
        });
        let listener = port.listen()?;
        let tls = shown.as_ref().map(Shown::tls);
        let listening = tokio::spawn(async move {
            let ended = gateway.serve(listener, tls, told(listening.close)).await;
            listening.closed.send_replace(true);
            ended
        });
        let feed_keeper = tokio::spawn(keep_feed(stores.clone(), ambient, config.store.feed_days));
        ready.set(Phase::Ready);
        Ok(Self {
            addresses,
            shown,
            stores,
            topics,
            drain,
            stop,
            workers,
            notification,
            feed_keeper,
            listening,
            admin,
        })
    }

    /// Where it listens.
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The certificate that devices are shown, if they are spoken to over TLS.
    pub const fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    /// Runs until `shutdown`, or until a part of it fails; then ends in the order above.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let failed = tokio::select! {
            biased;
            () = shutdown => None,
            () = self.drain.asked_to_stop() => None,
            Some(ended) = self.workers.join_next() => Some(("messaging", describe(ended))),
            ended = &mut self.notification => Some(("notification", describe(ended))),
        };
        if let Some((part, what)) = &failed {
            tracing::error!(
                part,
                what,
                "a part of the server ended; stopping, so that a fresh start takes over"
            );
        }
        self.stop(failed.as_ref().is_some_and(|(part, _)| *part == "notification")).await;
        match failed {
            Some((part, what)) => anyhow::bail!("{part} ended: {what}"),
            None => Ok(()),
        }
    }

    async fn stop(mut self, notification_ended: bool) {
        tracing::info!("stopping");
        self.drain.drain().await;
        log_end("listener", (&mut self.listening).await);
        self.topics.submit.close();
        self.topics.sessions.close();
        while let Some(ended) = self.workers.join_next().await {
            log_end("messaging", ended);
        }
        self.topics.entries.close();
        if !notification_ended {
            log_end("notification", (&mut self.notification).await);
        }
        self.topics.deliver.close();
        self.stop.send_replace(true);
        log_end("admin listener", (&mut self.admin).await);
        self.feed_keeper.abort();
        self.stores.kv.close().await;
        tracing::info!("stopped");
    }
}

/// Starts Notification, and waits until it has looked at everything that was there.
async fn follow(services: &Services) -> anyhow::Result<JoinHandle<Result<(), bus::Error>>> {
    let notification = services.notification.clone();
    let behind = notification.lag();
    if behind > 0 {
        tracing::info!(entries = behind, "notification catches up before anything is served");
    }
    let mut running = tokio::spawn(async move { notification.run(std::future::pending()).await });
    tokio::select! {
        () = services.notification.caught_up() => Ok(running),
        ended = &mut running => anyhow::bail!(
            "notification ended before it had caught up: {}; `connect-chat admin verify --offline` says what is wrong with the store",
            describe(ended)
        ),
    }
}

async fn start_gateway(
    config: &Config,
    addresses: Addresses,
    services: &Services,
    topics: &Topics,
    ambient: Ambient,
) -> anyhow::Result<gateway::Handle> {
    let settings = gateway::Config {
        limits: config.limits.clone(),
        allowed_origins: config.gateway.allowed_origins.clone(),
        page: page(&addresses.url()),
        connections_max: config.gateway.connections_max,
        drain_ms: config.gateway.drain_ms,
        tls_handshake_timeout_ms: config.tls.handshake_timeout_ms,
        faults: delivery_faults(config),
        ..gateway::Config::default()
    };
    let called = gateway::Services {
        accounts: Arc::clone(&services.accounts),
        catch_up: Arc::clone(&services.queries.catch_up),
        slots: Arc::clone(&services.queries.slots),
        notifications: Arc::new(services.notification.clone()),
    };
    let used = gateway::Topics {
        submit: Arc::clone(&services.messaging.submit),
        deliver: Arc::clone(&services.messaging.deliver),
        sessions: Arc::clone(&topics.sessions) as Arc<_>,
    };
    Ok(Gateway::start(settings, called, used, ambient, Arc::clone(&services.messaging.fail)).await?)
}

async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Forgets the change feed's oldest records, a bit at a time.
async fn keep_feed(stores: Stores, ambient: Ambient, days: u64) {
    const EVERY: std::time::Duration = std::time::Duration::from_secs(60);
    const AT_A_TIME: usize = 10_000;
    loop {
        tokio::time::sleep(EVERY).await;
        let before_ms = ambient.now().minus_ms(days * 86_400_000).unix_ms();
        loop {
            match stores.feed.trim(before_ms, AT_A_TIME).await {
                Ok(AT_A_TIME) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "the change feed keeps records for longer than it should");
                    break;
                }
            }
        }
    }
}

type Ended<E> = Result<Result<(), E>, tokio::task::JoinError>;

fn describe<E: std::fmt::Display>(ended: Ended<E>) -> String {
    match ended {
        Ok(Ok(())) => "it had nothing more to do".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}

fn log_end<E: std::fmt::Display>(part: &str, ended: Ended<E>) {
    match ended {
        Ok(Ok(())) => tracing::debug!(part, "ended"),
        other => tracing::error!(part, what = describe(other), "ended badly"),
    }
}
