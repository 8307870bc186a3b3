//! A server that does just what a test says: sessions are scripted by hand, pages come from a closure.
#![allow(clippy::unwrap_used, reason = "a test's own helpers")]
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(missing_docs, unreachable_pub, reason = "a test's own helpers")]

use std::sync::Arc;

use connect_chat_client::domain::{
    ClientId, Content, ConversationId, DeviceId, Entry, Kind, Position, Region, Timestamp, UserId,
};
use connect_chat_client::http::Http;
use connect_chat_client::storage::{MemoryOutbox, MemoryState, Outbox, State};
use connect_chat_client::tokens::{Access, Fixed};
use connect_chat_client::{Client, Clock, Event, Events, Options, Parts};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

type Pages = Arc<dyn Fn(&str) -> Value + Send + Sync>;

pub struct Fake {
    pub url: String,
    sessions: mpsc::Receiver<WebSocketStream<TcpStream>>,
}

impl Fake {
    /// `pages` answers the path and query of each HTTP request.
    pub async fn start(pages: impl Fn(&str) -> Value + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, sessions) = mpsc::channel(16);
        let pages: Pages = Arc::new(pages);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), Arc::clone(&pages)));
            }
        });
        Self { url, sessions }
    }

    /// The next session, once it is there.
    pub async fn session(&mut self) -> Session {
        Session(self.sessions.recv().await.unwrap())
    }

    /// The next session, welcomed, with nothing changed since its token.
    pub async fn welcomed(&mut self) -> Session {
        let mut session = self.session().await;
        assert_eq!(session.hear().await["type"], "hello");
        assert_eq!(session.hear().await["type"], "sync");
        session.say(welcome()).await;
        session
            .say(
                json!({"type": "changes", "token": "t1", "more": false, "reset": false, "conversations": []}),
            )
            .await;
        session
    }
}

pub struct Session(WebSocketStream<TcpStream>);

impl Session {
    /// The next frame that is not about cursors.
    pub async fn hear(&mut self) -> Value {
        loop {
            let Message::Text(text) = self.0.next().await.expect("the device is gone").unwrap() else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if !["delivered", "read", "ping"].contains(&frame["type"].as_str().unwrap()) {
                return frame;
            }
        }
    }

    /// The next cursor frame.
    pub async fn hear_cursor(&mut self) -> Value {
        loop {
            let Message::Text(text) = self.0.next().await.expect("the device is gone").unwrap() else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if ["delivered", "read"].contains(&frame["type"].as_str().unwrap()) {
                return frame;
            }
        }
    }

    pub async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub async fn close(mut self, code: u16) {
        self.0.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await.unwrap();
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

async fn serve(mut stream: TcpStream, sessions: mpsc::Sender<WebSocketStream<TcpStream>>, pages: Pages) {
    let mut head = [0; 1024];
    let read = stream.peek(&mut head).await.unwrap_or(0);
    let head = String::from_utf8_lossy(&head[..read]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    if path == "/v1/connect" {
        #[expect(clippy::result_large_err, reason = "the library's callback")]
        let echo = |_: &Request, mut response: Response| {
            response.headers_mut().insert("Sec-WebSocket-Protocol", "connect.v1.json".parse().unwrap());
            Ok(response)
        };
        if let Ok(session) = tokio_tungstenite::accept_hdr_async(stream, echo).await {
            drop(sessions.send(session).await);
        }
        return;
    }
    let mut rest = vec![0; read];
    stream.read_exact(&mut rest).await.unwrap();
    let body = pages(&path).to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

pub fn user(n: u8) -> UserId {
    UserId::new(Region::ONLY, [n; 15])
}

pub fn device() -> DeviceId {
    DeviceId::new(Region::ONLY, [9; 15])
}

pub fn conversation() -> ConversationId {
    ConversationId::direct(user(1), user(2))
}

/// The `seq`-th entry of the conversation, by user 2.
pub fn entry(seq: u64) -> Entry {
    Entry {
        conversation: conversation(),
        position: Position::new(1, seq),
        kind: Kind::Message,
        sender: user(2),
        device: DeviceId::new(Region::ONLY, [8; 15]),
        client_id: ClientId::new(seq, [2; 10]),
        time: Timestamp::from_unix_ms(1_700_000_000_000 + seq),
        ordinal: seq,
        roster: Position::START,
        was: None,
        body: Some(Content::message(format!("text {seq}")).to_body()),
    }
}

pub fn entry_frame(seq: u64) -> Value {
    json!({"type": "entry", "entry": entry(seq)})
}

pub fn welcome() -> Value {
    json!({
        "type": "welcome", "user": user(1), "device": device(), "session": "s",
        "time": Timestamp::from_unix_ms(1_700_000_000_000),
        "token_expires": Timestamp::from_unix_ms(1_700_000_600_000), "limits": {},
    })
}

pub fn sent(client_id: &Value, seq: u64) -> Value {
    json!({
        "type": "sent", "conversation": conversation(), "client_id": client_id,
        "position": Position::new(1, seq), "ordinal": seq, "time": Timestamp::from_unix_ms(1_700_000_000_000),
    })
}

pub async fn client(url: &str, outbox: Box<dyn Outbox>, state: Box<dyn State>) -> (Client, Events) {
    let expires = Timestamp::from_unix_ms(4_000_000_000_000);
    let parts = Parts {
        http: Http::new(url).unwrap(),
        tokens: Arc::new(Fixed(Access { token: "token".into(), expires })),
        outbox,
        state,
        clock: Arc::new(Clock::new()),
        options: Options::default(),
    };
    Client::start(parts).await.unwrap()
}

pub async fn new_client(url: &str) -> (Client, Events) {
    client(url, Box::new(MemoryOutbox::default()), Box::new(MemoryState::default())).await
}

/// The next event that `wanted` picks.
pub async fn until<T>(events: &mut Events, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = wanted(events.next().await.expect("the client ended")) {
            return found;
        }
    }
}

/// The seqs of the next `count` entries.
pub async fn seqs(events: &mut Events, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        seqs.push(
            until(
                events,
                |event| if let Event::Entry(entry) = event { Some(entry.position.seq) } else { None },
            )
            .await,
        );
    }
    seqs
}
