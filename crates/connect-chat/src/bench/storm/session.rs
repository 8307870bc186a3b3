//! One session of a storm: live, cut, back, caught up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use protocol::frame::FromDevice;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::log::Log;
use super::number;
use crate::bench::drive::{AFTER_LAST, QUIET};
use crate::bench::lean::{Changes, Entry, Heard, Socket, number_of, parse};
use crate::bench::meter::{Numbers, Tally};

/// What all sessions are told, one after the other.
#[derive(Debug, Clone)]
pub(super) enum Told {
    /// Be live.
    Live,
    /// Your connection is gone: come back.
    Cut,
    /// Nothing more is written; this is what was acked in each group.
    Over(Arc<Vec<Numbers>>),
}

/// Who is turned away comes back after this.
const AGAIN: Duration = Duration::from_millis(100);

/// A storm takes at most this long.
const PATIENCE: Duration = Duration::from_secs(120);

/// One session.
pub(super) struct Session {
    socket: Socket,
    device: Device,
}

/// What stays when the connection is cut.
struct Device {
    url: String,
    access_token: String,
    /// The ids of all groups, as they stand in frames.
    ids: Arc<Vec<String>>,
    /// Where its resume stands.
    token: Option<String>,
    logs: HashMap<usize, Log>,
    turned_away: u64,
    turned_away_by: Option<String>,
}

/// What a session saw.
pub(super) struct Seen {
    pub(super) tally: Tally,
    /// How often it was turned away before it was back.
    pub(super) turned_away: u64,
    /// Why it was, the last time.
    pub(super) turned_away_by: Option<String>,
}

impl Session {
    /// Connects, and resumes from nothing.
    pub(super) async fn live(url: &str, access_token: &str, ids: Arc<Vec<String>>) -> Result<Self> {
        let device = Device {
            url: url.to_owned(),
            access_token: access_token.to_owned(),
            ids,
            token: None,
            logs: HashMap::new(),
            turned_away: 0,
            turned_away_by: None,
        };
        device.connected().await.map_err(|(_, error)| error)
    }

    /// Lives, is cut, says when it was back, and then hears all that was written in its groups.
    pub(super) async fn run(
        mut self,
        groups: Vec<usize>,
        mut told: watch::Receiver<Told>,
        back: mpsc::Sender<Instant>,
    ) -> Result<Seen> {
        while matches!(*told.borrow_and_update(), Told::Live) {
            self.hear_until_told(&mut told).await?;
        }
        self = self.cut_and_back().await?;
        back.send(Instant::now()).await.context("the storm failed")?;
        let acked = loop {
            if let Told::Over(acked) = &*told.borrow_and_update() {
                break Arc::clone(acked);
            }
            self.hear_until_told(&mut told).await?;
        };
        self.hear_the_rest(&groups, &acked).await?;
        let Device { mut logs, turned_away, turned_away_by, .. } = self.device;
        let mut tally = Tally::default();
        for group in groups {
            tally += logs.remove(&group).unwrap_or_default().tally(&acked[group]);
        }
        ensure!(logs.is_empty(), "a session was told of groups that it is not in");
        Ok(Seen { tally, turned_away, turned_away_by })
    }

    async fn hear_until_told(&mut self, told: &mut watch::Receiver<Told>) -> Result<()> {
        tokio::select! {
            came = self.socket.turn() => {
                came?;
                self.hear().map(drop)
            }
            changed = told.changed() => changed.context("the storm failed"),
        }
    }

    /// Is cut, and connects and catches up as often as it takes.
    async fn cut_and_back(self) -> Result<Self> {
        let Self { socket, mut device } = self;
        socket.cut()?;
        device.logs.values_mut().for_each(Log::cut);
        let begin = Instant::now();
        loop {
            let error = match device.connected().await {
                Ok(session) => return Ok(session),
                Err((same, error)) => {
                    device = same;
                    // It was not live: what it missed is still to be shown.
                    device.logs.values_mut().for_each(Log::lagged);
                    error
                }
            };
            device.turned_away += 1;
            device.turned_away_by = Some(error.to_string());
            if begin.elapsed() > PATIENCE {
                return Err(error.context("a session is not let in again"));
            }
            sleep(AGAIN).await;
        }
    }

