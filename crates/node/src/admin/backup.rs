//! A backup of the running server: a state of the store, streamed while the committer goes on.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use store_kv::Snapshot;
use tokio::runtime::Handle;

use super::Admin;
use super::stream::{Blocking, Pipe, pipe};
use crate::restore::About;

/// `GET /admin/backup`.
pub(super) async fn backup(State(admin): State<Admin>) -> Response {
    let (pipe, body) = pipe();
    // The thread ends with the answer; should it panic, the pipe is dropped and the answer has no end.
    tokio::task::spawn_blocking(move || write(&admin, pipe));
    ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

fn write(admin: &Admin, mut pipe: Pipe) {
    let made = made(admin, &mut pipe);
    Handle::current().block_on(pipe.end(made));
}

fn made(admin: &Admin, pipe: &mut Pipe) -> anyhow::Result<()> {
    let snapshot = admin.stores.kv.snapshot();
    let about = about(admin, &snapshot)?;
    tracing::info!(feed = about.feed, "a backup begins");
    let tally = snapshot.back_up(&serde_json::to_vec(&about)?, Blocking(pipe))?;
    tracing::info!(bytes = tally.bytes, entries = tally.rows("chat.entries"), "a backup was written");
    Ok(())
}

fn about(admin: &Admin, snapshot: &Snapshot) -> anyhow::Result<About> {
    let feed = snapshot.last_offset(&admin.stores.kv.space("chat.feed")?)?;
    Ok(About { program: env!("CARGO_PKG_VERSION").to_owned(), time: admin.ambient.now(), feed })
}
