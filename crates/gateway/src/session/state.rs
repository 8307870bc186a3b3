//! The state machine of a session: what came in, and when, gives what is to be done. Pure.
//!
//! Waiting for hello → authenticating → registering → live → closing. Live means: registered, the registration echoed,
//! and only then are heads read; so what follows hello unawaited is held back until the session is live.

use std::collections::VecDeque;

use contracts::records::{self, Append, Command};
use contracts::services::Principal;
use domain::{Code, Content, Kind, Moment, Rejection, SessionId, Submission, Timestamp};
use protocol::frame::{self, FromServer, Reason};

use super::wire::{self, Asked, Unread};
use crate::config::Config;
use crate::submission::{may_touch, submission};
use crate::throttle::{Bucket, Throttle};
use crate::websocket::Event;

/// Frames over the limit, one after the other, that are refused one by one; then the session ends.
pub(super) const REFUSED_MAX: u16 = 1_000;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Effect {
    /// Find out whom this token names, and say so with [`Session::authenticated`].
    Authenticate(Box<str>),
    /// Announce that the session began, and say with [`Session::registered`] when that was echoed.
    Announce(Principal),
    /// Publish this.
    Submit(Box<Command>),
    /// Answer a sync.
    Sync(Option<Box<str>>),
    /// Give the device this frame.
    Reply(Box<FromServer>),
    /// Give the device a pong of the protocol.
    Pong,
    /// Answer a ping of WebSocket.
    ControlPong(Box<[u8]>),
    /// The first frame of a live session; goes before all that waits.
    Welcome(Box<FromServer>),
    /// Say goodbye and end.
    Close(Goodbye),
    /// The device ends it: say so, too.
    Echo,
    /// Nothing more can be said.
    Gone,
}

/// How a session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goodbye {
    /// Why.
    pub(crate) reason: Reason,
    /// What to know beyond that.
    pub(crate) message: Option<String>,
    /// When to come back, if that is known better than by the reason.
    pub(crate) retry_after_ms: Option<u64>,
}

impl From<Reason> for Goodbye {
    fn from(reason: Reason) -> Self {
        Self { reason, message: None, retry_after_ms: None }
    }
}

