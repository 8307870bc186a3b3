//! The AsyncAPI document, from the frames of both directions.

use protocol::example::{from_device, from_server};
use protocol::frame::{FromDevice, FromServer, Reason};
use protocol::{CONNECT_PATH, SUBPROTOCOL};
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::prose;
use super::schemas::{Schemas, remove};

const CHANNEL: &str = "#/channels/connect";

/// The AsyncAPI document, generated.
pub fn asyncapi() -> Value {
    let mut schemas = Schemas::new(SchemaSettings::draft07);
    schemas.taken(|schemas| schemas.subschema_for::<FromDevice<'_>>());
    schemas.given(|schemas| schemas.subschema_for::<FromServer>());
    let mut definitions = schemas.into_definitions();
    let (taken, given) = (from_device(), from_server());
    let messages: Map<String, Value> = messages(&mut definitions, "FromDevice", &taken)
        .chain(messages(&mut definitions, "FromServer", &given))
        .collect();
    let refer = |name: &String| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")}));
    let listed: Map<String, Value> = messages.keys().map(refer).collect();
    let received = taken.iter().map(|frame| receiving(frame, &messages));
    let sent = given.iter().map(|frame| sending(frame, &messages));
    let operations: Map<String, Value> = received.chain(sent).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Connect Chat over WebSocket",
            "version": env!("CARGO_PKG_VERSION"),
            "description": prose::page(include_str!("connect.md")),
            "license": {"name": "Apache-2.0", "url": super::LICENSE},
            "tags": [{"name": "chat", "description": "Conversations of two people and groups."}],
        },
        "defaultContentType": "application/json",
        "servers": {"here": {
            "host": "{host}",
            "protocol": "wss",
            "description": "The server that this document came from; `ws` where it is served without TLS.",
            "variables": {"host": {"description": "Host and port.", "default": "127.0.0.1:8080"}},
        }},
        "channels": {"connect": channel(&listed)},
        "operations": operations,
        "components": {"schemas": definitions, "messages": messages},
    })
}

fn channel(messages: &Map<String, Value>) -> Value {
    let closing = |reason: Reason| {
        let code = reason.close_code();
        json!({"code": code, "reason": reason, "then": prose::then(code), "meaning": prose::meaning(&reason)})
    };
    json!({
        "address": CONNECT_PATH,
        "title": "A session",
        "description": "One live connection of one device: one JSON object a text frame, tagged by `type`.",
        "messages": messages,
        "bindings": {"ws": {
            "method": "GET",
            "headers": {
                "type": "object",
                "required": ["Sec-WebSocket-Protocol"],
                "properties": {"Sec-WebSocket-Protocol": {"type": "string", "const": SUBPROTOCOL}},
            },
        }},
        "x-close-codes": Reason::ALL.map(closing),
    })
}

/// One message for each variant of an enum of frames; the enum itself is no schema of its own any more.
fn messages<T: Serialize>(
    definitions: &mut Map<String, Value>,
    name: &str,
    examples: &[T],
) -> impl Iterator<Item = (String, Value)> + use<T> {
    let frames = definitions.remove(name).expect("the enum was referred to");
    let frames = frames["oneOf"].as_array().cloned().expect("an enum is one of its variants");
    let examples: Vec<Value> = examples.iter().map(|frame| json!(frame)).collect();
    frames.into_iter().map(move |mut payload| {
        let name = payload["properties"]["type"]["const"].as_str().expect("a frame has a tag").to_owned();
        let description = remove(&mut payload, "description").map(|text| prose::line(&text));
        let example = examples.iter().find(|frame| frame["type"] == name.as_str());
        let example = example.unwrap_or_else(|| panic!("`protocol::example` has no `{name}` frame"));
        let message = json!({
            "name": name,
            "title": format!("The frame `{name}`"),
            "summary": description,
            "contentType": "application/json",
            "payload": payload,
            "examples": [{"name": name, "payload": example}],
        });
        (name, message)
    })
}

/// What the server receives, and what it answers.
fn receiving(frame: &FromDevice<'_>, messages: &Map<String, Value>) -> (String, Value) {
    let name = tag(frame);
    let answers: Vec<Value> = answers(frame).iter().map(|answer| in_channel(answer)).collect();
    let mut operation = operation("receive", &name, messages);
    operation["title"] = format!("A device says `{name}`").into();
    operation["reply"] = json!({"channel": {"$ref": CHANNEL}, "messages": answers});
    (format!("{name}FromDevice"), operation)
}

/// What may answer a frame of a device. Any may also be answered by `error`, and by `goodbye` at the end.
const fn answers(frame: &FromDevice<'_>) -> &'static [&'static str] {
    match frame {
        FromDevice::Hello { .. } => &["welcome", "goodbye"],
        FromDevice::Send(_) => &["sent", "error"],
        FromDevice::Sync { .. } => &["changes", "error"],
        FromDevice::Ping {} => &["pong", "error"],
        FromDevice::Renew { .. } | FromDevice::Delivered(_) | FromDevice::Read(_) => &["error"],
    }
}

/// What the server sends.
fn sending(frame: &FromServer, messages: &Map<String, Value>) -> (String, Value) {
    let name = tag(frame);
    let mut operation = operation("send", &name, messages);
    operation["title"] = format!("The server says `{name}`").into();
    (format!("{name}FromServer"), operation)
}

fn operation(action: &str, name: &str, messages: &Map<String, Value>) -> Value {
    json!({
        "action": action,
        "description": messages[name]["summary"],
        "channel": {"$ref": CHANNEL},
        "messages": [in_channel(name)],
    })
}

fn in_channel(name: &str) -> Value {
    json!({"$ref": format!("{CHANNEL}/messages/{name}")})
}

fn tag(frame: &impl Serialize) -> String {
    json!(frame)["type"].as_str().unwrap_or_default().to_owned()
}
