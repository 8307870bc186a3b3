//! A simulated device: connects, submits, is cut off, comes back, and notes what it saw.
//!
//! It heals by the protocol alone: on connecting it syncs and fetches gaps; what is not acked it sends again under the
//! same identity. It does not look for gaps in what is pushed to it, so that a lost push shows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use client::wire::{Heard, parse};
use contracts::services::{CatchUp, PageEdge};
use domain::{ClientId, Content, ConversationId, DeviceId, Entry, Identity, Position, UserId};
use futures_util::{SinkExt, StreamExt};
use protocol::frame::{Changes, FromDevice, FromServer, Move, Send};
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::chance::Chance;
use super::world::{Lives, token};
use crate::history::{Event, History};

/// What a device still has to get acked.
struct Pending {
    identity: Identity,
    text: String,
}

/// One device.
pub(crate) struct Device {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    pub(crate) conversations: Vec<ConversationId>,
    pub(crate) history: History,
    pub(crate) chance: Chance,
    pub(crate) ambient: contracts::Ambient,
    /// Messages still to be sent.
    pub(crate) to_send: u32,
    outbox: VecDeque<Pending>,
    sync_token: Option<String>,
    /// Up to where it has each log without a gap, by pulls.
    pulled: BTreeMap<ConversationId, Position>,
    /// Of which conversations it has anything.
    held: BTreeSet<ConversationId>,
    /// What it held when a list of everything began, and the list has not named.
    unnamed: BTreeSet<ConversationId>,
}

type Socket = WebSocketStream<DuplexStream>;

impl Device {
    pub(crate) fn new(
        (user, device): (UserId, DeviceId),
        conversations: Vec<ConversationId>,
        history: History,
        chance: Chance,
        ambient: contracts::Ambient,
        to_send: u32,
    ) -> Self {
        let (outbox, sync_token, pulled, held, unnamed) = Default::default();
        Self {
            user,
            device,
            conversations,
            history,
            chance,
            ambient,
            to_send,
            outbox,
            sync_token,
            pulled,
            held,
            unnamed,
        }
    }

    /// Whether it had its turn with everything it wanted to send.
    pub(crate) const fn has_sent_all(&self) -> bool {
        self.to_send == 0
    }

    /// Lives until it is settled and `end` has come; stays connected at the end.
    pub(crate) async fn run(mut self, lives: Lives, end: Instant) -> Self {
        while Instant::now() < end {
            let life = lives.next().await;
            let (ours, theirs) = tokio::io::duplex(64 << 10);
            if life.gateway.connect(theirs).is_ok() {
                let mut socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
                let cut_at = self.cut_at(end);
                let catch_up = Arc::clone(&life.catch_up);
                drop(life);
                self.session(&mut socket, &*catch_up, cut_at).await;
                self.note(Event::Gone);
            }
            tokio::time::sleep(Duration::from_millis(20 + self.chance.below(200))).await;
        }
        self
    }

    /// When this session is cut off; the last one is not.
    fn cut_at(&self, end: Instant) -> Instant {
        let lasts = Duration::from_millis(200 + self.chance.below(4_000));
        let calm = end.checked_sub(Duration::from_secs(10)).unwrap_or(end);
        if Instant::now() + lasts < calm && self.chance.one_in(2) { Instant::now() + lasts } else { end }
    }

    fn note(&self, event: Event) {
        self.history.note(self.user, self.device, event);
    }

    async fn say(&self, socket: &mut Socket, frame: &FromDevice<'_>) -> Option<()> {
        let text = serde_json::to_string(frame).expect("frames always serialise");
        socket.send(Message::text(text)).await.ok()
    }

    async fn sync(&self, socket: &mut Socket, token: Option<String>) -> Option<()> {
        self.note(Event::SyncAsked);
        self.say(socket, &FromDevice::Sync { token }).await
    }

