//! Where a server is, and whom to believe that it is the one.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::error::Error;

/// The address of a server. Over TLS, its certificate must come from a root that the system trusts, or from one given
/// here. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Endpoint {
    base: Url,
    tls: Option<Arc<ClientConfig>>,
}

impl Endpoint {
    /// The server at `base`, like `https://chat.example` or `http://127.0.0.1:8080`; `wss` and `ws` mean the same.
    pub fn new(base: &str) -> Result<Self, Error> {
        Self::with_roots(base, vec![])
    }

    /// The same, and it may also be vouched for by these certificates, in PEM; one that vouches for itself is its own root.
    pub fn with_root_certificate(base: &str, pem: &[u8]) -> Result<Self, Error> {
        let bad = |error: rustls::pki_types::pem::Error| Error::BadCertificate(error.to_string());
        let roots: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(bad)?;
        if roots.is_empty() {
            return Err(bad(rustls::pki_types::pem::Error::NoItemsFound));
        }
        Self::with_roots(base, roots)
    }

    fn with_roots(base: &str, roots: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let bad = || Error::BadUrl(base.to_owned());
        let url: Url = base.parse().map_err(|_| bad())?;
        let (scheme, tls) = match url.scheme() {
            "http" | "ws" => ("http", None),
            "https" | "wss" => ("https", Some(Arc::new(tls(roots)?))),
            _ => return Err(bad()),
        };
        let rest = base.split_once("://").ok_or_else(bad)?.1;
        Ok(Self { base: format!("{scheme}://{rest}").parse().map_err(|_| bad())?, tls })
    }

    /// The address, by `http` or `https`.
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.base
    }

    /// How TLS is spoken there, if it is.
    pub(crate) const fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }
}

fn tls(roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let mut store = RootCertStore::empty();
    // A system without roots, or with some that cannot be read, may still do: what counts is who vouches for the server.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for root in roots {
        store.add(root).map_err(|error| Error::BadCertificate(error.to_string()))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites of both versions");
    Ok(config.with_root_certificates(store).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_for_another() {
        let base = |text: &str| Endpoint::new(text).ok().map(|endpoint| endpoint.base().to_owned());
        assert_eq!(base("http://h:1").as_deref(), Some("http://h:1/"));
        assert_eq!(base("ws://h:1").as_deref(), Some("http://h:1/"));
        assert_eq!(base("wss://h").as_deref(), Some("https://h/"));
        for bad in ["h:1", "ftp://h", "http:h", "https://", ""] {
            assert_eq!(base(bad), None, "{bad}");
        }
        assert!(Endpoint::new("https://h").unwrap().tls().is_some());
        assert!(Endpoint::new("http://h").unwrap().tls().is_none());
        assert!(Endpoint::with_root_certificate("https://h", b"no PEM").is_err());
    }
}
