//! TLS: handshakes, what is written through it, and how it ends.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::Certificate;

/// A certificate for localhost, and a client that believes it.
fn made() -> (Certificate, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate =
        Certificate::parse(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (certificate, TlsConnector::from(Arc::new(config)))
}

async fn shake<S: AsyncRead + AsyncWrite + Unpin>(client: &TlsConnector, stream: S) -> TlsStream<S> {
    client.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

impl Served {
    async fn in_secret(config: Config) -> (Self, TlsConnector) {
        let (certificate, client) = made();
        let world = World::new(Config { drain_ms: 300, ..config }).await;
        (Self::behind(world, Some(Tls::new(certificate))).await, client)
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }
}

/// The head of an answer, and its body if it says how long that is.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    head + str::from_utf8(&body).unwrap()
}

#[tokio::test]
async fn a_connection_that_is_kept_is_cut_off_rather_than_closed() {
    let (served, client) = Served::in_secret(Config::default()).await;
    let mut stream = shake(&client, served.tcp().await).await;
    for _ in 0..2 {
        stream.write_all(b"GET /v1/nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 404"));
    }
    served.stop().await;
    assert_eq!(stream.read_to_end(&mut vec![]).await.unwrap(), 0, "without close_notify this is an error");
}

#[tokio::test]
async fn a_session_over_tls_is_cut_off_before_it_is_told_why() {
    let (served, client) = Served::in_secret(Config::default()).await;
    let mut stream = shake(&client, served.tcp().await).await;
    let request = "GET /v1/connect HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         sec-websocket-protocol: connect.v1.json\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 101"));
    let stop = tokio::spawn(served.stop());
    let mut last = vec![];
    stream.read_to_end(&mut last).await.expect("without close_notify this is an error");
    let close = last.iter().position(|byte| *byte == 0x88).expect("a close frame");
    assert!(String::from_utf8_lossy(&last[..close]).contains("goodbye"), "{last:?}");
    drop(stream);
    stop.await.unwrap();
}

/// rustls takes what the socket does not take yet; the first version left it there, since its own queue was empty.
#[tokio::test]
async fn what_was_written_stays_in_tls_until_something_else_is_written() {
    let (certificate, client) = made();
    let (near, far) = duplex(64);
    let tls = Tls::new(certificate);
    let (server, mut device) = tokio::join!(tls.accept(far), shake(&client, near));
    let world = World::new(Config::default()).await;
    world.gateway.connect(server.unwrap()).unwrap();
    let hello = br#"{"type":"hello","token":"1.1"}"#;
    let header = [0x81, 0x80 | u8::try_from(hello.len()).unwrap(), 0, 0, 0, 0];
    device.write_all(&[&header[..], hello].concat()).await.unwrap();
    device.flush().await.unwrap();
    let reading = async {
        assert_eq!(device.read_u16().await.unwrap(), 0x817e);
        let mut frame = vec![0; device.read_u16().await.unwrap().into()];
        device.read_exact(&mut frame).await.unwrap();
        String::from_utf8(frame).unwrap()
    };
    let frame =
        tokio::time::timeout(std::time::Duration::from_secs(20), reading).await.expect("all of it comes");
    assert!(frame.contains("welcome"), "{frame}");
}

#[tokio::test]
async fn a_handshake_that_never_comes_holds_a_place_for_ever() {
    let config = Config { tls_handshake_timeout_ms: 50, connections_max: 1, ..Config::default() };
    let (served, client) = Served::in_secret(config).await;
    let mut silent = served.tcp().await;
    assert_eq!(silent.read_to_end(&mut vec![]).await.unwrap(), 0);
    let _in_its_place = shake(&client, served.tcp().await).await;
    served.stop().await;
}

#[tokio::test]
async fn plain_speech_to_a_tls_port_is_not_answered() {
    let (served, _) = Served::in_secret(Config::default()).await;
    let mut plain = served.tcp().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("https://"), "{answer}");
    served.stop().await;
}

#[test]
fn a_key_of_another_certificate_is_taken() {
    let make = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (one, other) = (make(), make());
    let parse = |chain: &str, key: &str| {
        Certificate::parse(chain.as_bytes(), key.as_bytes()).map_err(|error| error.to_string())
    };
    assert!(
        parse(&one.cert.pem(), &other.signing_key.serialize_pem()).unwrap_err().contains("cannot be shown")
    );
    assert!(parse("", &one.signing_key.serialize_pem()).unwrap_err().contains("no certificate"));
    assert!(parse(&one.cert.pem(), "").unwrap_err().contains("no private key"));
    let good = parse(&one.cert.pem(), &one.signing_key.serialize_pem()).unwrap();
    assert!(good.is_for("localhost") && !good.is_for("127.0.0.1"));
}

#[test]
fn the_end_of_another_certificate_than_the_one_shown_is_told() {
    let until = |year| {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        Certificate::parse(made.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    };
    let tls = Tls::new(until(2030));
    assert_eq!(tls.expires_unix_s(), Some(1_893_456_000));
    tls.show(until(2031));
    assert_eq!(tls.expires_unix_s(), Some(1_924_992_000));
}
