//! The gateway over real sockets, spoken to by a client library that is not ours.

mod api;
mod documented;
mod sessions;
mod throttle;
mod tls;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::Config;
use crate::testing::World;
use crate::tls::Tls;

/// A gateway that listens.
struct Served {
    world: World,
    address: String,
    shutdown: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Served {
    async fn new(config: Config) -> Self {
        Self::over(World::new(Config { drain_ms: 300, ..config }).await).await
    }

    async fn over(world: World) -> Self {
        Self::behind(world, None).await
    }

    async fn behind(world: World, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (shutdown, told) = oneshot::channel::<()>();
        let gateway = world.gateway.clone();
        let serving =
            tokio::spawn(async move { gateway.serve(listener, tls, async move { drop(told.await) }).await });
        Self { world, address, shutdown: Some(shutdown), serving }
    }

    async fn open(&self, origin: Option<&str>) -> Result<Device, Error> {
        let mut request = format!("ws://{}/v1/connect", self.address).into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_static(protocol::SUBPROTOCOL));
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Device(stream))
    }

    /// A session that is live.
    async fn live(&self, token: &str) -> Device {
        let mut device = self.open(None).await.unwrap();
        device.say(&format!(r#"{{"type":"hello","token":"{token}"}}"#)).await;
        assert_eq!(device.next().await["type"], "welcome");
        device
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn stop(mut self) {
        drop(self.shutdown.take());
        self.serving.await.unwrap().unwrap();
        self.world.gateway.drain().await;
    }
}

/// One device.
struct Device(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Device {
    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn send(&mut self, conversation: domain::ConversationId, n: u8, text: &str) {
        let client_id = crate::testing::client_id(n);
        let body = serde_json::json!({ "text": text });
        let frame = serde_json::json!({"type": "send", "conversation": conversation, "client_id": client_id, "body": body});
        self.say(&frame.to_string()).await;
    }

    /// The next frame.
    async fn next(&mut self) -> Value {
        loop {
            match self.0.next().await.expect("the session goes on").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(close) => panic!("closed: {close:?}"),
                _ => {}
            }
        }
    }

    /// The goodbye and the close code that end the session, with the frames before.
    async fn goodbye(mut self) -> (Value, u16) {
        let mut goodbye = Value::Null;
        while let Some(Ok(message)) = self.0.next().await {
            match message {
                Message::Text(text) => goodbye = serde_json::from_str(&text).unwrap(),
                Message::Close(close) => return (goodbye, close.unwrap().code.into()),
                _ => {}
            }
        }
        panic!("the session ended without a close frame; the last was {goodbye}");
    }
}
