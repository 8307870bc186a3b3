//! What each extractor tells the document.

use axum::Extension;
use axum::extract::State;
use domain::{ClientId, Code, ConversationId, UserId};
use http::Method;
use protocol::example::{self, Example};
use schemars::JsonSchema;
use serde_json::json;

use super::signature::{Signature, Takes};
use super::{Content, Parameter};
use crate::http::input::{Body, Caller, InConversation, Key, OfUser, Query};

impl<T> Takes for State<T> {
    fn tell(_signature: &mut Signature) {}
}

impl<T> Takes for Extension<T> {
    fn tell(_signature: &mut Signature) {}
}

impl Takes for Method {
    fn tell(_signature: &mut Signature) {}
}

impl Takes for Caller {
    fn tell(signature: &mut Signature) {
        signature.signed = true;
        signature.refuses.extend([Code::Unauthenticated, Code::TokenExpired]);
    }
}

impl<T: JsonSchema + Example> Takes for Body<T> {
    fn tell(signature: &mut Signature) {
        signature.body = Some(Content {
            schema: |schemas| schemas.subschema_for::<T>(),
            example: Some(|| json!(T::example())),
        });
        signature.refuses.extend([Code::BadRequest, Code::TooLarge]);
    }
}

impl<T: JsonSchema> Takes for Query<T> {
    fn tell(signature: &mut Signature) {
        signature.query = Some(T::json_schema);
        signature.refuses.push(Code::BadRequest);
    }
}

impl Takes for InConversation {
    fn tell(signature: &mut Signature) {
        signature.parameters.push(Parameter {
            name: "conversation",
            place: "path",
            required: true,
            description: "Which conversation.",
            schema: |schemas| schemas.subschema_for::<ConversationId>(),
            example: || json!(example::conversation()),
        });
        signature.refuses.extend([Code::BadRequest, Code::NotFound]);
    }
}

impl Takes for OfUser {
    fn tell(signature: &mut Signature) {
        signature.parameters.push(Parameter {
            name: "user",
            place: "path",
            required: true,
            description: "Which person.",
            schema: |schemas| schemas.subschema_for::<UserId>(),
            example: || json!(example::user()),
        });
        signature.refuses.push(Code::BadRequest);
    }
}

impl Takes for Key {
    fn tell(signature: &mut Signature) {
        signature.parameters.push(key(true, "The client id of what is appended: a UUIDv7 on server time."));
        signature.refuses.push(Code::BadClientId);
    }
}

impl Takes for Option<Key> {
    fn tell(signature: &mut Signature) {
        signature
            .parameters
            .push(key(false, "The client id of a group's creation; without meaning otherwise."));
        signature.refuses.push(Code::BadClientId);
    }
}

fn key(required: bool, description: &'static str) -> Parameter {
    Parameter {
        name: "Idempotency-Key",
        place: "header",
        required,
        description,
        schema: |schemas| schemas.subschema_for::<ClientId>(),
        example: || json!(example::client_id()),
    }
}
