//! One raw WebSocket connection: frames out, frames in.
//!
//! Deliberately absent: healing of any kind. A connection that broke stays broken, nothing is sent twice, nothing is
//! filtered; this is what meters and checkers stand on. [`crate::Client`] is the layer for apps.

use std::borrow::Cow;
use std::sync::Arc;

use domain::Entry;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use protocol::frame::{FromDevice, FromServer};
use protocol::{CONNECT_PATH, SUBPROTOCOL};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::endpoint::Endpoint;
use crate::error::{BROKE, Error, rejection, why};

/// The largest message that is taken from a server: well above a full `changes` frame.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
const READ_BUFFER_BYTES: usize = 16 << 10;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What came in.
#[derive(Debug, Clone)]
pub enum Heard {
    /// A frame.
    Frame(FromServer),
    /// A frame of a type that this version does not know. Pass over it.
    Unknown(String),
    /// The connection ended, with the server's close code if it gave one. Nothing follows.
    Closed(Option<u16>),
}

/// One connection to a server.
pub struct Connection {
    sender: Sender,
    receiver: Receiver,
}

/// The sending half of a [`Connection`].
pub struct Sender(SplitSink<Socket, Message>);

/// The receiving half of a [`Connection`].
pub struct Receiver(SplitStream<Socket>);

impl Connection {
    /// Connects to the server at `base`, like `https://chat.example` or `http://127.0.0.1:8080`. Nothing was said yet.
    pub async fn open(base: &str) -> Result<Self, Error> {
        Self::at(&Endpoint::new(base)?).await
    }

    /// Connects to the server at this address. Nothing was said yet.
    pub async fn at(endpoint: &Endpoint) -> Result<Self, Error> {
        let base = endpoint.base();
        let mut request = address(base)?.into_client_request().map_err(|_| Error::BadUrl(base.to_owned()))?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let connector = endpoint.tls().map_or(Connector::Plain, |tls| Connector::Rustls(Arc::clone(tls)));
        // In a box: opening takes far more room than the connection that comes of it.
        let opening = Box::pin(connect_async_tls_with_config(request, Some(config), true, Some(connector)));
        let (sender, receiver) = opening.await?.0.split();
        Ok(Self { sender: Sender(sender), receiver: Receiver(receiver) })
    }

    /// Connects and says hello; `welcome` is the next thing heard if the token is good.
    pub async fn hello(base: &str, token: &str) -> Result<Self, Error> {
        let mut connection = Self::open(base).await?;
        connection.send(&FromDevice::Hello { token: Cow::Borrowed(token) }).await?;
        Ok(connection)
    }

    /// Sends a frame, at once.
    pub async fn send(&mut self, frame: &FromDevice<'_>) -> Result<(), Error> {
        self.sender.send(frame).await
    }

    /// Sends a text as it is, whether it is a frame or not: for tests of bad input.
    pub async fn send_text(&mut self, text: String) -> Result<(), Error> {
        Ok(self.sender.0.send(Message::text(text)).await?)
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Heard, Error> {
        self.receiver.next().await
    }

    /// Both halves, for two tasks.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// Says that it goes, and does not wait for an answer.
    pub async fn close(mut self) -> Result<(), Error> {
        self.sender.close().await
    }
}

impl Sender {
    /// Sends a frame, at once.
    pub async fn send(&mut self, frame: &FromDevice<'_>) -> Result<(), Error> {
        self.feed(frame).await?;
        self.flush().await
    }

    /// Puts a frame in line; it goes with the next [`Self::flush`], or earlier.
    pub async fn feed(&mut self, frame: &FromDevice<'_>) -> Result<(), Error> {
        let text = serde_json::to_string(frame).map_err(|error| Error::Protocol(error.to_string()))?;
        Ok(self.0.feed(Message::text(text)).await?)
    }

    /// Sends what is in line.
    pub async fn flush(&mut self) -> Result<(), Error> {
        Ok(self.0.flush().await?)
    }

