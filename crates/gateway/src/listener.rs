//! Takes connections, and gives each a task of its own.
//!
//! Connections are counted from the first byte to the end of their session. Who comes beyond the limit, or too often from
//! one address, is told to wait, in plain speech even where TLS is spoken, and costs nothing more.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::Rejection;
use tokio::net::TcpListener;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::Connection;
use crate::gateway::Handle;
use crate::tls::Tls;
use crate::turn_away::turn_away;

/// A wait after an accept that failed, as it does when there are no file descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves `listener` until `shutdown`, then lets the requests that are under way end.
pub(crate) async fn serve(
    gateway: &Handle,
    listener: TcpListener,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let config = &gateway.hub().config;
    let (stop, connections) = (CancellationToken::new(), TaskTracker::new());
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
            Ok((stream, peer)) => match admit(gateway, peer.ip()) {
                Err(rejection) => turn_away(&stream, rejection),
                Ok(place) => {
                    let (gateway, place, stop) = (gateway.clone(), Arc::new(place), stop.clone());
                    let connection = Connection { gateway, peer, place, stop };
                    connections.spawn(connection.run(stream, tls.clone()));
                }
            },
        }
    }
    drop(listener);
    stop.cancel();
    connections.close();
    if tokio::time::timeout(config.request_timeout(), connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests did not end in time");
    }
    Ok(())
}

/// A place for a connection from this address.
fn admit(gateway: &Handle, from: IpAddr) -> Result<OwnedSemaphorePermit, Rejection> {
    gateway.hub().admit_address(from)?;
    Arc::clone(&gateway.hub().places).try_acquire_owned().map_err(|_full| {
        tracing::warn!("the limit of connections is reached");
        gateway.hub().come_back("this server takes no more connections now")
    })
}
