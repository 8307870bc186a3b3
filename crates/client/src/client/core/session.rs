//! One connection's life: heartbeat, token, and what to do after each way that it can end.

use domain::Rejection;
use protocol::frame::{Advice, Goodbye, Reason, Welcome};

use super::Ms;
use crate::backoff::{Backoff, Jitter};

const BACKOFF_BASE_MS: Ms = 250;
const BACKOFF_CAP_MS: Ms = 30_000;
/// A session that lived this long was a good one: the next failure is a first one.
const GOOD_AFTER_MS: Ms = 10_000;
/// The welcome comes within this time.
const WELCOME_MS: Ms = 15_000;
/// A token is renewed this long before it expires, or after two thirds of what is left, whichever is later.
const RENEW_BEFORE_MS: Ms = 60_000;
const RENEW_AGAIN_MS: Ms = 5_000;

/// How a connection ended.
#[derive(Debug)]
pub(in crate::client) enum Ended {
    /// It could not be made, or broke.
    Broken(String),
    /// The server did not let it in now.
    Refused(Rejection),
    /// The server ended it.
    Closed(Option<u16>),
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::client) enum Next {
    /// Connect again after this long.
    Reconnect { after_ms: Ms, reason: String },
    /// Connect again after this long, with another token than the last.
    NewToken { after_ms: Ms, reason: String },
    /// Stop: a person or program has to change something.
    Stop { reason: String, sign_in: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Down,
    /// Hello was said.
    Greeting,
    Live,
}

/// The state of the connection.
pub(super) struct Session {
    phase: Phase,
    said: Ms,
    heard: Ms,
    pinged: Ms,
    opened: Ms,
    heartbeat_ms: Ms,
    dead_after_ms: Ms,
    renew_at: Option<Ms>,
    goodbye: Option<Goodbye>,
    backoff: Backoff,
    /// The token of the last session was refused, and no session has been live since.
    token_refused: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            phase: Phase::Down,
            said: 0,
            heard: 0,
            pinged: 0,
            opened: 0,
            heartbeat_ms: Ms::MAX,
            dead_after_ms: Ms::MAX,
            renew_at: None,
            goodbye: None,
            backoff: Backoff::new(BACKOFF_BASE_MS, BACKOFF_CAP_MS),
            token_refused: false,
        }
    }
}

impl Session {
    pub(super) fn opened(&mut self, now: Ms) {
        self.phase = Phase::Greeting;
        (self.said, self.heard, self.opened) = (now, now, now);
        (self.heartbeat_ms, self.dead_after_ms) = (Ms::MAX, WELCOME_MS);
        self.goodbye = None;
    }

    pub(super) fn welcome(&mut self, welcome: &Welcome) {
        self.phase = Phase::Live;
        self.heartbeat_ms = welcome.limits.heartbeat_ms.max(1);
        self.dead_after_ms = welcome.limits.dead_after_ms.max(self.heartbeat_ms.saturating_mul(2));
        self.token_refused = false;
    }

    pub(super) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    pub(super) const fn said(&mut self, now: Ms) {
        self.said = now;
    }

    pub(super) const fn heard(&mut self, now: Ms) {
        self.heard = now;
    }

    pub(super) fn goodbye(&mut self, goodbye: Goodbye) {
        self.goodbye = Some(goodbye);
    }

    pub(super) fn token_expires(&mut self, now: Ms, expires: Ms) {
        let left = expires.saturating_sub(now);
        self.renew_at = Some(now + left.saturating_sub(RENEW_BEFORE_MS).max(left / 3 * 2));
    }

    pub(super) fn renew_due(&mut self, now: Ms) -> bool {
        let due = self.renew_at.is_some_and(|at| now >= at);
        if due {
            self.renew_at = None;
        }
        due
    }

    pub(super) const fn renew_again(&mut self, now: Ms) {
        self.renew_at = Some(now.saturating_add(RENEW_AGAIN_MS));
    }

    /// Whether it is time to be heard, or to hear something.
    pub(super) fn ping_due(&self, now: Ms) -> bool {
        now >= self.next_ping()
    }

