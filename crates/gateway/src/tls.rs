//! TLS in front of HTTP and WebSocket, by rustls.
//!
//! The certificate that is shown can be replaced while connections are served: a new connection is shown the new one, and
//! those that are there go on. Deliberately absent: files, which the process reads; resumption, because a ticket would save
//! one signature and cost state (docs/adr/0009-tls.md).

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of a TLS connection: a record of the handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

/// Bytes that one connection holds on their way into its socket; a slow device is slow for us, and not for rustls.
const SENDING_BYTES_MAX: usize = 16 << 10;

/// Why something is no certificate, or none that can be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text of the certificates is not PEM, or holds none.
    #[error("no certificate could be read: {0}")]
    NoCertificate(String),
    /// The text of the key is not PEM, or holds none.
    #[error("no private key could be read: {0}")]
    NoKey(String),
    /// The two do not belong together, or are of a kind that is not spoken here.
    #[error("the certificate cannot be shown with this key: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate, those that vouch for it, and its key.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<CertifiedKey>);

impl Certificate {
    /// Reads PEM: the server's certificate first, then those between it and the root; and its private key.
    ///
    /// # Errors
    /// There is none, or the key is another's.
    pub fn parse(chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        let none = |error: rustls::pki_types::pem::Error| Error::NoCertificate(error.to_string());
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().map_err(none)?;
        if chain.is_empty() {
            return Err(none(rustls::pki_types::pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| Error::NoKey(error.to_string()))?;
        Ok(Self(Arc::new(CertifiedKey::from_der(chain, key, &provider())?)))
    }

    /// Whether it is good for a server of this name or address.
    pub fn is_for(&self, name: &str) -> bool {
        let leaf = self.0.end_entity_cert().and_then(ParsedCertificate::try_from);
        let name = ServerName::try_from(name);
        leaf.is_ok_and(|leaf| name.is_ok_and(|name| verify_server_name(&leaf, &name).is_ok()))
    }

    /// The SHA-256 of the server's certificate, as browsers and `openssl x509 -fingerprint` show it.
    pub fn fingerprint(&self) -> String {
        let leaf = self.0.cert.first().map_or(&[][..], |leaf| leaf);
        let digest = ::ring::digest::digest(&::ring::digest::SHA256, leaf);
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

/// What a listener speaks TLS with. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
}

impl Tls {
    /// TLS 1.2 and 1.3 with this certificate.
    pub fn new(certificate: Certificate) -> Self {
        let shown = Arc::new(Shown(RwLock::new(certificate.0)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites of both versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Self { config: Arc::new(config), shown }
    }

    /// Shows another certificate from the next connection on.
    pub fn show(&self, certificate: Certificate) {
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = certificate.0;
    }

    /// When the certificate that is shown ends, in seconds since 1970; `None` if that cannot be read from it.
    pub fn expires_unix_s(&self) -> Option<i64> {
        let shown = Arc::clone(&self.shown.0.read().unwrap_or_else(PoisonError::into_inner));
        let (_, leaf) = x509_parser::parse_x509_certificate(shown.cert.first()?).ok()?;
        Some(leaf.validity().not_after.timestamp())
    }

    /// Shakes hands. How long that may take is the caller's to say.
    ///
    /// # Errors
    /// The other side speaks something else, or is gone.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let bounded =
            |session: &mut rustls::ServerConnection| session.set_buffer_limit(Some(SENDING_BYTES_MAX));
        TlsAcceptor::from(Arc::clone(&self.config)).accept_with(stream, bounded).await
    }
}

/// Whether this connection begins as one of TLS does. Takes nothing from it.
pub(crate) async fn is_spoken(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 0 || first == [HANDSHAKE])
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}
