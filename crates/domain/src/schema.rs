//! What the generated documents say of the types whose JSON is written by hand: ids, times, kinds and bodies.
//!
//! Only for whoever generates documents: a server or an SDK is built without it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::content::{Body, Created, History, Left, Message, Renamed, SetRole, Users};
use crate::conversation::ConversationId;
use crate::entry::Kind;
use crate::id::{ClientId, DeviceId, UserId};
use crate::time::Timestamp;

macro_rules! schema {
    ($type:ty, $name:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let write: fn(&mut SchemaGenerator) -> Schema = $schema;
                write(generator)
            }
        }
    };
}

schema!(UserId, "UserId", |_| json_schema!({
    "description": "Names a person. Opaque: it is compared, kept and sent back, never taken apart.",
    "type": "string",
    "pattern": "^u[0-9a-v]{25}[048cgkos]$",
}));

schema!(DeviceId, "DeviceId", |_| json_schema!({
    "description": "Names one phone, browser or program of a person. Opaque.",
    "type": "string",
    "pattern": "^v[0-9a-v]{25}[048cgkos]$",
}));

schema!(ConversationId, "ConversationId", |_| json_schema!({
    "description": "Names a conversation. Opaque.",
    "type": "string",
    "pattern": "^(d[0-9a-v]{51}[0g]|[go][0-9a-v]{25}[048cgkos])$",
}));

schema!(ClientId, "ClientId", |_| json_schema!({
    "description": "Names a submission: a UUIDv7 that the device made on server time. The same for every try.",
    "type": "string",
    "format": "uuid",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
}));

schema!(Timestamp, "Timestamp", |_| json_schema!({
    "description": "A moment on server time: RFC 3339, UTC, with milliseconds.",
    "type": "string",
    "format": "date-time",
}));

schema!(Kind, "EntryKind", |_| {
    let kinds = Kind::ALL.map(|kind| format!("`{kind}`")).join(", ");
    json_schema!({
        "description": format!(
            "What an entry records: {kinds}, or a kind of a later version, which is kept and shown as something unknown. \
             Only a `message` counts in ordinals and unread counts."
        ),
        "type": "string",
    })
});

schema!(Body, "Body", |generator| json_schema!({
    "description": "What an entry says; its `kind` tells which of these it is. That of an unknown kind is any object.",
    "anyOf": [
        generator.subschema_for::<Message>(),
        generator.subschema_for::<Created>(),
        generator.subschema_for::<Users>(),
        generator.subschema_for::<Left>(),
        generator.subschema_for::<SetRole>(),
        generator.subschema_for::<Renamed>(),
        generator.subschema_for::<History>(),
        {"type": "object"},
    ],
}));
