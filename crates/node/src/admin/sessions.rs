//! Who is connected, and how they are let go.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use domain::{Code, DeviceId, Rejection, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::Admin;
use super::routes::Refused;

/// Rows in one answer.
const PAGE: usize = 1_000;

/// `GET /admin/sessions?user=…&after=…`.
#[derive(Deserialize)]
pub(super) struct Asked {
    /// Of this user only.
    user: Option<UserId>,
    /// After the session of this number.
    #[serde(default)]
    after: u64,
}

/// A session as an operator is shown it.
#[derive(Serialize)]
struct Row {
    number: u64,
    id: String,
    user: UserId,
    device: DeviceId,
    since: Timestamp,
    slot: u16,
    queue_bytes: usize,
    lagging: bool,
}

pub(super) async fn sessions(State(admin): State<Admin>, Query(asked): Query<Asked>) -> Response {
    let row = |live: gateway::Live| Row {
        number: live.id.number,
        id: live.id.to_string(),
        user: live.user,
        device: live.device,
        since: live.since,
        slot: live.id.slot.0,
        queue_bytes: live.queue_bytes,
        lagging: live.lagging,
    };
    let rows: Vec<Row> = admin.gateway.live(asked.user, asked.after, PAGE).into_iter().map(row).collect();
    Json(rows).into_response()
}

/// `POST /admin/drain`: lets all sessions go; with `stop`, the process ends then.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    #[serde(default)]
    stop: bool,
}

/// How many sessions there were.
#[derive(Serialize)]
struct Drained {
    sessions: usize,
}

pub(super) async fn drain(State(admin): State<Admin>, Json(ask): Json<Ask>) -> Result<Response, Refused> {
    // A task of its own: it goes on to its end also if nobody waits for the answer.
    let draining = admin.drain.clone();
    let drained = tokio::spawn(async move { draining.drain().await }).await;
    let sessions = drained
        .map_err(|error| Refused(Rejection::new(Code::Internal, format!("draining failed: {error}"))))?;
    if ask.stop {
        admin.drain.stop();
    }
    Ok(Json(Drained { sessions }).into_response())
}
