//! Empty devices that sync everything, by raw frames and pages, and hold it against the file.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use client::http::{Edge, Http};
use client::wire::{Connection, Heard};
use domain::{Content, Entry, Kind, Position};
use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::frame::{Changes, FromDevice, FromServer};
use protocol::view::Conversation;

use super::Replayed;
use super::digest::{Chain, Expected};
use super::trace::Trace;
use super::world::{World, name};
use crate::bench::out::Out;
use crate::bench::target::Target;

/// Devices that sync at once.
const DEVICES_AT_ONCE: usize = 4;

/// What one device found.
#[derive(Default)]
struct Found {
    synced: u64,
    equal: u64,
    different: u64,
}

/// Syncs an empty device of each of `count` people, or of everybody.
pub(super) async fn run(
    trace: &Arc<Trace>,
    world: &Arc<World>,
    expected: &Arc<Expected>,
    target: &Target,
    count: Option<usize>,
    out: &Out,
) -> Result<Replayed> {
    let mut people: Vec<usize> = (0..trace.people.len()).collect();
    people.sort_by_key(|person| Reverse(trace.people[*person].len()));
    people.truncate(count.unwrap_or(usize::MAX));
    let bar = out.bar("empty devices", people.len() as u64);
    let begin = Instant::now();
    let found = stream::iter(people.iter().map(|person| async move {
        let tokens = target.mint(&name(*person)).await?;
        let (http, url, token) = (target.http(&tokens), target.url.clone(), tokens.access_token);
        let (trace, world, expected) = (Arc::clone(trace), Arc::clone(world), Arc::clone(expected));
        let number = *person;
        // A task of its own, so that several cores read.
        tokio::spawn(async move {
            let device = Device { http, world: &world, expected: &expected, found: Found::default() };
            device
                .sync(&url, &token, &trace.people[number])
                .await
                .with_context(|| format!("the device of {}", name(number)))
        })
        .await?
    }));
    let found: Vec<Found> =
        found.buffer_unordered(DEVICES_AT_ONCE).inspect_ok(|_| bar.inc(1)).try_collect().await?;
    bar.finish_and_clear();
    let mut replayed =
        Replayed { devices: found.len(), sync_seconds: begin.elapsed().as_secs_f64(), ..Replayed::default() };
    for found in found {
        replayed.synced += found.synced;
        replayed.equal += found.equal;
        replayed.different += found.different;
    }
    Ok(replayed)
}

struct Device<'a> {
    http: Http,
    world: &'a World,
    expected: &'a Expected,
    found: Found,
}

impl Device<'_> {
    async fn sync(mut self, url: &str, token: &str, groups: &[usize]) -> Result<Found> {
        let mut connection = Connection::hello(url, token).await?;
        let mut token = None;
        let mut seen = 0;
        loop {
            connection.send(&FromDevice::Sync { token }).await?;
            let changes = changes(&mut connection).await?;
            for conversation in &changes.conversations {
                self.conversation(conversation).await?;
                seen += 1;
            }
            if !changes.more {
                break;
            }
            token = Some(changes.token);
        }
        // A group that was not named is one that reads back differently.
        self.found.different += (groups.len() as u64).saturating_sub(seen);
        ensure!(
            seen <= groups.len() as u64,
            "it was given {seen} conversations in place of {}",
            groups.len()
        );
        connection.close().await?;
        Ok(self.found)
    }

    async fn conversation(&mut self, view: &Conversation) -> Result<()> {
        let group = *self.world.group_of.get(&view.id).context("it was given a group of others")?;
        let mut chain = Chain::default();
        let mut at = Position::START;
        let newest = view.entries.first().map_or(Position::END, |entry| entry.position);
        // What the sync did not bring is read by pages, from the start.
        while at < view.head.position && !(newest <= view.first || newest.seq == at.seq + 1) {
            let page = self.http.entries(view.id, Edge::After(at), None).await?;
            let Some(last) = page.entries.last() else { bail!("an empty page after {at} of {}", view.id) };
            let next = last.position;
            for entry in page.entries.iter().filter(|entry| entry.position < newest) {
                self.read(&mut chain, entry)?;
            }
            at = next;
            if next >= newest {
                break;
            }
        }
        for entry in &view.entries {
            self.read(&mut chain, entry)?;
        }
        let end = chain.end();
        self.found.synced += end.count;
        match end == self.expected.groups[group] {
            true => self.found.equal += 1,
            false => self.found.different += 1,
        }
        Ok(())
    }

    fn read(&self, chain: &mut Chain, entry: &Entry) -> Result<()> {
        if entry.kind != Kind::Message {
            return Ok(());
        }
        let body = entry.body.as_ref().context("a message without a body")?;
        let Content::Message(message) = Content::parse(&entry.kind, body.as_str())? else {
            bail!("no message")
        };
        let person = self.world.person_of.get(&entry.sender).context("a message of somebody else")?;
        chain.push(*person, &message.text);
        Ok(())
    }
}

async fn changes(connection: &mut Connection) -> Result<Changes> {
    loop {
        match connection.next().await? {
            Heard::Frame(FromServer::Changes(changes)) => return Ok(changes),
            Heard::Frame(FromServer::Error(error)) => bail!("the sync was refused: {}", error.error),
            Heard::Frame(FromServer::Goodbye(goodbye)) => bail!("it was sent away: {goodbye:?}"),
            Heard::Closed(code) => bail!("the connection was closed ({code:?})"),
            Heard::Frame(_) | Heard::Unknown(_) => {}
        }
    }
}
