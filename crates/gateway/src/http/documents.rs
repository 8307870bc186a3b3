//! The documents of the API, generated and checked in under `docs/api`; `crate::documents` says how.

use super::Answer;
use super::operation::{About, Document, Operations};
use crate::documents::{ASYNCAPI, OPENAPI};

pub(super) fn operations() -> Operations {
    Operations::of("documents", "What this API is, for programs.")
        .get(
            "/v1/openapi.json",
            openapi,
            About {
                id: "getOpenapi",
                summary: "This document",
                details: "The OpenAPI document of what is served over HTTPS.",
                refuses: &[],
            },
        )
        .get(
            "/v1/asyncapi.json",
            asyncapi,
            About {
                id: "getAsyncapi",
                summary: "The document of `/v1/connect`",
                details: "The AsyncAPI document of what is spoken over the WebSocket.",
                refuses: &[],
            },
        )
}

async fn openapi() -> Answer<Document> {
    Ok(Document(OPENAPI))
}

async fn asyncapi() -> Answer<Document> {
    Ok(Document(ASYNCAPI))
}
