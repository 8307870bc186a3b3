//! Answers whose type says their status, and what each tells the document.

use axum::Json;
use axum::response::{IntoResponse, NoContent, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use protocol::example::Example;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::Content;
use super::signature::{Gives, Signature};

/// Something that was made.
pub(in crate::http) struct Created<T>(pub(in crate::http) T);

/// Something that was made, or was there already.
pub(in crate::http) enum MadeOrFound<T> {
    /// It was made, now or by an earlier try.
    Made(T),
    /// It was there.
    Found(T),
}

/// A JSON document that never changes while the server runs.
pub(in crate::http) struct Document(pub(in crate::http) &'static str);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: Serialize> IntoResponse for MadeOrFound<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Made(made) => Created(made).into_response(),
            Self::Found(found) => Json(found).into_response(),
        }
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")];
        (headers, self.0).into_response()
    }
}

impl<T: JsonSchema + Example> Gives for Json<T> {
    fn tell(signature: &mut Signature) {
        signature.answers.push((200, "Done.", Some(content::<T>())));
    }
}

impl<T: JsonSchema + Example> Gives for Created<T> {
    fn tell(signature: &mut Signature) {
        signature.answers.push((201, "Made.", Some(content::<T>())));
    }
}

impl<T: JsonSchema + Example> Gives for MadeOrFound<T> {
    fn tell(signature: &mut Signature) {
        signature.answers.push((200, "It was there.", Some(content::<T>())));
        signature.answers.push((201, "Made, now or by an earlier try.", Some(content::<T>())));
    }
}

impl Gives for NoContent {
    fn tell(signature: &mut Signature) {
        signature.answers.push((204, "Done; there is no body.", None));
    }
}

impl Gives for Document {
    fn tell(signature: &mut Signature) {
        let schema = |_: &mut _| schemars::json_schema!({"type": "object"});
        signature.answers.push((200, "The document.", Some(Content { schema, example: None })));
    }
}

fn content<T: JsonSchema + Example>() -> Content {
    Content { schema: |schemas| schemas.subschema_for::<T>(), example: Some(|| json!(T::example())) }
}
