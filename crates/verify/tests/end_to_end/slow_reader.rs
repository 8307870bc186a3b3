//! A socket that nobody reads, beside one that is read.

use client::http::Edge;
use domain::Position;
use futures_util::{SinkExt, StreamExt};
use protocol::frame::{FromServer, Reason};
use protocol::{CONNECT_PATH, SUBPROTOCOL};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, http::HeaderValue};
use verify::process::{Ports, Server};

use crate::support::{Device, device, hello, parsed, pushed, seqs, server, soon, until};

const MESSAGES: usize = 400;
const QUEUE_BYTES: usize = 64 << 10;

/// A session whose socket takes little before it blocks the server.
async fn narrow(server: &Server, device: &Device) -> WebSocketStream<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let stream = socket.connect(server.listen().unwrap()).await.unwrap();
    let mut request =
        format!("ws://{}{CONNECT_PATH}", server.listen().unwrap()).into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL));
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let text = serde_json::to_string(&hello(&device.tokens.access_token)).unwrap();
    socket.send(Message::text(text)).await.unwrap();
    let Some(Ok(Message::Text(first))) = socket.next().await else { panic!("no welcome") };
    assert!(first.contains("\"welcome\""), "{first}");
    socket
}

/// All that still comes, to the end or until something says that it is enough.
async fn drain(
    socket: &mut WebSocketStream<TcpStream>,
    enough: impl Fn(&FromServer) -> bool,
) -> Vec<FromServer> {
    let mut heard = vec![];
    soon("the rest", async {
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            heard.push(parsed(&text));
            if heard.last().is_some_and(&enough) {
                return;
            }
        }
    })
    .await;
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_waits_for_a_slow_reader() {
    let queue = format!("limits.session_queue_bytes_max={QUEUE_BYTES}");
    let server = server(&[&queue, "limits.session_frames_burst=100000"]).await;
    let ada = device(&server, "ada").await;
    let (quick, slow, stuck) =
        (device(&server, "bob").await, device(&server, "bob").await, device(&server, "bob").await);
    let conversation = ada.with(&quick);
    let (mut ada, mut quick) = (ada.connect().await, quick.connect().await);
    let mut slow_socket = narrow(&server, &slow).await;
    let mut stuck_socket = narrow(&server, &stuck).await;

    let text = "x".repeat(15 << 10);
    let mut queued_max = 0.0_f64;
    for number in 0..MESSAGES {
        ada.say(conversation, &text).await;
        quick.entries(conversation, number + 1).await;
        if number % 20 == 0 {
            queued_max = queued_max.max(server.metric("gateway_queue_bytes", "").await.unwrap());
        }
    }
    assert_eq!(seqs(&quick.entries(conversation, MESSAGES).await), (1..=MESSAGES as u64).collect::<Vec<_>>());
    assert!(server.metric("gateway_lagged_total", "").await.unwrap() >= 2.0, "both slow ones are behind");
    assert!(queued_max <= (4 * QUEUE_BYTES) as f64, "{queued_max} bytes waited for four sessions");

    let heard =
        drain(&mut slow_socket, |frame| matches!(frame, FromServer::Lagged {} | FromServer::Goodbye(_)))
            .await;
    let (last, entries) = heard.split_last().unwrap();
    assert!(matches!(last, FromServer::Lagged {}), "it is told that it is behind: {last:?}");
    assert!(entries.len() < MESSAGES, "it was not kept waiting for: {}", entries.len());
    let got = entries.iter().filter(|frame| matches!(frame, FromServer::Entry { .. })).count() as u64;
    let mut pulled = got;
    while pulled < MESSAGES as u64 {
        let page =
            slow.http.entries(conversation, Edge::After(Position::new(1, pulled)), None).await.unwrap();
        assert_eq!(page.entries[0].position.seq, pulled + 1, "without a hole");
        pulled += page.entries.len() as u64;
    }

    // No goodbye gets through to it. That it is said is tried beside the code that says it.
    until("who reads nothing is closed", || async {
        server.metric("gateway_closed_sessions_total", "slow_reader").await.unwrap() >= 1.0
    })
    .await;
    assert!(server.metric("gateway_closed_sessions_total", "").await.unwrap() <= 1.0, "and nobody else is");
    let heard = drain(&mut stuck_socket, |_| false).await;
    let entries = pushed(&heard, conversation);
    assert_eq!(entries.len(), heard.len(), "all that it took are entries");
    assert_eq!(seqs(&entries), (1..=entries.len() as u64).collect::<Vec<_>>(), "the first of them");
    assert!(entries.len() < MESSAGES, "nobody closed it");
    ada.say(conversation, "and on").await;
    quick.hears(conversation, "and on").await;
}

/// What waits for who reads nothing is written for a while, and then given up: the stop goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_ever_for_who_reads_nothing() {
    let queue = format!("limits.session_queue_bytes_max={QUEUE_BYTES}");
    // All have an hour to end in: nobody may need it.
    let mut server = server(&[&queue, "gateway.drain_ms=3600000"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let (conversation, mut quick) = (ada.with(&bob), bob.connect().await);
    let _stuck_socket = narrow(&server, &device(&server, "bob").await).await;
    let text = "x".repeat(15 << 10);
    let mut said = 0;
    while server.metric("gateway_lagged_total", "").await.unwrap() < 1.0 {
        ada.post(conversation, &text).await;
        said += 1;
        quick.entries(conversation, said).await;
    }

    let status = server.terminate().await.unwrap();
    assert!(status.success(), "{status}: {}", server.log());
    let (goodbye, code) = quick.end().await;
    assert_eq!((goodbye.unwrap().reason, code), (Reason::Restart, Some(Reason::Restart.close_code())));
    server.restart(Ports::Same).await.unwrap();
    assert_eq!(bob.history(conversation).await.len(), said, "what was acked is stored");
}
