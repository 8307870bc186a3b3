//! One connection, from the TLS handshake, if there is one, through its HTTP requests, until it becomes a session or ends.
//!
//! Its failure ends it and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::{Code, Rejection};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::gateway::Handle;
use crate::http::Peer;
use crate::tls::{self, Tls};
use crate::turn_away::turn_away;
use crate::upgrade::{self, Place, Stream};

/// A connection that was let in.
pub(crate) struct Connection {
    pub(crate) gateway: Handle,
    pub(crate) peer: SocketAddr,
    pub(crate) place: Place,
    /// The listener ends: requests under way are answered, and nothing more is begun.
    pub(crate) stop: CancellationToken,
}

impl Connection {
    /// Serves it to its end.
    pub(crate) async fn run(self, stream: TcpStream, tls: Option<Tls>) {
        let peer = self.peer;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "a connection ended before it began");
            return;
        }
        match tls {
            None => self.serve(stream).await,
            Some(tls) => {
                if let Some(stream) = self.shake_hands(stream, &tls).await {
                    self.serve(stream).await;
                }
            }
        }
    }

    /// The stream behind the handshake, if there is one in time.
    async fn shake_hands(&self, stream: TcpStream, tls: &Tls) -> Option<TlsStream<TcpStream>> {
        let patience = Duration::from_millis(self.gateway.hub().config.tls_handshake_timeout_ms);
        let handshake = tokio::time::timeout(patience, shake_hands(stream, tls));
        let result = tokio::select! {
            result = handshake => result,
            () = self.stop.cancelled() => return None,
        };
        match result {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.peer, %error, "a TLS handshake failed");
                None
            }
            Err(_elapsed) => {
                tracing::debug!(peer = %self.peer, "a TLS handshake took too long");
                None
            }
        }
    }

    async fn serve<S: Stream>(self, stream: S) {
        let Self { gateway, peer, place, stop } = self;
        let config = &gateway.hub().config;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(config.limits.header_timeout_ms))
            .max_buf_size(config.header_bytes_max.max(8 << 10));
        let router = TowerToHyperService::new(gateway.router().clone());
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            let from = Peer(peer.ip());
            let upgrade = (request.uri().path() == protocol::CONNECT_PATH)
                .then(|| upgrade::answer::<S>(&gateway, &mut request, from, Arc::clone(&place)));
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
}

/// Who speaks plainly is told what is spoken here.
async fn shake_hands(stream: TcpStream, tls: &Tls) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    if tls::is_spoken(&stream).await? {
        return tls.accept(stream).await.map(Some);
    }
    turn_away(&stream, Rejection::new(Code::BadRequest, "TLS is spoken here: say https:// or wss://"));
    Ok(None)
}
