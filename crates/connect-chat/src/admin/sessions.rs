//! `admin sessions` and `admin drain`: who is connected, and how they are let go.

use serde_json::{Value, json};

use super::call::Caller;
use super::out::say;
use crate::count::count;

/// Lists the live sessions, a line each.
pub(super) async fn sessions(caller: &Caller, user: Option<String>, json: bool) -> anyhow::Result<()> {
    let of = user.map(|user| format!("&user={user}")).unwrap_or_default();
    let mut after = 0;
    loop {
        let page: Vec<Value> = caller.get(&format!("/admin/sessions?after={after}{of}")).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last["number"].as_u64().unwrap_or(u64::MAX);
        for row in &page {
            say(&if json { row.to_string() } else { line(row) })?;
        }
    }
}

fn line(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let lagging = if row["lagging"] == true { "  lagging" } else { "" };
    format!(
        "{}  {}  {}  since {}  slot {}  queue {} B{lagging}",
        text("id"),
        text("user"),
        text("device"),
        text("since"),
        row["slot"],
        row["queue_bytes"]
    )
}

/// Lets all sessions go.
pub(super) async fn drain(caller: &Caller, stop: bool, json: bool) -> anyhow::Result<()> {
    let drained: Value = caller.post("/admin/drain", &json!({ "stop": stop })).await?;
    if json {
        return say(&drained.to_string());
    }
    let then = if stop { "the server stops" } else { "the server stays until it is told to stop" };
    let told = drained["sessions"].as_u64().unwrap_or_default();
    say(&format!("{} told to reconnect; {then}", count(told, "session was", "sessions were")))
}
