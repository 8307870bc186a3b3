//! Where the certificate comes from that devices are shown: the operator's files, or one made on first run.
//!
//! Deliberately absent: renewing it, which is the operator's, who has it read again with SIGHUP.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use gateway::tls::{Certificate, Tls};

use crate::config;
use crate::secrets::Secrets;

/// The certificate that a process shows, and where to read it again.
#[derive(Debug, Clone)]
pub struct Shown {
    tls: Tls,
    files: Files,
    fingerprint: String,
}

#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Shown {
    /// What the settings say; nothing if TLS is not wanted. `listen` is where the process listens.
    ///
    /// # Errors
    /// The settings contradict each other, a file cannot be used, or an address would be listened on in the open.
    pub(crate) fn new(
        settings: &config::Tls,
        listen: SocketAddr,
        secrets: &Secrets,
    ) -> anyhow::Result<Option<Self>> {
        let Some(files) = Files::of(settings, listen.ip(), secrets)? else {
            return refuse_in_the_open(settings, listen).map(|()| None);
        };
        let certificate = files.read()?;
        let ip = listen.ip();
        if settings.self_signed && !ip.is_unspecified() && !certificate.is_for(&ip.to_string()) {
            tracing::warn!(
                path = %files.certificate.display(),
                %ip,
                "the certificate that was made here is not for this address; remove it to have another one made"
            );
        }
        let fingerprint = certificate.fingerprint();
        Ok(Some(Self { tls: Tls::new(certificate), files, fingerprint }))
    }

    /// What the listener speaks.
    pub(crate) fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// The SHA-256 of the certificate that the process began with.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The file of the certificate.
    pub fn certificate(&self) -> &Path {
        &self.files.certificate
    }

    /// Reads the files again; new connections are shown what is in them. If it cannot be used, that is logged, and the
    /// certificate stays that is shown.
    pub fn reload(&self) {
        match self.files.read() {
            Ok(certificate) => {
                tracing::info!(fingerprint = certificate.fingerprint(), "the certificate was read again");
                self.tls.show(certificate);
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the certificate could not be read again; the old one stays"
                );
            }
        }
    }
}

impl Files {
    /// Those that the settings name, or those made here; made now if they are not there.
    fn of(settings: &config::Tls, ip: IpAddr, secrets: &Secrets) -> anyhow::Result<Option<Self>> {
        let config::Tls { certificate, key, self_signed, .. } = settings;
        let (certified, keyed) = (!certificate.as_os_str().is_empty(), !key.as_os_str().is_empty());
        match (certified, keyed, *self_signed) {
            (false, false, false) => Ok(None),
            (true, true, false) => Ok(Some(Self { certificate: certificate.clone(), key: key.clone() })),
            (false, false, true) => {
                let (certificate, key) = secrets.self_signed(&names(ip))?;
                Ok(Some(Self { certificate, key }))
            }
            (_, _, true) => bail!("tls: give a certificate of your own, or have one made: not both"),
            (true, false, _) => {
                bail!("tls.certificate is given and tls.key is not: name its key with `--tls-key`")
            }
            (false, true, _) => {
                bail!("tls.key is given and tls.certificate is not: name it with `--tls-cert`")
            }
        }
    }

    fn read(&self) -> anyhow::Result<Certificate> {
        let read = |path: &Path| fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
        Certificate::parse(&read(&self.certificate)?, &read(&self.key)?)
            .with_context(|| format!("{} and {}", self.certificate.display(), self.key.display()))
    }
}

/// The names that a certificate made here is good for.
fn names(ip: IpAddr) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let listen = ip.to_string();
    if !ip.is_unspecified() && !names.contains(&listen) {
        names.push(listen);
    }
    names
}

fn refuse_in_the_open(settings: &config::Tls, listen: SocketAddr) -> anyhow::Result<()> {
    if listen.ip().is_loopback() || settings.allow_plain {
        return Ok(());
    }
    bail!(
        "listen: {listen} can be reached from outside, and everybody on the way could read passwords and messages: \
         give a certificate with `--tls-cert` and `--tls-key`, or have one made for a trial with `--tls-self-signed`, or, if \
         a proxy in front speaks TLS, say so with `--allow-plain`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(listen: &str, change: impl FnOnce(&mut config::Tls)) -> anyhow::Result<Option<Shown>> {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = config::Config::default().tls;
        change(&mut settings);
        Shown::new(&settings, listen.parse().unwrap(), &Secrets::open(dir.path()).unwrap())
    }

    fn refusal(listen: &str, change: impl FnOnce(&mut config::Tls)) -> String {
        format!("{:#}", shown(listen, change).unwrap_err())
    }

    #[test]
    fn passwords_go_over_a_network_in_plain_speech_because_nobody_said_no() {
        for open in ["0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"] {
            let said = refusal(open, |_| {});
            assert!(said.contains("--tls-cert") && said.contains("--allow-plain"), "{said}");
            assert!(shown(open, |tls| tls.allow_plain = true).unwrap().is_none());
            assert!(shown(open, |tls| tls.self_signed = true).unwrap().is_some());
        }
        assert!(shown("127.0.0.1:8080", |_| {}).unwrap().is_none());
        assert!(shown("[::1]:8080", |_| {}).unwrap().is_none());
    }

    #[test]
    fn half_a_certificate_is_taken_for_none() {
        assert!(refusal("127.0.0.1:1", |tls| tls.certificate = "c.pem".into()).contains("--tls-key"));
        assert!(refusal("127.0.0.1:1", |tls| tls.key = "k.pem".into()).contains("--tls-cert"));
        let both = |tls: &mut config::Tls| (tls.self_signed, tls.key) = (true, "k.pem".into());
        assert!(refusal("127.0.0.1:1", both).contains("not both"));
        let missing = |tls: &mut config::Tls| (tls.certificate, tls.key) = ("no.pem".into(), "no.pem".into());
        assert!(refusal("127.0.0.1:1", missing).contains("no.pem cannot be read"));
    }

    #[test]
    fn a_certificate_made_here_is_for_another_address_or_another_one_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(dir.path()).unwrap();
        let settings = config::Tls { self_signed: true, ..config::Config::default().tls };
        let listen = "192.0.2.7:8080".parse().unwrap();
        let first = Shown::new(&settings, listen, &secrets).unwrap().unwrap();
        let again = Shown::new(&settings, listen, &secrets).unwrap().unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(first.fingerprint().len(), 32 * 3 - 1);
        let certificate = first.files.read().unwrap();
        for name in ["localhost", "127.0.0.1", "::1", "192.0.2.7"] {
            assert!(certificate.is_for(name), "{name}");
        }
        assert!(!certificate.is_for("192.0.2.8"));
    }
}
