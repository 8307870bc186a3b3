//! One example of each frame from a server.

use std::sync::Arc;

use domain::{Code, Cursor, Entry, Limits, Rejection};

use super::{Example, NOW, ORDINAL, POSITION, ada, bob, client_id, conversation, phone};
use crate::frame::{Changes, CursorMoved, Error, FromServer, Goodbye, Reason, Sent, Welcome};
use crate::view::Conversation;

/// One of each, in the order in which a session may be told them.
pub fn from_server() -> Vec<FromServer> {
    vec![
        FromServer::Welcome(Box::new(welcome())),
        FromServer::Changes(changes()),
        FromServer::Sent(sent()),
        FromServer::Entry { entry: Arc::new(Entry::example()) },
        FromServer::Cursor(CursorMoved {
            conversation: conversation(),
            user: bob(),
            cursor: Cursor::example(),
        }),
        FromServer::Lagged {},
        FromServer::Error(error()),
        FromServer::Pong {},
        FromServer::Goodbye(goodbye()),
    ]
}

fn welcome() -> Welcome {
    Welcome {
        user: ada(),
        device: phone(),
        session: "s3-1-42".to_owned(),
        time: NOW,
        token_expires: NOW.plus_ms(600_000),
        limits: Limits::default(),
    }
}

fn changes() -> Changes {
    Changes {
        token: "AQEAAAAAAAAAKw".to_owned(),
        more: false,
        reset: false,
        conversations: vec![Conversation::example()],
    }
}

fn sent() -> Sent {
    let (conversation, client_id) = (conversation(), client_id());
    Sent { conversation, client_id, position: POSITION, ordinal: ORDINAL, time: NOW }
}

fn error() -> Error {
    Error {
        error: Rejection::new(Code::RateLimited, "too many frames; slow down").retry_after_ms(120),
        client_id: Some(client_id()),
        conversation: Some(conversation()),
        frame: Some("send".to_owned()),
    }
}

const fn goodbye() -> Goodbye {
    Goodbye { reason: Reason::Restart, message: None, retry_after_ms: Some(1_730) }
}