    /// One connection, until it ends. `None` from any step means that it has.
    async fn session(&mut self, socket: &mut Socket, catch_up: &dyn CatchUp, until: Instant) -> Option<()> {
        let hello = token(self.user, self.device);
        self.say(socket, &FromDevice::Hello { token: Cow::Owned(hello) }).await?;
        let since = self.sync_token.clone();
        self.sync(socket, since).await?;
        self.send_outbox(socket).await?;
        let mut next_send = self.next_send();
        let mut resend_at = None;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(until) => return None,
                () = sleep_until(resend_at.unwrap_or(until)), if resend_at.is_some() => {
                    resend_at = None;
                    self.send_outbox(socket).await?;
                }
                () = sleep_until(next_send), if self.to_send > 0 => {
                    self.submit(socket).await?;
                    next_send = self.next_send();
                }
                heard = socket.next() => {
                    let Message::Text(text) = heard?.ok()? else { continue };
                    let Heard::Frame(frame) = parse(&text).expect("the server speaks the protocol") else { continue };
                    if self.heard(frame, socket, catch_up).await? {
                        resend_at = Some(Instant::now() + Duration::from_millis(50 + self.chance.below(200)));
                    }
                }
            }
        }
    }

    fn next_send(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.chance.below(2_000))
    }

    async fn submit(&mut self, socket: &mut Socket) -> Option<()> {
        self.to_send -= 1;
        let index = usize::try_from(self.chance.below(self.conversations.len() as u64)).unwrap_or(0);
        let conversation = self.conversations[index];
        let client_id = self.ambient.client_id();
        let identity = Identity { conversation, sender: self.user, device: self.device, client_id };
        let text = format!("{} of {}", self.to_send, self.device);
        let content = Content::message(text.clone());
        self.note(Event::Invoked { identity, kind: content.kind(), body: content.to_body() });
        let after = self.last_pending(conversation);
        let frame = send_frame(&identity, &text, after);
        self.outbox.push_back(Pending { identity, text });
        self.say(socket, &frame).await
    }

    fn last_pending(&self, conversation: ConversationId) -> Option<ClientId> {
        let of = |pending: &&Pending| pending.identity.conversation == conversation;
        self.outbox.iter().rev().find(of).map(|pending| pending.identity.client_id)
    }

    /// Everything that is not acked, in order, each naming the one before it.
    async fn send_outbox(&self, socket: &mut Socket) -> Option<()> {
        let mut last: BTreeMap<ConversationId, ClientId> = BTreeMap::new();
        for Pending { identity, text } in &self.outbox {
            let after = last.insert(identity.conversation, identity.client_id);
            self.say(socket, &send_frame(identity, text, after)).await?;
        }
        Some(())
    }

    /// Takes in a frame; true if the outbox is to be sent again.
    async fn heard(
        &mut self,
        frame: FromServer,
        socket: &mut Socket,
        catch_up: &dyn CatchUp,
    ) -> Option<bool> {
        match frame {
            FromServer::Welcome(_) => self.note(Event::Live),
            FromServer::Sent(sent) => {
                if let Some(pending) = self.settle(sent.client_id, sent.conversation) {
                    self.note(Event::Acked { identity: pending.identity, position: sent.position });
                }
            }
            FromServer::Entry { entry } => {
                self.held.insert(entry.conversation);
                self.note(Event::Pushed(Arc::clone(&entry)));
                self.read_sometimes(socket, &entry).await?;
            }
            FromServer::Cursor(moved) => self.note(Event::cursor(&moved)),
            FromServer::Changes(changes) => {
                let token = changes.token.clone();
                let more = self.changes(changes, catch_up).await?;
                self.sync_token = Some(token.clone());
                if more {
                    self.sync(socket, Some(token)).await?;
                }
            }
            FromServer::Lagged {} => {
                self.note(Event::Live);
                self.sync(socket, self.sync_token.clone()).await?;
                return Some(true);
            }
            FromServer::Error(error) => {
                let (Some(client_id), Some(conversation)) = (error.client_id, error.conversation) else {
                    // A sync or a cursor that was refused for now: what follows is found by coming back.
                    return None;
                };
                if error.error.code.retryable() {
                    return Some(true);
                }
                if let Some(pending) = self.settle(client_id, conversation) {
                    self.note(Event::Refused { identity: pending.identity, code: error.error.code });
                    return Some(true);
                }
            }
            FromServer::Goodbye(_) => return None,
            FromServer::Pong {} => {}
        }
        Some(false)
    }

    /// Pulls what changed, and whether there is more. Coming back with the old token finds what could not be pulled now.
    async fn changes(&mut self, changes: Changes, catch_up: &dyn CatchUp) -> Option<bool> {
        self.note(Event::synced(self.user, &changes));
        if changes.reset {
            self.unnamed = self.held.clone();
        }
        for shown in &changes.conversations {
            self.unnamed.remove(&shown.id);
            self.held.insert(shown.id);
            self.pull(shown.id, shown.head.position, catch_up).await?;
        }
        if !changes.more {
            // These are gone; what may still be seen of them is had by pages.
            for gone in self.unnamed.clone() {
                self.pull(gone, Position::END, catch_up).await?;
                self.unnamed.remove(&gone);
            }
        }
        Some(changes.more)
    }

    fn settle(&mut self, client_id: ClientId, conversation: ConversationId) -> Option<Pending> {
        let this = |pending: &Pending| {
            pending.identity.client_id == client_id && pending.identity.conversation == conversation
        };
        let index = self.outbox.iter().position(this)?;
        self.outbox.remove(index)
    }

    async fn read_sometimes(&self, socket: &mut Socket, entry: &Entry) -> Option<()> {
        let moved = Move { conversation: entry.conversation, position: entry.position };
        match self.chance.below(4) {
            0 => self.say(socket, &FromDevice::Read(moved)).await,
            1 => self.say(socket, &FromDevice::Delivered(moved)).await,
            _ => Some(()),
        }
    }

    /// Fetches what it has not of a log, up to a head.
    async fn pull(
        &mut self,
        conversation: ConversationId,
        head: Position,
        catch_up: &dyn CatchUp,
    ) -> Option<()> {
        let mut at = self.pulled.get(&conversation).copied().unwrap_or(Position::START);
        while at < head {
            let page = catch_up.entries(self.user, conversation, PageEdge::After(at), 50);
            let page = timeout(Duration::from_secs(5), page).await.ok()?.ok()?;
            let Some(last) = page.entries.last() else { break };
            at = last.position;
            page.entries.iter().for_each(|entry| self.note(Event::Pulled(Arc::clone(entry))));
            self.pulled.insert(conversation, at);
        }
        Some(())
    }
}

fn send_frame(identity: &Identity, text: &str, after: Option<ClientId>) -> FromDevice<'static> {
    let body = Content::message(text).to_body();
    let body = serde_json::from_str(body.as_str()).expect("a body is JSON");
    FromDevice::Send(Send { conversation: identity.conversation, client_id: identity.client_id, body, after })
}
