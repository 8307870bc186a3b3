//! Devices and sessions of the tests: raw connections that note all they hear, and waits that have an end.

use std::borrow::Cow;
use std::sync::Arc;

use client::http::{Edge, Http};
use client::tokens::Fixed;
use client::wire::{Connection, Heard};
use client::{Clock, Endpoint};
use domain::{ClientId, Code, Content, ConversationId, Entry, Position, Rejection, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::frame::{Changes, CursorMoved, FromDevice, FromServer, Goodbye, Move, Send, Sent, Welcome};
use protocol::http::Tokens;
use verify::process::{Options, PATIENCE, Server};

/// People and devices are made this many at a time.
const AT_ONCE: usize = 64;

/// A server with cheap passwords, and what else is set.
pub(crate) async fn server(settings: &[&str]) -> Server {
    settings.iter().fold(Options::cheap(), |options, setting| options.set(*setting)).start().await.unwrap()
}

/// What a future gives, or a failed test if that takes for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_elapsed| panic!("in vain: {what}"))
}

/// Asks again until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    soon(what, async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// A device that is signed in. A clone is the same device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) tokens: Tokens,
    pub(crate) http: Http,
    pub(crate) clock: Arc<Clock>,
    endpoint: Endpoint,
}

impl Device {
    pub(crate) fn new(server: &Server, tokens: Tokens) -> Self {
        Self::at(Endpoint::new(server.base()).unwrap(), tokens)
    }

    /// A device that finds its server there.
    pub(crate) fn at(endpoint: Endpoint, tokens: Tokens) -> Self {
        let clock = Arc::new(Clock::new());
        clock.told(tokens.time);
        let http = Http::at(endpoint.clone()).with_tokens(Arc::new(Fixed::new(&tokens)));
        Self { tokens, http, clock, endpoint }
    }

    pub(crate) fn user(&self) -> UserId {
        self.tokens.user
    }

    /// The direct conversation with another person.
    pub(crate) fn with(&self, other: &Self) -> ConversationId {
        ConversationId::direct(self.user(), other.user())
    }

    pub(crate) fn client_id(&self) -> ClientId {
        self.clock.client_id()
    }

    /// A live session.
    pub(crate) async fn connect(&self) -> Session {
        self.connect_after(&[]).await
    }

    /// A live session; these frames follow the hello unawaited.
    pub(crate) async fn connect_after(&self, frames: &[FromDevice<'_>]) -> Session {
        let work = async {
            let mut connection = Connection::at(&self.endpoint).await.unwrap();
            connection.send(&hello(&self.tokens.access_token)).await.unwrap();
            for frame in frames {
                connection.send(frame).await.unwrap();
            }
            let mut session = Session { device: self.clone(), connection, heard: vec![] };
            let welcome = session.wait("welcome", welcome).await;
            assert_eq!((welcome.user, welcome.device), (self.user(), self.tokens.device));
            assert!(
                matches!(session.heard[0], FromServer::Welcome(_)),
                "welcome comes first: {:?}",
                session.heard
            );
            session
        };
        soon("a session", work).await
    }

    /// A group with these people beside oneself.
    pub(crate) async fn group(&self, others: &[&Self], history: bool) -> ConversationId {
        let users: Vec<UserId> = others.iter().map(|other| other.user()).collect();
        self.http.group("group", &users, history, self.client_id()).await.unwrap().id
    }

    /// Sends by HTTP.
    pub(crate) async fn post(&self, conversation: ConversationId, text: &str) -> Position {
        self.http.post(conversation, text, self.client_id()).await.unwrap().position
    }

    /// All that this person sees of a conversation, by pages.
    pub(crate) async fn history(&self, conversation: ConversationId) -> Vec<Arc<Entry>> {
        let mut entries: Vec<Arc<Entry>> = vec![];
        loop {
            let after = entries.last().map_or(Position::START, |entry| entry.position);
            let page = self.http.entries(conversation, Edge::After(after), None).await.unwrap();
            entries.extend(page.entries);
            if !page.more {
                return entries;
            }
        }
    }
}

/// A new device of the person with this handle, who is made if there is none.
pub(crate) async fn device(server: &Server, handle: &str) -> Device {
    Device::new(server, server.mint(handle).await.unwrap())
}

/// A device each of people whose handles begin so.
pub(crate) async fn people(server: &Server, prefix: &str, count: usize) -> Vec<Device> {
    let made =
        stream::iter((0..count).map(|number| async move { server.mint(&format!("{prefix}{number}")).await }));
    let tokens: Vec<Tokens> = made.buffered(AT_ONCE).try_collect().await.unwrap();
    tokens.into_iter().map(|tokens| Device::new(server, tokens)).collect()
}

/// A live session each.
pub(crate) async fn connected(devices: &[Device]) -> Vec<Session> {
    stream::iter(devices).map(Device::connect).buffered(AT_ONCE).collect().await
}

/// A session, and all it heard.
pub(crate) struct Session {
    pub(crate) device: Device,
    pub(crate) connection: Connection,
    pub(crate) heard: Vec<FromServer>,
}

impl Session {
    /// Listens until what was heard so far says something.
    pub(crate) async fn wait<T>(
        &mut self,
        what: &str,
        mut says: impl FnMut(&[FromServer]) -> Option<T>,
    ) -> T {
        soon(what, async {
            loop {
                if let Some(said) = says(&self.heard) {
                    return said;
                }
                match self.connection.next().await {
                    Ok(Heard::Frame(frame)) => self.heard.push(frame),
                    other => panic!("in vain: {what}: {other:?} after {:?}", self.heard.last()),
                }
            }
        })
        .await
    }

