//! The one task of a session: reads, asks the state machine, does what it says, writes.
//!
//! It is a future written by hand, so that an idle session is one small object: bytes are read into the thread's scratch
//! buffer, frames to write are taken from the outbox, and whatever is rare is boxed. While frames are not wanted
//! (something is asked, or `submit` is full) it does not read, and goes on writing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use contracts::records::Command;
use domain::Rejection;
use protocol::frame::{self, FromServer, Reason};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::outbox::Pushed;
use super::scratch;
use super::state::{Effect, Goodbye, Session};
use super::work::{self, Done, Named, Sync, Work};
use super::writing::Writing;
use crate::frames::{PONG, encode};
use crate::hub::{Hub, Seat};
use crate::meters::{Ending, Meters};
use crate::trace;
use crate::upgrade::Place;
use crate::websocket::{CloseCode, Decoder, Event, Violation, encode as control};

/// The task of one session, over any stream.
pub(crate) struct Driver<S> {
    /// Taken when the session ends, so that the socket closes before anything else is done.
    io: Option<S>,
    /// What followed the handshake in the same bytes.
    first: Bytes,
    decoder: Decoder,
    writing: Writing,
    inner: Inner,
    _place: Option<Place>,
}

/// What the state machine says is done here.
struct Inner {
    hub: Arc<Hub>,
    seat: Arc<Seat>,
    session: Session,
    work: Option<Work>,
    sync: Option<Sync>,
    next_sync: Option<Option<Box<str>>>,
    ending: Ending,
    /// Nothing more can be said.
    over: bool,
    /// All was said, and the sending half is closed.
    shut: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// A session over `io`, right after the handshake; `first` was received behind it.
    pub(crate) fn new(hub: Arc<Hub>, seat: Arc<Seat>, io: S, first: Bytes, place: Option<Place>) -> Self {
        let session = Session::new(seat.id, hub.moment());
        seat.set_deadlines(session.deadline(&hub.config), session.token_ends(&hub.config));
        let inner = Inner {
            hub,
            seat,
            session,
            work: None,
            sync: None,
            next_sync: None,
            ending: Ending::Device,
            over: false,
            shut: false,
        };
        Self {
            io: Some(io),
            // What is empty may still hold on to the buffer of the HTTP server, for as long as the session lives.
            first: if first.is_empty() { Bytes::new() } else { first },
            decoder: Decoder::new(),
            writing: Writing::default(),
            inner,
            _place: place,
        }
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let told = self.inner.poll_told(cx);
            let read = self.poll_read(cx).unwrap_or_else(|error| self.inner.broken(&error));
            let wrote = self.poll_write(cx).unwrap_or_else(|error| self.inner.broken(&error));
            if self.inner.over {
                return Poll::Ready(());
            }
            if !(told || read || wrote) {
                self.inner.set_deadlines();
                return Poll::Pending;
            }
        }
    }

    /// Reads once, if frames are wanted. Says whether there was something.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let closing = self.inner.session.is_closing();
        let Some(io) = self.io.as_mut().filter(|_| closing || self.inner.session.is_ready()) else {
            return Ok(false);
        };
        if !self.first.is_empty() {
            let mut first = std::mem::take(&mut self.first).to_vec();
            self.inner.feed(&mut self.decoder, &mut first);
            return Ok(true);
        }
        scratch::with(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            let Poll::Ready(read) = Pin::new(io).poll_read(cx, &mut buffer) else { return Ok(false) };
            read?;
            let bytes = buffer.filled().len();
            if bytes == 0 {
                self.inner.over = true;
            } else if !closing {
                self.inner.hub.meters.bytes_in.increment(bytes as u64);
                self.inner.feed(&mut self.decoder, &mut scratch[..bytes]);
            }
            Ok(true)
        })
    }

    /// Writes once, if there is something to write. Says whether there was.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Some(io) = self.io.as_mut() else { return Ok(false) };
        let (hub, outbox) = (&self.inner.hub, &self.inner.seat.outbox);
        if self.writing.is_empty() {
            outbox.take(&mut self.writing);
        }
        if self.writing.is_empty() {
            // Over TLS, what was written may still be on its way into the socket.
            return match Pin::new(io).poll_flush(cx) {
                Poll::Ready(flushed) => flushed.and_then(|()| self.poll_shut(cx)),
                Poll::Pending => Ok(false),
            };
        }
        match self.writing.poll_write(cx, Pin::new(io)) {
            Poll::Ready(result) => {
                let (bytes, frames) = result?;
                hub.meters.bytes_out.increment(bytes as u64);
                hub.meters.frames_out.increment(frames);
                outbox.wrote(Some(bytes), &hub.budget, hub.moment());
                Ok(true)
            }
            Poll::Pending => {
                outbox.wrote(None, &hub.budget, hub.moment());
                Ok(false)
            }
        }
    }

    /// Closes the sending half once all was said; then the device closes, or its time runs out.
    fn poll_shut(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        if !self.inner.session.is_closing() || self.inner.shut {
            return Ok(false);
        }
        let Some(io) = self.io.as_mut() else { return Ok(false) };
        match Pin::new(io).poll_shutdown(cx) {
            Poll::Ready(result) => {
                result?;
                self.inner.shut = true;
                self.inner.over |= self.inner.ending == Ending::Device;
                Ok(true)
            }
            Poll::Pending => Ok(false),
        }
    }
}