    fn next_ping(&self) -> Ms {
        // The server wants to hear when this device was silent, and an answer is wanted when the server was.
        self.said.min(self.heard.max(self.pinged)).saturating_add(self.heartbeat_ms)
    }

    pub(super) const fn pinged(&mut self, now: Ms) {
        self.pinged = now;
    }

    pub(super) fn is_dead(&self, now: Ms) -> bool {
        self.phase != Phase::Down && now >= self.heard.saturating_add(self.dead_after_ms)
    }

    pub(super) fn deadline(&self) -> Option<Ms> {
        let dead = self.heard.saturating_add(self.dead_after_ms);
        match self.phase {
            Phase::Down => None,
            Phase::Greeting => Some(dead),
            Phase::Live => Some(dead.min(self.next_ping()).min(self.renew_at.unwrap_or(Ms::MAX))),
        }
    }

    /// The connection ended: what to do next.
    pub(super) fn closed(&mut self, now: Ms, ended: Ended, jitter: &mut Jitter) -> Next {
        if self.phase == Phase::Live && now.saturating_sub(self.opened) >= GOOD_AFTER_MS {
            self.backoff.reset();
        }
        self.phase = Phase::Down;
        let goodbye = self.goodbye.take();
        let (code, told) = match (&goodbye, &ended) {
            (Some(goodbye), _) => (Some(goodbye.reason.close_code()), goodbye.retry_after_ms),
            (None, Ended::Closed(code)) => (*code, None),
            (None, Ended::Refused(rejection)) => (None, rejection.retry_after_ms),
            (None, Ended::Broken(_)) => (None, None),
        };
        let reason = describe(goodbye.as_ref(), &ended);
        match code {
            Some(code) if is_token(code) && !self.token_refused => {
                self.token_refused = true;
                Next::NewToken { after_ms: self.backoff.next_ms(jitter), reason }
            }
            Some(code) if Advice::of(code) == Some(Advice::Stop) => {
                Next::Stop { reason, sign_in: is_token(code) || is_signed_out(code) }
            }
            Some(code) if Advice::of(code) == Some(Advice::Reconnect) => {
                let backed_off = self.backoff.next_ms(jitter);
                Next::Reconnect { after_ms: told.unwrap_or(backed_off), reason }
            }
            _ => {
                let after_ms = self.backoff.next_ms(jitter).max(told.unwrap_or(0));
                Next::Reconnect { after_ms, reason }
            }
        }
    }
}

/// Whether another token may help: then the program itself can change what has to change.
const fn is_token(code: u16) -> bool {
    code == Reason::Unauthenticated.close_code() || code == Reason::TokenExpired.close_code()
}

const fn is_signed_out(code: u16) -> bool {
    code == Reason::SignedOut.close_code()
}

fn describe(goodbye: Option<&Goodbye>, ended: &Ended) -> String {
    match (goodbye, ended) {
        (Some(goodbye), _) => goodbye.message.clone().unwrap_or_else(|| words(goodbye.reason).to_owned()),
        (None, Ended::Closed(Some(code))) => format!("the server closed the connection ({code})"),
        (None, Ended::Closed(None)) => "the connection was closed".to_owned(),
        (None, Ended::Refused(rejection)) => rejection.message.to_string(),
        (None, Ended::Broken(why)) => why.clone(),
    }
}

const fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Restart => "the server is being restarted",
        Reason::Moved => "the server moved the session",
        Reason::HelloTimeout => "hello came too late",
        Reason::Dead => "the server heard nothing for too long",
        Reason::SlowReader => "too much waited to be read",
        Reason::RateLimited => "too much was sent in too short a time",
        Reason::Overloaded => "the server is full",
        Reason::Unauthenticated => "the access token is not valid",
        Reason::TokenExpired => "the access token expired",
        Reason::SignedOut => "this device was signed out",
        Reason::BadFrame => "the server did not understand a frame",
        Reason::FrameTooLarge => "a frame was too large",
        Reason::Internal => "the server failed",
    }
}