    /// Listens to the end: the goodbye and the close code, if there were any.
    pub(crate) async fn end(&mut self) -> (Option<Goodbye>, Option<u16>) {
        soon("the end of a session", async {
            loop {
                let code = match self.connection.next().await {
                    Ok(Heard::Frame(frame)) => {
                        self.heard.push(frame);
                        continue;
                    }
                    Ok(Heard::Unknown(name)) => panic!("an unknown frame {name}"),
                    Ok(Heard::Closed(code)) => code,
                    Err(_broken) => None,
                };
                return (find(&self.heard, goodbye), code);
            }
        })
        .await
    }

    pub(crate) async fn send(&mut self, frame: &FromDevice<'_>) {
        self.connection.send(frame).await.unwrap();
    }

    /// Sends a message under this id, without waiting.
    pub(crate) async fn submit(&mut self, conversation: ConversationId, client_id: ClientId, text: &str) {
        self.send(&message(conversation, client_id, text, None)).await;
    }

    /// Sends a message, and waits until it is stored.
    pub(crate) async fn say(&mut self, conversation: ConversationId, text: &str) -> Sent {
        let client_id = self.device.client_id();
        self.submit(conversation, client_id, text).await;
        self.outcome(client_id).await.unwrap()
    }

    /// The first answer to a submission.
    pub(crate) async fn outcome(&mut self, client_id: ClientId) -> Result<Sent, Rejection> {
        self.nth_outcome(client_id, 0).await
    }

    /// One of the answers to a submission that was sent several times.
    pub(crate) async fn nth_outcome(&mut self, client_id: ClientId, n: usize) -> Result<Sent, Rejection> {
        let of_it = move |frame: &FromServer| match frame {
            FromServer::Sent(sent) if sent.client_id == client_id => Some(Ok(sent.clone())),
            FromServer::Error(error) if error.client_id == Some(client_id) => Some(Err(error.error.clone())),
            _ => None,
        };
        self.wait("an outcome", |heard| heard.iter().filter_map(of_it).nth(n)).await
    }

    /// Waits until this many entries of a conversation were pushed, and gives all.
    pub(crate) async fn entries(&mut self, conversation: ConversationId, count: usize) -> Vec<Arc<Entry>> {
        let enough =
            |heard: &[FromServer]| Some(pushed(heard, conversation)).filter(|entries| entries.len() >= count);
        self.wait(&format!("{count} entries"), enough).await
    }

    /// Waits until an entry with this text was pushed, and gives all of the conversation up to then.
    pub(crate) async fn hears(&mut self, conversation: ConversationId, text: &str) -> Vec<Arc<Entry>> {
        let body = Content::message(text).to_body();
        let heard = |heard: &[FromServer]| {
            let entries = pushed(heard, conversation);
            entries.iter().any(|entry| entry.body.as_ref() == Some(&body)).then_some(entries)
        };
        self.wait(text, heard).await
    }

    /// What has changed since a token: all of it, in the order it came, and the newest token.
    pub(crate) async fn sync(&mut self, token: Option<String>) -> Vec<Changes> {
        self.send(&FromDevice::Sync { token }).await;
        self.synced().await
    }

    /// The answers to a sync that was asked for.
    pub(crate) async fn synced(&mut self) -> Vec<Changes> {
        let mut all: Vec<Changes> = vec![];
        let before = self.heard.iter().filter(|frame| matches!(frame, FromServer::Changes(_))).count();
        loop {
            let nth = before + all.len();
            let changes = self.wait("changes", |heard| heard.iter().filter_map(changes).nth(nth)).await;
            let (more, token) = (changes.more, changes.token.clone());
            all.push(changes);
            if !more {
                return all;
            }
            self.send(&FromDevice::Sync { token: Some(token) }).await;
        }
    }