impl Inner {
    /// Says when to look after the session.
    fn set_deadlines(&self) {
        let config = &self.hub.config;
        self.seat.set_deadlines(self.session.deadline(config), self.session.token_ends(config));
    }

    /// What the task was told, what it waited for, and the frames that were held back meanwhile.
    fn poll_told(&mut self, cx: &mut Context<'_>) -> bool {
        let mut effects = vec![];
        let signalled = self.signals(cx, &mut effects);
        let worked = self.poll_work(cx, &mut effects);
        let synced = self.poll_sync(cx);
        self.perform(effects);
        while let Some(text) = self.session.next_held() {
            let mut effects = vec![];
            self.session.text(&text, self.hub.moment(), &self.hub.config, &self.hub.throttle, &mut effects);
            self.perform(effects);
        }
        signalled || worked || synced
    }

    fn signals(&mut self, cx: &mut Context<'_>, effects: &mut Vec<Effect>) -> bool {
        let signals = self.seat.outbox.listen(cx.waker());
        self.over |= signals.killed;
        let mut any = signals.killed;
        if let Some(result) = signals.registered {
            any = true;
            let result = result.map_err(|rejection| *rejection);
            let (now, time) = (self.hub.moment(), self.hub.time());
            self.session.registered(result, now, time, &self.hub.config, effects);
        }
        if let Some(goodbye) = signals.goodbye {
            any = true;
            self.session.close(*goodbye, self.hub.moment(), effects);
        }
        if signals.tick {
            any = true;
            self.tick(effects);
        }
        any
    }

    fn tick(&mut self, effects: &mut Vec<Effect>) {
        let now = self.hub.moment();
        if self.seat.is_stuck(now, &self.hub.config) {
            self.session.close(Reason::SlowReader.into(), now, effects);
        }
        self.session.tick(now, self.hub.time(), &self.hub.config, effects);
    }

    fn poll_work(&mut self, cx: &mut Context<'_>, effects: &mut Vec<Effect>) -> bool {
        let Some(Poll::Ready(done)) = self.work.as_mut().map(|work| work.as_mut().poll(cx)) else {
            return false;
        };
        self.work = None;
        match done {
            Done::Authenticated(result) => self.session.authenticated(result, self.hub.moment(), effects),
            Done::Checked(command, Ok(())) => {
                self.session.resume();
                self.publish(*command);
            }
            Done::Checked(command, Err(rejection)) => {
                self.session.resume();
                self.refuse(rejection, Some(Named::of(&command)), "send");
            }
            Done::Published(named, result) => {
                self.session.resume();
                match result {
                    Ok(()) => {}
                    Err(bus::Error::Closed) => {
                        self.session.close(Reason::Restart.into(), self.hub.moment(), effects)
                    }
                    Err(error) => self.refuse(work::unavailable(&error), Some(named), "send"),
                }
            }
        }
        true
    }

    fn poll_sync(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        if let Some(Poll::Ready(result)) = self.sync.as_mut().map(|sync| sync.as_mut().poll(cx)) {
            any = true;
            self.sync = None;
            match result {
                Ok(changes) => {
                    let frame = encode(&FromServer::Changes(changes), 4 << 10);
                    self.seat.outbox.changes(frame, &self.hub.budget);
                }
                Err(rejection) => self.refuse(rejection, None, "sync"),
            }
        }
        if self.sync.is_none() && self.next_sync.is_some() && !self.seat.outbox.has_answer() {
            any = true;
            self.session.resume();
            let token = self.next_sync.take().flatten();
            self.start_sync(token);
        }
        any
    }

    fn feed(&mut self, decoder: &mut Decoder, bytes: &mut [u8]) {
        let max = self.hub.config.limits.frame_bytes_max;
        let result = decoder.feed(bytes, max, &mut |event| self.received(event));
        if let Err(violation) = result {
            self.violation(violation);
        }
    }

