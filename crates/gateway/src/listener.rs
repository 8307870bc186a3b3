//! Takes connections: one HTTP server on each, until it becomes a session or ends.
//!
//! Connections are counted from the first byte to the end of their session. Who comes beyond the limit, or too often from
//! one address, is told to wait, and costs nothing more. Deliberately absent: TLS, which wraps the stream before it comes here.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::Rejection;
use http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use protocol::http::Failure;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gateway::Handle;
use crate::http::Peer;
use crate::meters::Meters;
use crate::upgrade;

/// A wait after an accept that failed, as it does when there are no file descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves `listener` until `shutdown`, then lets the requests that are under way end.
pub(crate) async fn serve(
    gateway: &Handle,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let config = &gateway.hub().config;
    let places = Arc::new(Semaphore::new(config.connections_max.min(Semaphore::MAX_PERMITS)));
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
            Ok((stream, peer)) => match admit(gateway, peer.ip(), &places) {
                Err(rejection) => turn_away(&stream, rejection),
                Ok(place) => {
                    let connection = connection(gateway.clone(), stream, peer, place, stop.clone());
                    connections.spawn(connection);
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
fn admit(gateway: &Handle, from: IpAddr, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Rejection> {
    gateway.hub().admit_address(from)?;
    Arc::clone(places).try_acquire_owned().map_err(|_full| {
        tracing::warn!("the limit of connections is reached");
        gateway.hub().come_back("this server takes no more connections now")
    })
}

/// One connection while it speaks HTTP. Its failure ends it and nothing else.
async fn connection(
    gateway: Handle,
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "a connection ended before it began");
        return;
    }
    let config = &gateway.hub().config;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.limits.header_timeout_ms))
        .max_buf_size(config.header_bytes_max.max(8 << 10));
    let place = Arc::new(place);
    let router = TowerToHyperService::new(gateway.router().clone());
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        let from = Peer(peer.ip());
        let upgrade = (request.uri().path() == protocol::CONNECT_PATH)
            .then(|| upgrade::answer(&gateway, &mut request, from, Arc::clone(&place)));
        request.extensions_mut().insert(from);
        let router = router.clone();
        async move {
            match upgrade {
                Some(answer) => Ok(answer),
                None => router.call(request).await,
            }
        }
    });
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// Tells who is not let in to wait, as far as that works without waiting, and closes.
fn turn_away(stream: &TcpStream, rejection: Rejection) {
    Meters::refused(rejection.code);
    let status = rejection.code.http_status();
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let retry_after_s = rejection.retry_after_ms.unwrap_or_default().div_ceil(1_000);
    let Ok(body) = serde_json::to_string(&Failure { error: rejection }) else { return };
    let answer = format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: {retry_after_s}\r\nconnection: close\r\n\r\n{body}",
        reason.unwrap_or_default(),
        body.len(),
    );
    if let Err(error) = stream.try_write(answer.as_bytes()) {
        tracing::debug!(%error, "a connection that was not let in could not be told so");
    }
}
