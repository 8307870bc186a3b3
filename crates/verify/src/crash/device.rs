//! A device of the story: talks with a window of submissions in flight, or only listens, and notes what it saw.
//!
//! It heals by the protocol alone: on connecting it syncs and fetches gaps, also of a conversation that the whole list does
//! not hold any more, up to where its person was removed; and what is not acked it sends again under the same identity. It
//! does not look for gaps in what is pushed to it, so that a lost push shows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use client::http::Edge;
use client::wire::{Connection, Heard};
use domain::{ClientId, Code, Content, ConversationId, DeviceId, Entry, Identity, Position, UserId};
use protocol::frame::{Changes, Error, FromDevice, FromServer, Move, Send};
use tokio::time::{Instant, sleep, sleep_until};

use super::account::Account;
use super::stage::{Phase, Stage, Status};
use crate::history::Event;
use crate::simulation::chance::Chance;

/// Submissions that a talking device has under way.
const WINDOW: usize = 24;

/// Who was told that they are no member is silent in that conversation for so long.
const SULKS: Duration = Duration::from_millis(200);

/// A device that comes and goes stays for so long, and as much again by chance.
const STAYS_MS: u64 = 60;

/// Whether a device is there all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// It is, as long as the server is.
    Stays,
    /// While others talk it leaves by itself, over and over.
    ComesAndGoes,
}

/// Where a device talks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Room {
    /// In one conversation.
    In(ConversationId),
    /// In whatever group is about to cross from small to large.
    Crossing,
}

/// What a device still has to get settled.
struct Pending {
    identity: Identity,
    text: String,
    /// It was sent on this connection and is not answered.
    in_flight: bool,
}

/// One device.
pub(super) struct Device {
    account: Account,
    habit: Habit,
    /// Where it talks; nowhere, if it only listens.
    rooms: Vec<Room>,
    stage: Arc<Stage>,
    status: Arc<Status>,
    chance: Chance,
    outbox: VecDeque<Pending>,
    sync_token: Option<String>,
    /// While the whole list comes: which of the conversations that it knows were not in it so far.
    unheard: Option<BTreeSet<ConversationId>>,
    /// Up to where it has each log that it knows without a gap, by pulls.
    pulled: BTreeMap<ConversationId, Position>,
    /// Until when it is silent where it was told that it is no member.
    sulks: BTreeMap<ConversationId, Instant>,
    texts: u64,
}

impl Device {
    pub(super) fn new(
        account: Account,
        habit: Habit,
        rooms: Vec<Room>,
        stage: &Arc<Stage>,
        chance: Chance,
    ) -> Self {
        let (stage, status) = (Arc::clone(stage), stage.status());
        let (outbox, sync_token, unheard, pulled, sulks, texts) = Default::default();
        Self {
            account,
            habit,
            rooms,
            stage,
            status,
            chance,
            outbox,
            sync_token,
            unheard,
            pulled,
            sulks,
            texts,
        }
    }

    pub(super) fn id(&self) -> (UserId, DeviceId) {
        (self.account.user(), self.account.device())
    }

    /// Lives as long as the story, however often the server dies.
    pub(super) async fn run(mut self) {
        let mut phase = self.stage.phase();
        while phase.wait_for(|phase| *phase != Phase::Down).await.is_ok() {
            if let Ok(connection) = Connection::hello(&self.stage.base, self.account.token()).await {
                self.status.connected.store(true, Ordering::Relaxed);
                self.session(connection).await;
                self.note(Event::Gone);
                self.status.live.store(false, Ordering::Relaxed);
                self.status.connected.store(false, Ordering::Relaxed);
            }
            sleep(Duration::from_millis(5 + self.chance.below(30))).await;
        }
    }

    fn note(&self, event: Event) {
        let (user, device) = self.id();
        self.stage.history.note(user, device, event);
    }

    fn tell_status(&self) {
        let in_flight = self.outbox.iter().filter(|pending| pending.in_flight).count();
        self.status.in_flight.store(in_flight, Ordering::Relaxed);
        self.status.unsettled.store(self.outbox.len(), Ordering::Relaxed);
    }

