//! TLS: who is believed, what is shown after a reload, and what is refused.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use client::Endpoint;
use client::http::Http;
use protocol::frame::Reason;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use verify::process::{Options, Server, program};

use crate::raw::{Came, Raw};
use crate::support::{Device, goodbye, server, soon, texts, until};

/// A new device of a person, who believes this certificate.
async fn believing(server: &Server, pem: &str, handle: &str) -> Device {
    let endpoint = Endpoint::with_root_certificate(server.base(), pem.as_bytes()).unwrap();
    Device::at(endpoint, server.mint(handle).await.unwrap())
}

#[tokio::test]
async fn two_people_do_not_hear_each_other_over_tls() {
    let server = server(&["tls.self_signed=true"]).await;
    let secrets = server.data().join("secrets");
    let pem = std::fs::read_to_string(secrets.join("tls-certificate.pem")).unwrap();
    let mode = std::fs::metadata(secrets.join("tls-key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(server.log().contains("SHA-256 ") && server.log().contains("https://"), "{}", server.log());

    let (ada, bob) = (believing(&server, &pem, "ada").await, believing(&server, &pem, "bob").await);
    let (mut session, mut other) = (ada.connect().await, bob.connect().await);
    session.say(ada.with(&bob), "hello bob").await;
    other.hears(ada.with(&bob), "hello bob").await;
    bob.post(ada.with(&bob), "hello ada").await;
    session.hears(ada.with(&bob), "hello ada").await;
    assert_eq!(texts(&ada.history(ada.with(&bob)).await), ["hello bob", "hello ada"]);

    let state = tempfile::tempdir().unwrap();
    let mut chat = Command::new(program().unwrap());
    chat.args(["chat", "--url", server.base(), "--user", "eve", "--sign-up", "--open", "bob", "--state"]);
    chat.arg(state.path()).arg("--ca").arg(secrets.join("tls-certificate.pem"));
    chat.env("CONNECT_CHAT_PASSWORD", "correct horse").kill_on_drop(true).stdin(std::process::Stdio::null());
    let output = soon("the terminal client", chat.output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_believed() {
    let server = server(&["tls.self_signed=true"]).await;
    let error = Http::new(server.base()).unwrap().me().await.unwrap_err();
    assert!(error.to_string().contains("its certificate is not trusted"), "{error}");
}

#[tokio::test]
async fn a_person_does_not_learn_that_a_server_speaks_no_tls() {
    let server = server(&[]).await;
    let error = Http::new(&server.base().replace("http://", "https://")).unwrap().me().await.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

/// Writes a new certificate into these files, and gives it.
fn renew(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

/// A server that shows the certificate in this folder.
async fn showing(folder: &Path) -> Server {
    let files = ["certificate=", "key="].into_iter().zip(["cert.pem", "key.pem"]);
    let options = files.fold(Options::cheap(), |options, (key, file)| {
        options.set(format!("tls.{key}{}", folder.join(file).display()))
    });
    options.listen("127.0.0.1:0".parse().unwrap()).start().await.unwrap()
}

async fn reload(server: &Server, says: &str) {
    server.signal(Signal::HUP).unwrap();
    until(says, || async { server.log().contains(says) }).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_not_shown_or_ends_the_sessions_before() {
    let folder = tempfile::tempdir().unwrap();
    let old = renew(folder.path());
    let server = showing(folder.path()).await;
    let before = believing(&server, &old, "ada").await;
    let mut session = before.connect().await;

    let new = renew(folder.path());
    reload(&server, "the certificate was read again").await;
    let after = believing(&server, &new, "ada").await;
    after.connect().await.ping().await;
    session.ping().await;
    let late = believing(&server, &old, "bob").await;
    let error = late.http.me().await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "the old one is not shown any more: {error}");
}

#[tokio::test]
async fn a_broken_renewal_leaves_a_server_without_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let good = renew(folder.path());
    let server = showing(folder.path()).await;
    std::fs::write(folder.path().join("cert.pem"), "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    reload(&server, "the old one stays").await;
    believing(&server, &good, "ada").await.connect().await.ping().await;
}

#[tokio::test]
async fn a_public_address_is_listened_on_in_plain_speech() {
    for everywhere in ["listen=0.0.0.0:0", "listen=[::]:0"] {
        let said = Options::cheap().set(everywhere).refused().await.unwrap();
        assert!(said.contains("--tls-cert") && said.contains("--allow-plain"), "{said}");
        assert!(!said.contains("Stack backtrace"), "{said}");
    }
    Options::cheap().set("listen=0.0.0.0:0").set("tls.allow_plain=true").start().await.unwrap();
}

#[tokio::test]
async fn plain_speech_to_a_tls_port_hangs() {
    let server = server(&["tls.self_signed=true"]).await;
    let mut plain = TcpStream::connect(server.listen().unwrap()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon("an answer", plain.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"), "{answer}");
}

/// A connection on which every byte, and how it ends, can be seen.
async fn shaken(server: &Server, pem: &str) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let address = server.listen().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::from(address.ip());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// Whether somebody cut a connection off, or it was ended, is what `close_notify` says.
#[tokio::test]
async fn a_stop_cuts_connections_off_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let pem = renew(folder.path());
    let mut server = showing(folder.path()).await;
    let mut kept = shaken(&server, &pem).await;
    kept.write_all(b"GET /v1/nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(soon("an answer", kept.read_u8()).await.unwrap(), b'H');
    let ada = believing(&server, &pem, "ada").await;
    let mut session = Raw::over(shaken(&server, &pem).await).await.greeted(&ada.tokens.access_token).await;

    let stopped = async { assert!(server.terminate().await.unwrap().success()) };
    let told = async {
        let last = session.next().await;
        assert!(
            matches!(&last, Came::Frame(frame) if goodbye(frame).is_some_and(|said| said.reason == Reason::Restart)),
            "{last:?}"
        );
        assert!(matches!(session.next().await, Came::Close(code) if code == Reason::Restart.close_code()));
        for stream in [&mut kept, session.stream()] {
            let mut rest = vec![];
            let ended = soon("the end", stream.read_to_end(&mut rest)).await;
            ended.expect("without close_notify this is an error");
        }
    };
    tokio::join!(stopped, told);
}
