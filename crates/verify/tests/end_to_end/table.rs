//! What a bad input is answered with, tried beside two people who talk meanwhile.

use domain::{ClientId, Code, ConversationId};
use protocol::frame::{FromServer, Reason};
use serde_json::{Value, json};
use verify::process::Server;

use crate::raw::{Came, Raw, TEXT, frame};
use crate::support::{Device, Session, device, seqs, server};

/// What a bad input is answered with.
pub(crate) enum Answer {
    /// The frame is refused by this name, and the session goes on.
    Refused(Code),
    /// The session ends, for this reason and with its close code.
    Goodbye(Reason),
}
use Answer::{Goodbye, Refused};

pub(crate) fn text(value: &Value) -> Vec<u8> {
    frame(TEXT, true, value.to_string().as_bytes())
}

pub(crate) fn send(conversation: ConversationId, client_id: ClientId, body: &Value) -> Vec<u8> {
    text(&json!({ "type": "send", "conversation": conversation, "client_id": client_id, "body": body }))
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) mallory: Device,
    /// Two people who talk meanwhile.
    pub(crate) ada: Session,
    pub(crate) bob: Session,
}

impl World {
    pub(crate) async fn new(settings: &[&str]) -> Self {
        let server = server(settings).await;
        let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
        let (ada, bob) = (ada.connect().await, bob.connect().await);
        Self { mallory: device(&server, "mallory").await, ada, bob, server }
    }

    /// Sends it, and holds the answer against the table; the others talk on.
    pub(crate) async fn try_it(&mut self, name: &str, live: bool, bytes: &[u8], answer: &Answer) {
        let mut raw = if live {
            Raw::live(&self.server, &self.mallory.tokens.access_token).await
        } else {
            Raw::open(&self.server).await
        };
        raw.bytes(bytes).await;
        match (raw.next().await, answer) {
            (Came::Frame(came), Refused(code)) => {
                let FromServer::Error(error) = *came else { panic!("{name}: {came:?}") };
                assert_eq!(error.error.code, *code, "{name}: {error:?}");
                assert!(!error.error.message.is_empty(), "{name}");
                raw.text(r#"{"type":"ping"}"#).await;
                let pong = raw.next().await;
                assert!(
                    matches!(&pong, Came::Frame(f) if matches!(**f, FromServer::Pong {})),
                    "{name}: {pong:?}"
                );
            }
            (Came::Frame(came), Goodbye(reason)) => {
                let FromServer::Goodbye(goodbye) = *came else { panic!("{name}: {came:?}") };
                assert_eq!(goodbye.reason, *reason, "{name}");
                let comes_back = reason.close_code() < 4200;
                assert_eq!(
                    goodbye.retry_after_ms.is_some(),
                    comes_back,
                    "{name}: it says whether to come back"
                );
                let closed = raw.next().await;
                assert!(
                    matches!(closed, Came::Close(code) if code == reason.close_code()),
                    "{name}: {closed:?}"
                );
                assert!(matches!(raw.next().await, Came::Gone), "{name}: and the socket is closed");
            }
            (came, _) => panic!("{name}: {came:?}"),
        }
        self.talk(name).await;
    }

    /// The others talk: what one says is stored, and the other hears all that was said.
    pub(crate) async fn talk(&mut self, text: &str) {
        let conversation = self.ada.device.with(&self.bob.device);
        let said = self.ada.say(conversation, text).await;
        let heard = self.bob.hears(conversation, text).await;
        assert_eq!(seqs(&heard), (1..=said.position.seq).collect::<Vec<_>>(), "{text}: nothing is lost");
    }
}
