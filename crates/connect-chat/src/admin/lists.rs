//! What a server holds, a line each: users, conversations, the entries of a log.

use domain::{ConversationId, Entry, Position};
use protocol::http::User;
use serde_json::Value;

use super::call::Caller;
use super::out::say;

/// Lists users.
pub(super) async fn users(caller: &Caller, json: bool) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page: Vec<User> = caller.get(&format!("/admin/users{after}")).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = format!("?after={}", last.id);
        for user in &page {
            let line = || format!("{}  {}", user.id, user.handle);
            say(&if json { serde_json::to_string(user)? } else { line() })?;
        }
    }
}

/// Lists conversations, and where their logs end.
pub(super) async fn conversations(caller: &Caller, json: bool) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page: Vec<Value> = caller.get(&format!("/admin/conversations{after}")).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = format!("?after={}", last["id"].as_str().unwrap_or_default());
        for row in &page {
            say(&if json { row.to_string() } else { conversation(row) })?;
        }
    }
}

fn conversation(row: &Value) -> String {
    let (id, head) = (row["id"].as_str().unwrap_or_default(), &row["head"]);
    let (epoch, seq) = (&head["position"]["epoch"], &head["position"]["seq"]);
    let time = head["time"].as_str().unwrap_or_default();
    format!("{id}  head {epoch}:{seq}  messages {}  {time}", head["ordinal"])
}

/// Prints the entries of a log from a position on.
pub(super) async fn log(
    caller: &Caller,
    conversation: ConversationId,
    from: Position,
    json: bool,
) -> anyhow::Result<()> {
    let mut after = Position { seq: from.seq.saturating_sub(1), ..from };
    loop {
        let page: Vec<Entry> = caller.get(&format!("/admin/log/{conversation}?after={after}")).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.position;
        for entry in &page {
            say(&if json { serde_json::to_string(entry)? } else { line(entry) })?;
        }
    }
}

fn line(entry: &Entry) -> String {
    let body = entry.body.as_ref().map_or("(erased)", |body| body.as_str());
    format!("{}  {}  {}  {}  {body}", entry.position, entry.time, entry.sender, entry.kind)
}