    pub(crate) async fn read(&mut self, conversation: ConversationId, position: Position) {
        self.send(&FromDevice::Read(Move { conversation, position })).await;
    }

    pub(crate) async fn delivered(&mut self, conversation: ConversationId, position: Position) {
        self.send(&FromDevice::Delivered(Move { conversation, position })).await;
    }

    /// Waits until this person is told to have read up to here.
    pub(crate) async fn told_read(
        &mut self,
        conversation: ConversationId,
        user: UserId,
        position: Position,
    ) -> CursorMoved {
        let told = |frame: &FromServer| match frame {
            FromServer::Cursor(moved)
                if (moved.conversation, moved.user, moved.cursor.read.position)
                    == (conversation, user, position) =>
            {
                Some(moved.clone())
            }
            _ => None,
        };
        self.wait("a cursor", |heard| find(heard, told)).await
    }

    /// Whether a ping is answered, rather than refused.
    pub(crate) async fn is_served(&mut self) -> bool {
        let answers = |heard: &[FromServer]| {
            let answer = |frame: &&FromServer| matches!(frame, FromServer::Pong {} | FromServer::Error(_));
            heard.iter().filter(answer).map(|frame| matches!(frame, FromServer::Pong {})).collect::<Vec<_>>()
        };
        let before = answers(&self.heard).len();
        self.send(&FromDevice::Ping {}).await;
        self.wait("an answer", |heard| answers(heard).get(before).copied()).await
    }

    /// A round trip that shows that the session lives.
    pub(crate) async fn ping(&mut self) {
        let pongs =
            |heard: &[FromServer]| heard.iter().filter(|frame| matches!(frame, FromServer::Pong {})).count();
        let before = pongs(&self.heard);
        self.send(&FromDevice::Ping {}).await;
        self.wait("pong", |heard| (pongs(heard) > before).then_some(())).await;
    }
}

pub(crate) fn message<'a>(
    conversation: ConversationId,
    client_id: ClientId,
    text: &str,
    after: Option<ClientId>,
) -> FromDevice<'a> {
    let body = serde_json::value::to_raw_value(&serde_json::json!({ "text": text })).unwrap();
    FromDevice::Send(Send { conversation, client_id, body, after })
}

pub(crate) fn hello(token: &str) -> FromDevice<'_> {
    FromDevice::Hello { token: Cow::Borrowed(token) }
}

pub(crate) fn parsed(text: &str) -> FromServer {
    match client::wire::parse(text) {
        Ok(Heard::Frame(frame)) => frame,
        other => panic!("no frame of the protocol: {text}: {other:?}"),
    }
}

/// The first that something can be made of.
pub(crate) fn find<T>(heard: &[FromServer], make: impl Fn(&FromServer) -> Option<T>) -> Option<T> {
    heard.iter().find_map(make)
}

pub(crate) fn welcome(heard: &[FromServer]) -> Option<Box<Welcome>> {
    find(heard, |frame| if let FromServer::Welcome(welcome) = frame { Some(welcome.clone()) } else { None })
}

pub(crate) fn goodbye(frame: &FromServer) -> Option<Goodbye> {
    if let FromServer::Goodbye(goodbye) = frame { Some(goodbye.clone()) } else { None }
}

pub(crate) fn changes(frame: &FromServer) -> Option<Changes> {
    if let FromServer::Changes(changes) = frame { Some(changes.clone()) } else { None }
}

/// The entries of a conversation that were pushed, in the order they came.
pub(crate) fn pushed(heard: &[FromServer], conversation: ConversationId) -> Vec<Arc<Entry>> {
    let entry = |frame: &FromServer| match frame {
        FromServer::Entry { entry } if entry.conversation == conversation => Some(Arc::clone(entry)),
        _ => None,
    };
    heard.iter().filter_map(entry).collect()
}

/// The acks of a conversation, in the order they came.
pub(crate) fn acks(heard: &[FromServer], conversation: ConversationId) -> Vec<Sent> {
    let sent = |frame: &FromServer| match frame {
        FromServer::Sent(sent) if sent.conversation == conversation => Some(sent.clone()),
        _ => None,
    };
    heard.iter().filter_map(sent).collect()
}

pub(crate) fn seqs(entries: &[Arc<Entry>]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position.seq).collect()
}

pub(crate) fn texts(entries: &[Arc<Entry>]) -> Vec<String> {
    let text = |entry: &Arc<Entry>| {
        let body: serde_json::Value = serde_json::from_str(entry.body.as_ref()?.as_str()).unwrap();
        body["text"].as_str().map(str::to_owned)
    };
    entries.iter().filter_map(text).collect()
}

/// What the server refused with.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, client::Error>) -> Code {
    result.unwrap_err().rejection().expect("a refusal has a name").code
}
