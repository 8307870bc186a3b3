//! The handshake: a table of requests, and a real client through a real HTTP server.

use std::convert::Infallible;
use std::ops::ControlFlow;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use gateway::websocket::handshake::{self, Refusal};
use gateway::websocket::{Decoder, Event, accept_key, encode};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn request(lines: &[(&str, &str)]) -> Request<()> {
    lines
        .iter()
        .fold(Request::builder(), |request, (name, value)| request.header(*name, *value))
        .body(())
        .unwrap()
}

const GOOD: [(&str, &str); 5] = [
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", KEY),
    ("sec-websocket-protocol", "connect.v1.json"),
];

/// The good request with one header's values replaced.
fn with(name: &'static str, values: &[&'static str]) -> Request<()> {
    let kept = GOOD.into_iter().filter(|(other, _)| *other != name);
    request(&kept.chain(values.iter().map(|value| (name, *value))).collect::<Vec<_>>())
}

#[test]
fn the_rfcs_key_is_answered_wrongly() {
    assert_eq!(accept_key(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn a_good_request_is_refused() {
    let rows = [
        request(&GOOD),
        with("upgrade", &["WebSocket"]),
        with("upgrade", &["h2c, websocket"]),
        with("connection", &["keep-alive, Upgrade"]),
        with("connection", &["keep-alive", "upgrade"]),
        with("sec-websocket-protocol", &["chat, connect.v1.json"]),
        with("sec-websocket-protocol", &["chat", "connect.v1.json"]),
        with("sec-websocket-key", &["AQIDBAUGBwgJCgsMDQ4PEC=="]), // RFC 6455, section 4.1, with its stray bits
        with("sec-websocket-extensions", &["permessage-deflate; client_max_window_bits"]),
    ];
    for row in rows {
        let accept = handshake::check(&row).unwrap_or_else(|refusal| panic!("{refusal}: {row:?}"));
        let answer: Response<()> = accept.response();
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer.headers()["sec-websocket-protocol"], "connect.v1.json");
        assert!(!answer.headers().contains_key("sec-websocket-extensions"), "an extension is accepted");
    }
}

#[test]
fn a_bad_request_is_accepted_or_named_wrongly() {
    let mut post = request(&GOOD);
    *post.method_mut() = http::Method::POST;
    let mut old = request(&GOOD);
    *old.version_mut() = http::Version::HTTP_10;
    let rows = [
        (post, Refusal::Method, 405),
        (old, Refusal::HttpVersion, 505),
        (request(&[]), Refusal::Upgrade, 426),
        (with("upgrade", &["h2c"]), Refusal::Upgrade, 426),
        (with("connection", &["close"]), Refusal::Upgrade, 426),
        (with("connection", &["not-upgrade"]), Refusal::Upgrade, 426),
        (with("sec-websocket-version", &[]), Refusal::WebSocketVersion, 426),
        (with("sec-websocket-version", &["8"]), Refusal::WebSocketVersion, 426),
        (with("sec-websocket-version", &["13", "13"]), Refusal::WebSocketVersion, 426),
        (with("sec-websocket-key", &[]), Refusal::Key, 400),
        (with("sec-websocket-key", &[KEY, KEY]), Refusal::Key, 400),
        (with("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZQ"]), Refusal::Key, 400),
        (with("sec-websocket-key", &["AQIDBAUGBw=="]), Refusal::Key, 400), // 7 bytes
        (with("sec-websocket-key", &["AQIDBAUGBwgJCgsMDQ4PEBESEw=="]), Refusal::Key, 400), // 19 bytes
        (with("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZTE="]), Refusal::Key, 400),
        (with("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZ!=="]), Refusal::Key, 400),
        (with("sec-websocket-protocol", &[]), Refusal::Subprotocol, 400),
        (with("sec-websocket-protocol", &["Connect.v1.json"]), Refusal::Subprotocol, 400),
        (with("sec-websocket-protocol", &["connect.v1.json.more"]), Refusal::Subprotocol, 400),
    ];
    for (row, refusal, status) in rows {
        assert_eq!(handshake::check(&row), Err(refusal), "{row:?}");
        assert_eq!(refusal.status(), status);
    }
    assert_eq!(Refusal::WebSocketVersion.headers()["sec-websocket-version"], "13");
    assert_eq!(Refusal::Method.headers()["allow"], "GET");
}

/// Answers the handshake, and echoes one message in capitals.
async fn serve(io: DuplexStream) {
    let service = service_fn(|mut request: Request<Incoming>| async move {
        let answer: Response<Full<Bytes>> = match handshake::check(&request) {
            Ok(accept) => accept.response(),
            Err(refusal) => {
                let mut answer = Response::new(Full::from(refusal.to_string()));
                *answer.status_mut() = refusal.status();
                answer.headers_mut().extend(refusal.headers());
                return Ok::<_, Infallible>(answer);
            }
        };
        tokio::spawn(async move { echo(hyper::upgrade::on(&mut request).await.unwrap()).await });
        Ok(answer)
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service);
    let _closed_by_either = connection.with_upgrades().await;
}

async fn echo(upgraded: hyper::upgrade::Upgraded) {
    let parts = upgraded.downcast::<TokioIo<DuplexStream>>().unwrap();
    let (mut io, mut decoder, mut scratch) = (parts.io.into_inner(), Decoder::new(), [0; 512]);
    assert!(parts.read_buf.is_empty(), "the client waits for the answer");
    while !decoder.is_ended() {
        let (read, mut reply) = (io.read(&mut scratch).await.unwrap(), None);
        let mut on = |event: Event<'_>| {
            if let Event::Text(text) = event {
                reply = Some(encode::text(&text.to_uppercase()));
            }
            ControlFlow::Continue(())
        };
        decoder.feed(&mut scratch[..read], 4096, &mut on).unwrap();
        if let Some(reply) = reply {
            io.write_all(&reply).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_real_client_cannot_connect() {
    let (near, far) = tokio::io::duplex(4096);
    tokio::spawn(serve(far));
    let mut request = "ws://localhost/v1/connect".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "connect.v1.json".parse().unwrap());
    let (mut client, answer) = tokio_tungstenite::client_async(request, near).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "connect.v1.json");
    client.send(Message::text("grüezi")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("GRÜEZI"));
}

#[tokio::test]
async fn a_client_without_the_subprotocol_connects() {
    let (near, far) = tokio::io::duplex(4096);
    tokio::spawn(serve(far));
    let refused = tokio_tungstenite::client_async("ws://localhost/v1/connect", near).await;
    let Err(Error::Http(answer)) = refused else { panic!("{refused:?}") };
    assert_eq!(answer.status(), 400);
}
