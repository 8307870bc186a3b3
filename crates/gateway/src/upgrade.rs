//! `/v1/connect`: a request becomes a session.
//!
//! After the upgrade the raw stream is all that is left: nothing of the HTTP server stays. What the device sent behind
//! its request is the session's.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use domain::{Code, Rejection};
use http::Request;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::gateway::Handle;
use crate::http::{Peer, Refusal};
use crate::hub::Seat;
use crate::meters::Ending;
use crate::origin;
use crate::session::Driver;
use crate::websocket::handshake;

/// A connection's place among those that the listener takes. Held by whoever has the connection.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

/// What a session can be held over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// The answer to a request for a session. If it is `101`, the session begins once the answer was sent.
///
/// `S` is the stream that the HTTP server reads: what is left after the upgrade.
pub(crate) fn answer<S: Stream>(
    gateway: &Handle,
    request: &mut Request<Incoming>,
    from: Peer,
    place: Place,
) -> Response {
    let began = Instant::now();
    let response = judge::<S>(gateway, request, from, place).unwrap_or_else(|refusal| *refusal);
    let (route, status) = (protocol::CONNECT_PATH.to_owned(), response.status().as_u16());
    gateway.hub().meters.answered(route, "GET", status, began.elapsed());
    response
}

fn judge<S: Stream>(
    gateway: &Handle,
    request: &mut Request<Incoming>,
    Peer(from): Peer,
    place: Place,
) -> Result<Response, Box<Response>> {
    gateway.hub().admit_address(from).map_err(refused)?;
    if !origin::admits(request.headers(), &gateway.hub().config.allowed_origins) {
        let why = "pages of this origin may not connect; the operator can allow it";
        return Err(refused(Rejection::new(Code::Forbidden, why)));
    }
    let accept = handshake::check(request).map_err(|refusal| {
        let mut response = refused(Rejection::new(Code::BadRequest, refusal.to_string()));
        *response.status_mut() = refusal.status();
        response.headers_mut().extend(refusal.headers());
        response
    })?;
    let seat = gateway.hub().enter().map_err(refused)?;
    let upgrade = hyper::upgrade::on(request);
    gateway.session_tasks().spawn(begin::<S>(gateway.clone(), seat, upgrade, place));
    Ok(accept.response())
}

fn refused(rejection: Rejection) -> Box<Response> {
    Box::new(Refusal(rejection).into_response())
}

/// Waits for the raw stream, and gives it to a task of its own, which is small. If there is none, the session ends.
async fn begin<S: Stream>(gateway: Handle, seat: Arc<Seat>, upgrade: OnUpgrade, place: Place) {
    match upgrade.await.map(Upgraded::downcast::<TokioIo<S>>) {
        Ok(Ok(parts)) => {
            let hub = Arc::clone(gateway.hub());
            let io = parts.io.into_inner();
            gateway.session_tasks().spawn(Driver::new(hub, seat, io, parts.read_buf, Some(place)));
        }
        Ok(Err(_other_stream)) => {
            tracing::error!("a session came over another stream than its request");
            gateway.hub().left(&seat, Ending::Device);
        }
        Err(error) => {
            tracing::debug!(%error, "a connection broke in its handshake");
            gateway.hub().left(&seat, Ending::Device);
        }
    }
}
