//! Backups of this process's store: what is said in one, and how one becomes a data folder again.
//!
//! A backup holds the store and no secrets: a restored server makes a signing key of its own, and devices refresh their
//! tokens. Restoring writes nowhere but into a folder that was empty; until it is done, a file in there keeps a server from
//! taking what is there for a store.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, ensure};
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use store_kv::backup::{self, Backup};

use crate::stores::{self, Stores};

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The version of the program that made it.
    pub program: String,
    /// When.
    pub time: Timestamp,
    /// The newest offset of the change feed: it holds every entry up to this one, and nothing of any later one.
    pub feed: u64,
}

/// What a backup is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What it says about itself.
    #[serde(flatten)]
    pub about: About,
    /// Logs in it. Each ends where its head in the backup says.
    pub conversations: u64,
    /// Entries in them.
    pub entries: u64,
    /// Users.
    pub users: u64,
    /// Bytes of all rows, before compression.
    pub bytes: u64,
}

impl Summary {
    fn of(Backup { about, tally }: &Backup) -> anyhow::Result<Self> {
        let about = serde_json::from_slice(about).context("the backup is of another program")?;
        let (conversations, entries) = (tally.rows("chat.heads"), tally.rows("chat.entries"));
        Ok(Self { about, conversations, entries, users: tally.rows("users"), bytes: tally.bytes })
    }
}

/// In the data folder while it is being restored to.
const MARKER: &str = "RESTORING";

/// Refuses a data folder whose restore did not end.
pub(crate) fn refuse_half(data: &Path) -> anyhow::Result<()> {
    ensure!(
        !data.join(MARKER).exists(),
        "{} is half restored: empty it, and run `connect-chat admin restore` again",
        data.display()
    );
    Ok(())
}

/// Reads a backup to its end, and says what it is good for.
pub fn inspect(file: &Path) -> anyhow::Result<Summary> {
    let from = open(file)?;
    Summary::of(&backup::inspect(from).with_context(|| format!("{}", file.display()))?)
}

/// Makes a data folder of a backup. Blocks until everything was read, checked and made durable.
pub fn restore(file: &Path, data: &Path) -> anyhow::Result<Summary> {
    let from = open(file)?;
    claim(data)?;
    let options = store_kv::Options::default();
    let backup = backup::restore(&stores::folder(data), &options, from)
        .with_context(|| format!("{}", file.display()))?;
    let summary = Summary::of(&backup)?;
    let stores = Stores::open_in(data, options)?;
    count(stores)?;
    fs::remove_file(data.join(MARKER)).and_then(|()| sync(data)).with_context(|| unwritable(data))?;
    Ok(summary)
}

/// Takes an empty folder, or makes one.
fn claim(data: &Path) -> anyhow::Result<()> {
    refuse_half(data)?;
    DirBuilder::new().recursive(true).mode(0o700).create(data).with_context(|| unwritable(data))?;
    let mut there = fs::read_dir(data).with_context(|| unwritable(data))?;
    ensure!(there.next().is_none(), "{} is not empty: restore into an empty folder", data.display());
    let made = File::create_new(data.join(MARKER)).and_then(|marker| marker.sync_all());
    made.and_then(|()| sync(data)).with_context(|| unwritable(data))
}

/// Counts the restore, so that no position which devices may know of is given again.
fn count(stores: Stores) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
        let restores = stores.sequence.restored().await?;
        tracing::info!(restores, "conversations go on in a new epoch");
        stores.kv.close().await;
        Ok(())
    })
}

fn open(file: &Path) -> anyhow::Result<File> {
    File::open(file).with_context(|| format!("the backup {} cannot be read", file.display()))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn unwritable(data: &Path) -> String {
    format!("the data folder {} cannot be written: check its owner and mode", data.display())
}
