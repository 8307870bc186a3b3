//! `admin verify`: the laws, held against the whole store.

use std::path::PathBuf;

use serde_json::json;

use super::call::Caller;
use super::out::say;
use crate::count::count;

/// Asks the running server.
pub(super) async fn online(caller: &Caller, json: bool) -> anyhow::Result<()> {
    judge(&caller.post("/admin/verify", &json!({})).await?, json)
}

/// Opens the store of a server that is stopped; mends what is derived, if asked to.
pub(super) async fn offline(data: PathBuf, repair: bool, json: bool) -> anyhow::Result<()> {
    let config = node::Config { data, ..node::Config::default() };
    let stores = tokio::task::spawn_blocking(move || node::Stores::open_existing(&config)).await??;
    let report = if repair { node::repair(&stores).await } else { node::audit(&stores).await };
    stores.kv.close().await;
    judge(&report?, json)
}

fn judge(report: &node::Report, json: bool) -> anyhow::Result<()> {
    if json {
        say(&serde_json::to_string(report)?)?;
    } else {
        tell(report)?;
    }
    anyhow::ensure!(report.violations == 0, "the store breaks {}", count(report.violations, "law", "laws"));
    Ok(())
}

fn tell(report: &node::Report) -> anyhow::Result<()> {
    for mend in &report.mends {
        say(&format!("mended: {mend}"))?;
    }
    for told in &report.told {
        say(told)?;
    }
    say(&format!(
        "{}, {}, {}",
        count(report.conversations, "conversation", "conversations"),
        count(report.entries, "entry", "entries"),
        count(report.violations, "violation", "violations")
    ))
}
