//! `admin backup` and `admin restore`: the store as one file, and one file as a data folder.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use node::restore::Summary;

use super::call::Caller;
use super::out::say;
use crate::count::count;

/// Takes a backup of the running server, and reads it back before it gets its name.
pub(super) async fn backup(caller: &Caller, to: PathBuf, json: bool) -> anyhow::Result<()> {
    let path = if to.is_dir() { to.join(name()) } else { to };
    anyhow::ensure!(!path.exists(), "{} is there already: choose another name", path.display());
    let beside = path.with_added_extension("part");
    if let Err(error) = fetch(caller, &beside).await {
        // What is there is no backup; that it cannot be taken away either is not worth another error.
        let _left = fs::remove_file(&beside);
        return Err(error);
    }
    let read = beside.clone();
    let summary = tokio::task::spawn_blocking(move || node::restore::inspect(&read)).await??;
    fs::rename(&beside, &path).and_then(|()| sync_folder(&path)).with_context(|| unwritable(&path))?;
    tell(&summary, &format!("backed up to {}", path.display()), json)
}

fn name() -> String {
    let now = node::ambient::system().now().to_string();
    let plain: String = now.chars().map(|c| if c == ':' { '-' } else { c }).collect();
    format!("connect-chat-{plain}.backup")
}

async fn fetch(caller: &Caller, path: &Path) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| unwritable(path))?;
    let mut pieces = caller.stream("/admin/backup").await?;
    while let Some(piece) = pieces.next().await? {
        file.write_all(&piece).with_context(|| unwritable(path))?;
    }
    file.sync_all().with_context(|| unwritable(path))
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

/// Makes a data folder of a backup; with `check`, only reads it.
pub(super) async fn restore(file: PathBuf, data: PathBuf, check: bool, json: bool) -> anyhow::Result<()> {
    let done = if check { "whole".to_owned() } else { format!("restored to {}", data.display()) };
    let work =
        move || if check { node::restore::inspect(&file) } else { node::restore::restore(&file, &data) };
    let summary = tokio::task::spawn_blocking(work).await??;
    tell(&summary, &done, json)
}

fn tell(summary: &Summary, done: &str, json: bool) -> anyhow::Result<()> {
    if json {
        return say(&serde_json::to_string(summary)?);
    }
    let Summary { about, conversations, entries, users, bytes } = summary;
    say(&format!(
        "{done}: {}, {}, {}, {}; taken at {}, good up to offset {} of the change feed",
        count(*conversations, "conversation", "conversations"),
        count(*entries, "entry", "entries"),
        count(*users, "user", "users"),
        count(*bytes, "byte", "bytes"),
        about.time,
        about.feed
    ))
}
