//! Requests on their way, over pooled connections, with or without TLS.

use std::time::Duration;

use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::endpoint::Endpoint;
use crate::error::{Error, why};

/// A request takes at most this long, to the last byte of its answer.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that nobody needs is kept for this long.
const IDLE: Duration = Duration::from_secs(90);
/// Bytes of an answer: well above a full page.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Cheap to clone; the connections are shared.
#[derive(Clone)]
pub(super) struct Transport(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Transport {
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let builder = HttpsConnectorBuilder::new();
        let connector = match endpoint.tls() {
            Some(tls) => builder.with_tls_config(ClientConfig::clone(tls)).https_only(),
            None => builder.with_tls_config(nobody()).https_or_http(),
        };
        let connector = connector.enable_http1().wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        Self(client.build(connector))
    }

    /// Sends it, and takes the whole answer.
    pub(super) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
        request.headers_mut().insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
        let work = async {
            let (head, body) =
                self.0.request(request).await.map_err(|error| Error::Unreachable(why(&error)))?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| Error::Unreachable(why(&*error)))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let slow = |_elapsed| Error::Unreachable("no answer in time".to_owned());
        tokio::time::timeout(TIMEOUT, work).await.map_err(slow)?
    }
}

/// Believes nobody: for a server that is spoken to plainly, whose connector wants to know all the same.
fn nobody() -> ClientConfig {
    let provider = rustls::crypto::ring::default_provider();
    ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites of both versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}