    /// One connection, until it ends. `None` from any step means that it has.
    async fn session(&mut self, connection: Connection) -> Option<()> {
        let (mut sender, mut receiver) = connection.split();
        let mut wire = Wire { sender: &mut sender };
        self.outbox.iter_mut().for_each(|pending| pending.in_flight = false);
        self.tell_status();
        if self.unheard.take().is_some() {
            // Half a list says nothing about what is gone: it has to come whole.
            self.sync_token = None;
        }
        self.sync(self.sync_token.clone(), &mut wire).await?;
        let mut phase = self.stage.phase();
        let mut began = false;
        let mut resend_at: Option<Instant> = None;
        let mut leaves_at: Option<Instant> = None;
        loop {
            let now = *phase.borrow_and_update();
            if now >= Phase::Talk && !began {
                began = true;
                self.send_outbox(&mut wire).await?;
            }
            if now == Phase::Talk && resend_at.is_none() {
                self.fill_window(&mut wire).await?;
            }
            leaves_at = leaves_at.filter(|_| now == Phase::Talk).or_else(|| self.leaves_at(now));
            let again = resend_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                () = sleep_until(leaves_at.unwrap_or(again)), if leaves_at.is_some() => {
                    self.stage.left();
                    return None;
                }
                changed = phase.changed() => changed.ok()?,
                () = sleep_until(again), if resend_at.is_some() => {
                    resend_at = None;
                    self.send_outbox(&mut wire).await?;
                }
                heard = receiver.next() => {
                    let frame = match heard.ok()? {
                        Heard::Frame(frame) => frame,
                        Heard::Unknown(_) => continue,
                        Heard::Closed(_) => return None,
                    };
                    let again = self.heard(frame, &mut wire).await?;
                    self.tell_status();
                    if again && began {
                        resend_at = Some(Instant::now() + Duration::from_millis(20 + self.chance.below(80)));
                    }
                }
            }
        }
    }

    /// When it leaves by itself, if it does in this phase.
    fn leaves_at(&self, phase: Phase) -> Option<Instant> {
        let goes = phase == Phase::Talk && self.habit == Habit::ComesAndGoes;
        goes.then(|| Instant::now() + Duration::from_millis(STAYS_MS + self.chance.below(STAYS_MS)))
    }

    /// Submits until as much is under way as may be; in strokes of half a window, which are one write each.
    async fn fill_window(&mut self, wire: &mut Wire<'_>) -> Option<()> {
        if self.outbox.len() > WINDOW / 2 {
            return Some(());
        }
        let now = Instant::now();
        let rooms = self.rooms.iter().map(|room| match room {
            Room::In(conversation) => *conversation,
            Room::Crossing => self.stage.crossing(),
        });
        let rooms: Vec<ConversationId> =
            rooms.filter(|room| self.sulks.get(room).is_none_or(|until| *until < now)).collect();
        if rooms.is_empty() {
            return Some(());
        }
        while self.outbox.len() < WINDOW {
            let index = usize::try_from(self.chance.below(rooms.len() as u64)).unwrap_or(0);
            self.submit(rooms[index], wire).await?;
        }
        wire.flush().await?;
        self.tell_status();
        Some(())
    }

    async fn submit(&mut self, conversation: ConversationId, wire: &mut Wire<'_>) -> Option<()> {
        self.texts += 1;
        let identity = self.account.identity(conversation, self.account.client_id());
        let text = format!("{} of {}", self.texts, self.account.device());
        let content = Content::message(text.clone());
        self.note(Event::Invoked { identity, kind: content.kind(), body: content.to_body() });
        let of = |pending: &&Pending| pending.identity.conversation == conversation;
        let after = self.outbox.iter().rev().find(of).map(|pending| pending.identity.client_id);
        let frame = send_frame(&identity, &text, after);
        self.outbox.push_back(Pending { identity, text, in_flight: true });
        wire.feed(&frame).await
    }

    /// Everything that is not settled, in order, each naming the one before it.
    async fn send_outbox(&mut self, wire: &mut Wire<'_>) -> Option<()> {
        let mut last: BTreeMap<ConversationId, ClientId> = BTreeMap::new();
        for pending in &mut self.outbox {
            let Pending { identity, text, in_flight } = pending;
            let after = last.insert(identity.conversation, identity.client_id);
            wire.feed(&send_frame(identity, text, after)).await?;
            *in_flight = true;
        }
        self.tell_status();
        wire.flush().await
    }

    /// Takes in a frame; true if the outbox is to be sent again.
    async fn heard(&mut self, frame: FromServer, wire: &mut Wire<'_>) -> Option<bool> {
        match frame {
            FromServer::Welcome(_) => self.note(Event::Live),
            FromServer::Sent(sent) => {
                if let Some(pending) = self.settle(sent.client_id, sent.conversation) {
                    self.note(Event::Acked { identity: pending.identity, position: sent.position });
                    self.status.acked.fetch_add(1, Ordering::Relaxed);
                }
            }
            FromServer::Entry { entry } => {
                self.pulled.entry(entry.conversation).or_insert(Position::START);
                self.note(Event::Pushed(self.stage.shared(Arc::clone(&entry))));
                self.read_sometimes(&entry, wire).await?;
            }
            FromServer::Cursor(moved) => self.note(Event::cursor(&moved)),
            FromServer::Changes(changes) => self.changed(changes, wire).await?,
            FromServer::Lagged {} => {
                self.note(Event::Live);
                self.sync(self.sync_token.clone(), wire).await?;
                return Some(true);
            }
            FromServer::Error(error) => return self.refused(&error),
            FromServer::Goodbye(_) => return None,
            FromServer::Pong {} => {}
        }
        Some(false)
    }

    async fn sync(&self, token: Option<String>, wire: &mut Wire<'_>) -> Option<()> {
        self.note(Event::SyncAsked);
        wire.say(&FromDevice::Sync { token }).await
    }

    async fn changed(&mut self, mut changes: Changes, wire: &mut Wire<'_>) -> Option<()> {
        self.stage.share(&mut changes.conversations);
        self.note(Event::synced(self.account.user(), &changes));
        if changes.reset {
            self.unheard = Some(self.pulled.keys().copied().collect());
        }
        for shown in &changes.conversations {
            self.unheard.iter_mut().for_each(|unheard| _ = unheard.remove(&shown.id));
            // Coming back with the old token finds what could not be pulled now.
            self.pull(shown.id, shown.head.position).await?;
        }
        if changes.more {
            self.sync_token = Some(changes.token.clone());
            return self.sync(Some(changes.token), wire).await;
        }
        for gone in self.unheard.clone().unwrap_or_default() {
            self.pull(gone, Position::END).await?;
        }
        (self.unheard, self.sync_token) = (None, Some(changes.token));
        self.status.live.store(true, Ordering::Relaxed);
        Some(())
    }

    fn refused(&mut self, error: &Error) -> Option<bool> {
        // A sync or a cursor that was refused: what follows is found by coming back.
        let (client_id, conversation) = (error.client_id?, error.conversation?);
        let code = error.error.code;
        if code == Code::NotAMember {
            self.sulks.insert(conversation, Instant::now() + SULKS);
        }
        if !code.retryable() {
            if let Some(pending) = self.settle(client_id, conversation) {
                self.note(Event::Refused { identity: pending.identity, code });
            }
        } else if let Some(pending) = self.outbox.iter_mut().find(|p| p.identity.client_id == client_id) {
            pending.in_flight = false;
        }
        Some(true)
    }

    fn settle(&mut self, client_id: ClientId, conversation: ConversationId) -> Option<Pending> {
        let this = |pending: &Pending| {
            pending.identity.client_id == client_id && pending.identity.conversation == conversation
        };
        let index = self.outbox.iter().position(this)?;
        self.outbox.remove(index)
    }

    async fn read_sometimes(&self, entry: &Entry, wire: &mut Wire<'_>) -> Option<()> {
        let moved = Move { conversation: entry.conversation, position: entry.position };
        match self.chance.below(16) {
            0 => wire.say(&FromDevice::Read(moved)).await,
            1 => wire.say(&FromDevice::Delivered(moved)).await,
            _ => Some(()),
        }
    }

    /// Fetches what it has not of a log, up to a head.
    async fn pull(&mut self, conversation: ConversationId, head: Position) -> Option<()> {
        let mut at = self.pulled.get(&conversation).copied().unwrap_or(Position::START);
        while at < head {
            let page = self.account.http.entries(conversation, Edge::After(at), None).await.ok()?;
            let Some(last) = page.entries.last() else { break };
            at = last.position;
            for entry in page.entries {
                self.note(Event::Pulled(self.stage.shared(entry)));
            }
            self.pulled.insert(conversation, at);
        }
        Some(())
    }
}

/// The sending half of a connection; a failure is its end.
struct Wire<'a> {
    sender: &'a mut client::wire::Sender,
}

impl Wire<'_> {
    async fn say(&mut self, frame: &FromDevice<'_>) -> Option<()> {
        self.sender.send(frame).await.ok()
    }

    async fn feed(&mut self, frame: &FromDevice<'_>) -> Option<()> {
        self.sender.feed(frame).await.ok()
    }

    async fn flush(&mut self) -> Option<()> {
        self.sender.flush().await.ok()
    }
}

fn send_frame(identity: &Identity, text: &str, after: Option<ClientId>) -> FromDevice<'static> {
    let body = Content::message(text).to_body();
    let body = serde_json::from_str(body.as_str()).expect("a body is JSON");
    FromDevice::Send(Send { conversation: identity.conversation, client_id: identity.client_id, body, after })
}