    /// Says that it goes, and does not wait for an answer.
    pub async fn close(&mut self) -> Result<(), Error> {
        Ok(self.0.close().await?)
    }
}

impl Receiver {
    /// The next frame. Can be dropped and called again without loss.
    pub async fn next(&mut self) -> Result<Heard, Error> {
        loop {
            match self.0.next().await {
                None => return Ok(Heard::Closed(None)),
                Some(Ok(Message::Text(text))) => return parse(&text),
                Some(Ok(Message::Close(close))) => return Ok(Heard::Closed(close.map(|c| c.code.into()))),
                Some(Ok(Message::Binary(_))) => {
                    return Err(Error::Protocol("a binary frame in a JSON subprotocol".to_owned()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
}

#[derive(Deserialize)]
struct Tag<'a> {
    r#type: Cow<'a, str>,
}

#[derive(Deserialize)]
struct EntryFrame {
    entry: Arc<Entry>,
}

/// Reads a frame: its tag first, then the rest as what the tag says. Not at once as the tagged enum, since serde buffers
/// those in a form from which the raw JSON of a body cannot be had.
pub fn parse(text: &str) -> Result<Heard, Error> {
    fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|error| Error::Protocol(error.to_string()))
    }
    let tag: Tag<'_> = read(text)?;
    Ok(Heard::Frame(match &*tag.r#type {
        "welcome" => FromServer::Welcome(read(text)?),
        "sent" => FromServer::Sent(read(text)?),
        "entry" => FromServer::Entry { entry: read::<EntryFrame>(text)?.entry },
        "cursor" => FromServer::Cursor(read(text)?),
        "changes" => FromServer::Changes(read(text)?),
        "lagged" => FromServer::Lagged {},
        "error" => FromServer::Error(read(text)?),
        "goodbye" => FromServer::Goodbye(read(text)?),
        "pong" => FromServer::Pong {},
        _ => return Ok(Heard::Unknown(tag.r#type.into_owned())),
    }))
}

/// The WebSocket address of the server at `base`.
fn address(base: &str) -> Result<String, Error> {
    let rest = base.strip_prefix("http").filter(|rest| rest.starts_with("://") || rest.starts_with("s://"));
    let rest = rest.ok_or_else(|| Error::BadUrl(base.to_owned()))?;
    Ok(format!("ws{}{CONNECT_PATH}", rest.trim_end_matches('/')))
}

impl From<tungstenite::Error> for Error {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Url(error) => Self::BadUrl(error.to_string()),
            tungstenite::Error::Capacity(error) => Self::Protocol(error.to_string()),
            tungstenite::Error::Http(answer) => refused(*answer),
            tungstenite::Error::Protocol(
                ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete,
            )
            | tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed => Self::Unreachable(BROKE.to_owned()),
            tungstenite::Error::Protocol(error) => {
                Self::Unreachable(format!("what answers there does not speak WebSocket: {error}"))
            }
            error => Self::Unreachable(why(&error)),
        }
    }
}

/// What answered instead of opening a connection: the server, with its reasons, or something on the way to it. That may be
/// gone at another try, as a hotel's sign-in page is.
fn refused(answer: Response<Option<Vec<u8>>>) -> Error {
    let answer = answer.map(Option::unwrap_or_default);
    let unnamed = || Error::Unreachable(format!("something on the way answered {}", answer.status()));
    rejection(&answer).map_or_else(unnamed, Error::Rejected)
}

#[cfg(test)]
mod tests {
    use domain::{
        ClientId, Content, ConversationId, ConversationKind, Cursor, DeviceId, Kind, Position, Region,
        Timestamp, UserId,
    };
    use protocol::frame::Changes;
    use protocol::view::Conversation;

    use super::*;

    #[test]
    fn a_frame_of_a_newer_server_is_passed_over_and_a_broken_one_is_not() {
        assert!(
            matches!(parse(r#"{"type":"presence","users":[]}"#), Ok(Heard::Unknown(name)) if name == "presence")
        );
        assert!(matches!(parse(r#"{"type":"pong"}"#), Ok(Heard::Frame(FromServer::Pong {}))));
        assert!(matches!(parse(r#"{"type":"sent"}"#), Err(Error::Protocol(_))));
        assert!(matches!(parse("{"), Err(Error::Protocol(_))));
    }

    #[test]
    fn what_a_server_writes_is_read_as_what_it_meant() {
        let user = UserId::new(Region::ONLY, [1; 15]);
        let entry = Arc::new(Entry {
            conversation: ConversationId::Own(user),
            position: Position::new(1, 7),
            kind: Kind::Message,
            sender: user,
            device: DeviceId::new(Region::ONLY, [2; 15]),
            client_id: ClientId::new(5, [0; 10]),
            time: Timestamp::default(),
            ordinal: 3,
            roster: Position::START,
            was: None,
            body: Some(Content::message("a \"b\" \u{1F980}").to_body()),
        });
        let view = Conversation {
            id: entry.conversation,
            kind: ConversationKind::Own,
            head: entry.mark(),
            first: entry.position,
            time: Some(entry.time),
            unread: 0,
            cursor: Cursor::default(),
            peer: None,
            group: None,
            entries: vec![Arc::clone(&entry)],
        };
        let changes = Changes { token: "t".into(), more: false, reset: true, conversations: vec![view] };
        let text = serde_json::to_string(&FromServer::Entry { entry: Arc::clone(&entry) }).unwrap();
        assert!(matches!(parse(&text), Ok(Heard::Frame(FromServer::Entry { entry: read })) if read == entry));
        let text = serde_json::to_string(&FromServer::Changes(changes.clone())).unwrap();
        assert!(matches!(parse(&text), Ok(Heard::Frame(FromServer::Changes(read))) if read == changes));
    }

    #[test]
    fn only_an_http_base_is_an_address() {
        assert_eq!(address("http://h:1/").ok().as_deref(), Some("ws://h:1/v1/connect"));
        assert_eq!(address("https://h/").ok().as_deref(), Some("wss://h/v1/connect"));
        assert!(address("httpd://h").is_err());
        assert!(address("h:1").is_err());
    }
}
