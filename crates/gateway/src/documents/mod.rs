//! The documents of the API: OpenAPI 3.1 for `/v1/…`, AsyncAPI 3.0 for `/v1/connect`.
//!
//! Both are generated: schemas from the types that are served, operations from the table that the router is made from
//! (`crate::http`), frames from the enums of [`protocol::frame`], prose from the Markdown beside this file. What is
//! generated is checked in under `docs/api`, and served as it lies there; `cargo xtask api` writes it anew, and a test
//! fails while the two differ. Deliberately absent: generating anything while a server runs.

mod asyncapi;
mod openapi;
mod prose;
mod schemas;

pub use asyncapi::asyncapi;
pub use openapi::openapi;

/// The OpenAPI document as it is checked in and served.
pub const OPENAPI: &str = include_str!("../../../../docs/api/openapi.json");

/// The AsyncAPI document as it is checked in and served.
pub const ASYNCAPI: &str = include_str!("../../../../docs/api/asyncapi.json");

/// What the documents may be used under.
const LICENSE: &str = "https://www.apache.org/licenses/LICENSE-2.0";