impl Goodbye {
    fn because(reason: Reason, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::from(reason) }
    }

    /// How a session ends whose token or registration was refused.
    fn refused(rejection: Rejection) -> Self {
        let reason = match rejection.code {
            Code::Unauthenticated => Reason::Unauthenticated,
            Code::TokenExpired => Reason::TokenExpired,
            code if code.retryable() && code != Code::Internal => Reason::Overloaded,
            _ => Reason::Internal,
        };
        Self {
            reason,
            message: Some(rejection.message.into_owned()),
            retry_after_ms: rejection.retry_after_ms,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Authenticating,
    Registering,
    Live,
    Closing,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    id: SessionId,
    phase: Phase,
    /// Somebody outside is not ready for more: frames are held back.
    paused: bool,
    refused: u16,
    /// When the phase began, or when the device was last heard in a live one.
    since: Moment,
    principal: Option<Principal>,
    bucket: Bucket,
    /// Frames that came when none were wanted. Never more than one read brings and the frame that it completes (what the
    /// thread's read buffer or a request's header holds, and `frame_bytes_max`): while frames are not wanted nothing is
    /// read, and it is read on only once these are through.
    held: VecDeque<Box<str>>,
}

impl Session {
    /// A session whose connection was just opened.
    pub(super) const fn new(id: SessionId, now: Moment) -> Self {
        Self {
            id,
            phase: Phase::Waiting,
            paused: false,
            refused: 0,
            since: now,
            principal: None,
            bucket: Bucket::new(),
            held: VecDeque::new(),
        }
    }

    /// Whether more frames are wanted. While not, nothing should be read.
    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Live) && !self.paused
    }

    /// Whether it says goodbye, or was told goodbye.
    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing)
    }

    /// Holds frames back until [`Self::resume`].
    pub(super) const fn pause(&mut self) {
        self.paused = true;
    }

    /// Frames are wanted again; those held back come first, by [`Self::next_held`].
    pub(super) const fn resume(&mut self) {
        self.paused = false;
    }

    /// The next frame that was held back, if frames are wanted.
    pub(super) fn next_held(&mut self) -> Option<Box<str>> {
        if !self.is_ready() {
            return None;
        }
        let next = self.held.pop_front();
        if self.held.is_empty() {
            self.held = VecDeque::new();
        }
        next
    }

    /// When [`Self::tick`] has something to do, if the token holds until then.
    pub(super) fn deadline(&self, config: &Config) -> Moment {
        let limits = &config.limits;
        match self.phase {
            Phase::Waiting => self.since.plus_ms(limits.hello_timeout_ms),
            Phase::Authenticating | Phase::Registering => self.since.plus_ms(config.register_timeout_ms),
            Phase::Live => self.since.plus_ms(limits.dead_after_ms),
            Phase::Closing => self.since.plus_ms(config.farewell_ms),
        }
    }

    /// When a live session ends by its token: by the time of day, as its issuer meant it.
    pub(super) fn token_ends(&self, config: &Config) -> Timestamp {
        match (self.phase, self.principal) {
            (Phase::Live, Some(principal)) => principal.expires.plus_ms(config.token_grace_ms),
            _ => Timestamp::from_unix_ms(u64::MAX),
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Moment, time: Timestamp, config: &Config, out: &mut Vec<Effect>) {
        let expired = time >= self.token_ends(config);
        if now < self.deadline(config) && !expired {
            return;
        }
        let goodbye = match self.phase {
            Phase::Waiting => Goodbye::from(Reason::HelloTimeout),
            Phase::Authenticating | Phase::Registering => {
                Goodbye::because(Reason::Overloaded, "the session could not be registered in time")
            }
            Phase::Live if expired => Goodbye::from(Reason::TokenExpired),
            Phase::Live if self.paused => return,
            Phase::Live => Goodbye::from(Reason::Dead),
            Phase::Closing => return out.push(Effect::Gone),
        };
        self.close(goodbye, now, out);
    }

    /// Ends the session, unless it ends already.
    pub(super) fn close(&mut self, goodbye: Goodbye, now: Moment, out: &mut Vec<Effect>) {
        if self.is_closing() {
            return;
        }
        (self.phase, self.since) = (Phase::Closing, now);
        self.held = VecDeque::new();
        out.push(Effect::Close(goodbye));
    }

    /// Something was received.
    pub(super) fn event(
        &mut self,
        event: Event<'_>,
        now: Moment,
        config: &Config,
        throttle: &Throttle,
        out: &mut Vec<Effect>,
    ) {
        if self.is_closing() {
            return;
        }
        if self.phase == Phase::Live {
            self.since = now;
        }
        match event {
            Event::Text(text) => self.text(text, now, config, throttle, out),
            Event::Ping(payload) => match self.take(now, throttle) {
                Ok(()) => out.push(Effect::ControlPong(payload.into())),
                Err(_wait_ms) => drop(self.ends_by_excess(now, out)),
            },
            Event::Pong(_) => {}
            Event::Close { .. } => {
                (self.phase, self.since) = (Phase::Closing, now);
                out.push(Effect::Echo);
            }
            Event::Binary(_) => {
                self.close(Goodbye::because(Reason::BadFrame, "only text frames are spoken here"), now, out);
            }
        }
    }

    /// A text frame, now or held back.
    pub(super) fn text(
        &mut self,
        text: &str,
        now: Moment,
        config: &Config,
        throttle: &Throttle,
        out: &mut Vec<Effect>,
    ) {
        if !self.is_ready() {
            return self.hold(text);
        }
        match wire::read(text) {
            Err(Unread::Broken(why)) => {
                self.close(Goodbye::because(Reason::BadFrame, format!("this is no frame: {why}")), now, out);
            }
            asked if self.phase == Phase::Waiting => self.first(asked, now, out),
            asked => {
                if let Err(wait_ms) = self.take(now, throttle) {
                    return self.too_many(asked, wait_ms, now, out);
                }
                match asked {
                    Ok(asked) => self.live(asked, config, out),
                    Err(Unread::Refused(error)) => {
                        out.push(Effect::Reply(Box::new(FromServer::Error(*error))))
                    }
                    Err(Unread::Broken(_)) => {}
                }
            }
        }
    }

    fn hold(&mut self, text: &str) {
        if !self.is_closing() {
            self.held.push_back(text.into());
        }
    }

    fn first(&mut self, asked: Result<Asked<'_>, Unread>, now: Moment, out: &mut Vec<Effect>) {
        let Ok(Asked::Hello(token)) = asked else {
            return self.close(Goodbye::because(Reason::BadFrame, "the first frame is `hello`"), now, out);
        };
        (self.phase, self.since) = (Phase::Authenticating, now);
        out.push(Effect::Authenticate(token.into()));
    }

    /// The token of a `hello` or `renew` was looked at.
    pub(super) fn authenticated(
        &mut self,
        result: Result<Principal, Rejection>,
        now: Moment,
        out: &mut Vec<Effect>,
    ) {
        match (self.phase, result) {
            (Phase::Authenticating, Ok(principal)) => {
                (self.phase, self.since) = (Phase::Registering, now);
                self.principal = Some(principal);
                out.push(Effect::Announce(principal));
            }
            (Phase::Authenticating, Err(rejection)) => self.close(Goodbye::refused(rejection), now, out),
            (Phase::Live, result) => {
                self.resume();
                self.renewed(result, out);
            }
            _ => {}
        }
    }

    fn renewed(&mut self, result: Result<Principal, Rejection>, out: &mut Vec<Effect>) {
        let same = |new: &Principal| {
            self.principal.is_some_and(|old| (old.user, old.device) == (new.user, new.device))
        };
        let another = Rejection::new(Code::Unauthenticated, "the new token names another user or device");
        match result.and_then(|new| if same(&new) { Ok(new) } else { Err(another) }) {
            Ok(principal) => self.principal = Some(principal),
            Err(error) => {
                let frame = Some("renew".to_owned());
                out.push(reply(FromServer::Error(frame::Error {
                    error,
                    client_id: None,
                    conversation: None,
                    frame,
                })));
            }
        }
    }

    /// The registration was echoed, or refused.
    pub(super) fn registered(
        &mut self,
        result: Result<(), Rejection>,
        now: Moment,
        time: Timestamp,
        config: &Config,
        out: &mut Vec<Effect>,
    ) {
        match (result, self.phase, self.principal) {
            (Err(rejection), ..) => self.close(Goodbye::refused(rejection), now, out),
            (Ok(()), Phase::Registering, Some(principal)) => {
                (self.phase, self.since) = (Phase::Live, now);
                let welcome = frame::Welcome {
                    user: principal.user,
                    device: principal.device,
                    session: self.id.to_string(),
                    time,
                    token_expires: principal.expires,
                    limits: config.limits.clone(),
                };
                out.push(Effect::Welcome(Box::new(FromServer::Welcome(Box::new(welcome)))));
            }
            _ => {}
        }
    }

    /// Takes one frame of what the session and its user may send, or says in how many milliseconds it may be sent.
    fn take(&mut self, now: Moment, throttle: &Throttle) -> Result<(), u64> {
        throttle.frame(&mut self.bucket, self.principal.map(|principal| principal.user), now)?;
        self.refused = 0;
        Ok(())
    }

    /// One frame more than allowed; says whether the session ends by it.
    fn ends_by_excess(&mut self, now: Moment, out: &mut Vec<Effect>) -> bool {
        self.refused += 1;
        let ends = self.refused > REFUSED_MAX;
        if ends {
            self.close(Reason::RateLimited.into(), now, out);
        }
        ends
    }

    fn too_many(
        &mut self,
        asked: Result<Asked<'_>, Unread>,
        wait_ms: u64,
        now: Moment,
        out: &mut Vec<Effect>,
    ) {
        if self.ends_by_excess(now, out) {
            return;
        }
        let error = Rejection::new(Code::RateLimited, "too many frames; slow down").retry_after_ms(wait_ms);
        let refusal = match asked {
            Ok(asked) => asked.refusal(error),
            Err(Unread::Refused(refusal)) => frame::Error { error, ..*refusal },
            Err(Unread::Broken(_)) => return,
        };
        out.push(reply(FromServer::Error(refusal)));
    }

    fn live(&mut self, asked: Asked<'_>, config: &Config, out: &mut Vec<Effect>) {
        let Some(Principal { user, .. }) = self.principal else { return };
        match asked {
            Asked::Hello(_) => {
                let error = Rejection::new(Code::BadRequest, "the session said hello already; use `renew`");
                out.push(reply(FromServer::Error(asked.refusal(error))));
            }
            Asked::Renew(token) => {
                self.pause();
                out.push(Effect::Authenticate(token.into()));
            }
            Asked::Ping => out.push(Effect::Pong),
            Asked::Sync(token) => out.push(Effect::Sync(token)),
            Asked::Send(ref send) => match self.submission(send, config) {
                Ok(submission) => {
                    let append = Append { submission, origin: self.id, trace: None };
                    out.push(Effect::Submit(Box::new(Command::Append(append))));
                }
                Err(error) => out.push(reply(FromServer::Error(asked.refusal(error)))),
            },
            Asked::Move(wire::Move { conversation, delivered, read }) => {
                match may_touch(conversation, user) {
                    Ok(()) => {
                        let moved = records::Move { conversation, user, delivered, read, origin: self.id };
                        out.push(Effect::Submit(Box::new(Command::Move(moved))));
                    }
                    Err(error) => out.push(reply(FromServer::Error(asked.refusal(error)))),
                }
            }
        }
    }

    fn submission(&self, send: &wire::Send<'_>, config: &Config) -> Result<Submission, Rejection> {
        let principal = self.principal.ok_or_else(Rejection::not_found)?;
        let content = Content::parse(&Kind::Message, send.body)
            .map_err(|error| Rejection::new(Code::BadRequest, error.to_string()))?;
        let made = submission(principal, send.conversation, send.client_id, &content, &config.limits)?;
        Ok(Submission { after: send.after, ..made })
    }
}

fn reply(frame: FromServer) -> Effect {
    Effect::Reply(Box::new(frame))
}
