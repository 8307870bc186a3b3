//! The judgement, once everything has healed: all logs as the operator reads them, what those who are absent missed, and
//! what empty devices find, before the checker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use client::wire::{Connection, Heard};
use domain::{ConversationId, Entry, Position, UserId};
use protocol::frame::{Changes, FromDevice, FromServer};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};

use super::account::Account;
use super::stage::Stage;
use crate::checker::{self, Delivery, Expected, Finding, Found, Law, Logs, check};
use crate::process::{PATIENCE, Server};

/// People of whom no device ever says that it has anything: one who comes and goes, and one who is in most groups.
const ABSENT: [&str; 2] = ["silent0", "silent9"];

/// What was there to be judged, and what is wrong with it.
pub(super) struct Judgement {
    pub(super) entries: usize,
    pub(super) findings: Vec<Finding>,
}

/// Holds every law, against these devices, and empty ones of these people. Nobody submits anything any more, and every
/// device is connected; pushes that are under way have this long.
pub(super) async fn judge(
    server: &Server,
    stage: &Stage,
    (expected, askable): (&[Expected], &[String]),
    pushes_within: Duration,
) -> Result<Judgement> {
    let logs = Arc::new(logs(server, stage).await?);
    let mut empty = BTreeMap::new();
    let mut findings = vec![];
    for handle in ABSENT {
        let device = Account::mint(server, handle).await?;
        findings.extend(checker::missed(device.user(), &device.http.missed().await?, &logs));
    }
    for handle in askable {
        let device = Account::mint(server, handle).await?;
        let found = timeout(PATIENCE, everything(&stage.base, &device)).await;
        let mut found = found.with_context(|| format!("an empty device of {handle} does not get far"))??;
        stage.share(&mut found.shown);
        found.pulled = found.pulled.into_iter().map(|entry| stage.shared(entry)).collect();
        empty.insert(device.user(), found);
    }
    let (expected, empty) = (Arc::new(expected.to_vec()), Arc::new(empty));
    let deadline = Instant::now() + pushes_within;
    loop {
        let mut findings = findings.clone();
        findings.extend(checked(stage, &logs, &expected, &empty).await?);
        let under_way = |finding: &Finding| finding.law == Law::NoSilentLoss;
        if findings.is_empty() || !findings.iter().all(under_way) || Instant::now() > deadline {
            return Ok(Judgement { entries: logs.values().map(Vec::len).sum(), findings });
        }
        sleep(Duration::from_millis(300)).await;
    }
}

async fn checked(
    stage: &Stage,
    logs: &Arc<Logs>,
    expected: &Arc<Vec<Expected>>,
    empty: &Arc<BTreeMap<UserId, Found>>,
) -> Result<Vec<Finding>> {
    let (history, logs) = (stage.history.clone(), Arc::clone(logs));
    let (expected, empty) = (Arc::clone(expected), Arc::clone(empty));
    let work = move || check(&history, &logs, &expected, &empty, Delivery::InOrder);
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// Every log, as the admin listener tells it.
async fn logs(server: &Server, stage: &Stage) -> Result<Logs> {
    #[derive(Deserialize)]
    struct Row {
        id: ConversationId,
    }
    let mut logs = Logs::new();
    let mut after = String::new();
    loop {
        let page = server.admin(&format!("/admin/conversations{after}")).await?;
        let rows: Vec<Row> = serde_json::from_str(&page).context("the list of conversations")?;
        let Some(last) = rows.last() else { return Ok(logs) };
        after = format!("?after={}", last.id);
        for row in &rows {
            logs.insert(row.id, log(server, stage, row.id).await?);
        }
    }
}

async fn log(server: &Server, stage: &Stage, conversation: ConversationId) -> Result<Vec<Arc<Entry>>> {
    let mut log: Vec<Arc<Entry>> = vec![];
    loop {
        let after = log.last().map_or(Position::START, |entry| entry.position);
        let page = server.admin(&format!("/admin/log/{conversation}?after={after}")).await?;
        let page: Vec<Arc<Entry>> =
            serde_json::from_str(&page).with_context(|| format!("the log of {conversation}"))?;
        let Some(last) = page.last() else { return Ok(log) };
        ensure!(last.position > after, "the log of {conversation} does not go on after {after}");
        log.extend(page.into_iter().map(|entry| stage.shared(entry)));
    }
}

/// What a device finds that knows nothing: by sync, then by pages.
async fn everything(base: &str, device: &Account) -> Result<Found> {
    let mut connection = Connection::hello(base, device.token()).await?;
    let mut token = None;
    let mut found = Found::default();
    loop {
        connection.send(&FromDevice::Sync { token }).await?;
        let changes = changes(&mut connection).await?;
        found.shown.extend(changes.conversations);
        if !changes.more {
            break;
        }
        token = Some(changes.token);
    }
    connection.close().await?;
    for shown in &found.shown {
        found.pulled.extend(device.history(shown.id).await?);
    }
    Ok(found)
}

async fn changes(connection: &mut Connection) -> Result<Changes> {
    loop {
        match connection.next().await? {
            Heard::Frame(FromServer::Changes(changes)) => return Ok(changes),
            Heard::Frame(FromServer::Error(error)) => bail!("a sync was refused: {}", error.error),
            Heard::Closed(code) => bail!("closed with {code:?} before the answer to a sync"),
            Heard::Frame(_) | Heard::Unknown(_) => {}
        }
    }
}