    /// Resumes until there is no more.
    async fn catch_up(&mut self) -> Result<()> {
        self.sync()?;
        while !self.hear()? {
            timeout(PATIENCE, self.socket.turn()).await.context("a sync is not answered")??;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.socket.say(&FromDevice::Sync { token: self.device.token.clone() })
    }

    /// Takes in what came; whether it is caught up by that.
    fn hear(&mut self) -> Result<bool> {
        let mut caught_up = false;
        let mut again = false;
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Entry(entry) => {
                    if let Some((group, nth)) = message(&entry, &self.device.ids)? {
                        self.device.logs.entry(group).or_default().pushed(nth, entry.position);
                    }
                }
                Heard::Changes(changes) => {
                    self.device.token = Some(changes.token.to_owned());
                    (caught_up, again) = (!changes.more, again || changes.more);
                    self.device.show(&changes)?;
                }
                Heard::Lagged => {
                    self.device.logs.values_mut().for_each(Log::lagged);
                    again = true;
                }
                Heard::Goodbye(goodbye) => bail!("a session was sent away: {goodbye:?}"),
                Heard::Error(error) => bail!("a sync was refused: {}", error.error),
                _ => {}
            }
        }
        if again {
            self.sync()?;
        }
        Ok(caught_up)
    }

    /// Hears until everything is there, or it has been quiet for long; and then what comes again.
    async fn hear_the_rest(&mut self, groups: &[usize], acked: &[Numbers]) -> Result<()> {
        let has_all = |logs: &HashMap<usize, Log>| {
            groups.iter().all(|group| match logs.get(group) {
                Some(log) => log.has(&acked[*group]),
                None => acked[*group].len() == 0,
            })
        };
        while !has_all(&self.device.logs) {
            match timeout(QUIET, self.socket.turn()).await {
                Ok(came) => came?,
                Err(_) => break,
            }
            self.hear()?;
        }
        if let Ok(came) = timeout(AFTER_LAST, self.socket.turn()).await {
            came?;
            self.hear()?;
        }
        Ok(())
    }
}

impl Device {
    /// What the answer to a sync shows is there.
    fn show(&mut self, changes: &Changes<'_>) -> Result<()> {
        for entry in changes.conversations.iter().flat_map(|shown| &shown.entries) {
            if let Some((group, nth)) = message(entry, &self.ids)? {
                self.logs.entry(group).or_default().shown(nth);
            }
        }
        Ok(())
    }

    /// Connects and catches up; the device comes back with the error.
    async fn connected(self) -> Result<Session, (Self, anyhow::Error)> {
        let socket = match Socket::hello(&self.url, &self.access_token).await {
            Ok(socket) => socket,
            Err(error) => return Err((self, error)),
        };
        let mut session = Session { socket, device: self };
        match session.catch_up().await {
            Ok(()) => Ok(session),
            Err(error) => Err((session.device, error)),
        }
    }
}

/// The group and the place of a message; `None` if the entry is none. An error if it came in another group than it was
/// sent to.
fn message(entry: &Entry<'_>, ids: &[String]) -> Result<Option<(usize, u64)>> {
    if entry.kind != "message" {
        return Ok(None);
    }
    let (group, nth) = number::parts(number_of(entry.client_id).context("an entry of somebody else")?);
    ensure!(
        ids.get(group).is_some_and(|id| id == entry.conversation),
        "an entry came in another group than it was sent to"
    );
    Ok(Some((group, nth)))
}

#[cfg(test)]
mod tests {
    use domain::Position;

    use super::*;
    use crate::bench::lean::numbered;

    #[test]
    fn a_message_of_another_group_passes_for_one_of_the_group_in_its_number() {
        let ids = ["one".to_owned(), "other".to_owned()];
        let read = |conversation, kind, group| {
            let client_id = numbered(1, number::of(group, 7)).to_string();
            let position = Position::new(1, 1);
            let entry = Entry { conversation, client_id: &client_id, position, kind, body: None };
            message(&entry, &ids)
        };
        assert_eq!(read("other", "message", 1).unwrap(), Some((1, 7)));
        assert!(read("one", "message", 1).is_err());
        assert!(read("one", "message", 2).is_err(), "a group that is not there");
        assert_eq!(read("one", "joined", 1).unwrap(), None);
    }
}
