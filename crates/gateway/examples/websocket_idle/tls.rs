//! The row over TLS: a certificate made for it, and both ends.

use std::net::TcpStream as ClientSocket;
use std::sync::Arc;

use gateway::tls::{Certificate, Tls};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Result;

/// The certificate and its key, in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The names under which the server's process is handed them.
pub(crate) const VARIABLES: [&str; 2] = ["IDLE_CERTIFICATE", "IDLE_KEY"];

pub(crate) fn make() -> Result<Pair> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    Ok(Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() })
}

/// What the server speaks.
pub(crate) fn server() -> Result<Tls> {
    let [certificate, key] = VARIABLES.map(std::env::var);
    Ok(Tls::new(Certificate::parse(certificate?.as_bytes(), key?.as_bytes())?))
}

/// A client behind its handshake, which happens with its first write.
pub(crate) fn client(
    pair: &Pair,
    socket: ClientSocket,
) -> Result<StreamOwned<ClientConnection, ClientSocket>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pair.certificate.as_bytes())?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost")?;
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, socket))
}