    fn received(&mut self, event: Event<'_>) -> std::ops::ControlFlow<()> {
        self.hub.meters.frames_in.increment(1);
        let mut effects = vec![];
        self.session.event(event, self.hub.moment(), &self.hub.config, &self.hub.throttle, &mut effects);
        self.perform(effects);
        if self.session.is_closing() {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    }

    fn violation(&mut self, violation: Violation) {
        let reason = if violation == Violation::TooBig { Reason::FrameTooLarge } else { Reason::BadFrame };
        let goodbye = Goodbye { message: Some(violation.to_string()), ..Goodbye::from(reason) };
        let mut effects = vec![];
        self.session.close(goodbye, self.hub.moment(), &mut effects);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Authenticate(token) => {
                    self.work = Some(work::authenticate(Arc::clone(&self.hub.services.accounts), token));
                }
                Effect::Announce(principal) => self.hub.began(&self.seat, principal.user, principal.device),
                Effect::Submit(command) => self.submit(command),
                Effect::Sync(token) => self.sync(token),
                Effect::Reply(reply) => self.reply(&reply),
                Effect::Pong => self.answer(PONG.clone()),
                Effect::ControlPong(payload) => self.answer(control::pong(&payload)),
                Effect::Welcome(frame) => {
                    self.seat.outbox.welcome(encode(&frame, 1 << 10), &self.hub.budget);
                }
                Effect::Close(goodbye) => self.goodbye(goodbye),
                Effect::Echo => {
                    let last = [control::close(CloseCode::NORMAL, "")];
                    self.seat.outbox.close(last, &self.hub.budget, self.hub.moment(), true);
                }
                Effect::Gone => self.over = true,
            }
        }
    }

    /// Publishes a command; a message to a person only if there is such a person.
    fn submit(&mut self, command: Box<Command>) {
        if let Command::Append(append) = &*command
            && let Some(peer) =
                append.submission.identity.conversation.peer(append.submission.identity.sender)
            && !self.hub.is_known(peer)
        {
            self.session.pause();
            self.work = Some(work::check(Arc::clone(&self.hub), peer, command));
            return;
        }
        self.publish(*command);
    }

    fn publish(&mut self, mut command: Command) {
        let received = match &mut command {
            Command::Append(append) => trace::received(append),
            Command::Move(_) => None,
        };
        match self.hub.topics.submit.try_publish(command) {
            Ok(()) => {}
            Err(bus::Refused::Full(command)) => {
                self.session.pause();
                self.work = Some(work::publish(Arc::clone(&self.hub.topics.submit), command, received));
            }
            Err(bus::Refused::Closed(_)) => {
                let mut effects = vec![];
                self.session.close(Reason::Restart.into(), self.hub.moment(), &mut effects);
                self.perform(effects);
            }
        }
    }

    fn sync(&mut self, token: Option<Box<str>>) {
        if self.sync.is_some() || self.seat.outbox.has_answer() {
            self.session.pause();
            self.next_sync = Some(token);
        } else {
            self.start_sync(token);
        }
    }

    /// What happens from here on is queued again; only then are heads read.
    fn start_sync(&mut self, token: Option<Box<str>>) {
        let Some(who) = self.seat.who() else { return };
        self.seat.outbox.resume();
        self.sync = Some(work::sync(Arc::clone(&self.hub), who.user, token));
    }

    fn refuse(&mut self, error: Rejection, named: Option<Named>, frame: &str) {
        self.reply(&FromServer::Error(frame::Error {
            error,
            client_id: named.and_then(|named| named.client_id),
            conversation: named.map(|named| named.conversation),
            frame: Some(frame.to_owned()),
        }));
    }

    fn reply(&mut self, reply: &FromServer) {
        if let FromServer::Error(error) = reply {
            Meters::refused(error.error.code);
        }
        self.answer(encode(reply, 256));
    }

    fn answer(&mut self, frame: Bytes) {
        if self.seat.outbox.answer(frame, &self.hub.budget, self.hub.moment()) == Pushed::Lagged {
            self.hub.meters.lagged.increment(1);
        }
    }

    fn goodbye(&mut self, goodbye: Goodbye) {
        let Goodbye { reason, message, retry_after_ms } = goodbye;
        self.ending = Ending::Server(reason);
        tracing::debug!(session = %self.seat.id, ending = %self.ending, message, "session says goodbye");
        let retry_after_ms = self.hub.retry_after_ms(reason, retry_after_ms);
        let code = CloseCode::new(reason.close_code()).unwrap_or(CloseCode::INTERNAL);
        let last = encode(&FromServer::Goodbye(frame::Goodbye { reason, message, retry_after_ms }), 256);
        let last = [last, control::close(code, &self.ending.to_string())];
        self.seat.outbox.close(last, &self.hub.budget, self.hub.moment(), reason == Reason::SlowReader);
        (self.work, self.sync, self.next_sync) = (None, None, None);
    }

    /// The connection broke. That is progress of a kind: the session ends.
    fn broken(&mut self, error: &io::Error) -> bool {
        tracing::debug!(session = %self.seat.id, %error, "connection broke");
        self.over = true;
        true
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Driver<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().run(cx)
    }
}

/// However a session ends, its end is announced; the socket is closed first.
impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        self.io = None;
        self.inner.seat.outbox.discard(&self.inner.hub.budget);
        self.inner.hub.left(&self.inner.seat, self.inner.ending);
    }
}
