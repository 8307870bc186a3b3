//! One example of each frame from a device.

use domain::Content;
use serde_json::value::RawValue;

use super::{POSITION, client_id, conversation};
use crate::frame::{FromDevice, Move, Send};

/// One of each, in the order in which a session may say them.
pub fn from_device() -> Vec<FromDevice<'static>> {
    let moved = Move { conversation: conversation(), position: POSITION };
    vec![
        FromDevice::Hello { token: "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1MDQifQ.c2lnbmF0dXJl".into() },
        FromDevice::Sync { token: Some("AQEAAAAAAAAAKg".to_owned()) },
        FromDevice::Send(Send {
            conversation: conversation(),
            client_id: client_id(),
            body: raw(&Content::message("hello")),
            after: None,
        }),
        FromDevice::Delivered(moved.clone()),
        FromDevice::Read(moved),
        FromDevice::Renew { token: "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1MDQifQ.YW5vdGhlcg".into() },
        FromDevice::Ping {},
    ]
}

fn raw(content: &Content) -> Box<RawValue> {
    let body = content.to_body().as_str().to_owned();
    RawValue::from_string(body).expect("a body is JSON")
}
