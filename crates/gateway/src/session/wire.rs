//! Reading what a device says: one pass over the text, fields borrowed from it, each judged by itself, so that a refusal
//! names what could be read.
//!
//! The frames are those of [`protocol::frame::FromDevice`]. Deliberately absent: judgement of anything but the form.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use domain::error::short;
use domain::json::Object;
use domain::{ClientId, Code, ConversationId, Position, Rejection};
use protocol::frame;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a device asks.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    Hello(Cow<'a, str>),
    Renew(Cow<'a, str>),
    Send(Send<'a>),
    Move(Move),
    Sync(Option<Box<str>>),
    Ping,
}

impl Asked<'_> {
    /// The refusal of this frame.
    pub(super) fn refusal(&self, error: Rejection) -> frame::Error {
        let (client_id, conversation) = match self {
            Self::Send(send) => (Some(send.client_id), Some(send.conversation)),
            Self::Move(moved) => (None, Some(moved.conversation)),
            _ => (None, None),
        };
        frame::Error { error, client_id, conversation, frame: Some(self.name().to_owned()) }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Renew(_) => "renew",
            Self::Send(_) => "send",
            Self::Move(Move { read: Some(_), .. }) => "read",
            Self::Move(_) => "delivered",
            Self::Sync(_) => "sync",
            Self::Ping => "ping",
        }
    }
}

/// `send`.
#[derive(Debug)]
pub(super) struct Send<'a> {
    pub(super) conversation: ConversationId,
    pub(super) client_id: ClientId,
    pub(super) body: &'a str,
    pub(super) after: Option<ClientId>,
}

/// `delivered` and `read`.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) conversation: ConversationId,
    pub(super) delivered: Option<Position>,
    pub(super) read: Option<Position>,
}

/// Why there is nothing to do.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is no frame at all: the session ends.
    Broken(Cow<'static, str>),
    /// It is a frame that cannot be served: the device is told, and nothing else happens.
    Refused(Box<frame::Error>),
}

/// Every field of every frame. What this version does not know is skipped.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    conversation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    client_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    after: Option<&'a RawValue>,
    #[serde(borrow, default)]
    position: Option<&'a RawValue>,
}

/// Reads a text frame.
pub(super) fn read(text: &str) -> Result<Asked<'_>, Unread> {
    let broken = |error: serde_json::Error| Unread::Broken(short(error.to_string()));
    let Object(fields): Object<Fields<'_>> = serde_json::from_str(text).map_err(broken)?;
    let asked = match &*fields.kind {
        "hello" => string("token", fields.token).map(Asked::Hello),
        "renew" => string("token", fields.token).map(Asked::Renew),
        "send" => send(&fields).map(Asked::Send),
        "delivered" => moved(&fields).map(|(conversation, position)| {
            Asked::Move(Move { conversation, delivered: Some(position), read: None })
        }),
        "read" => moved(&fields).map(|(conversation, position)| {
            Asked::Move(Move { conversation, delivered: None, read: Some(position) })
        }),
        "sync" => {
            fields.token.map(|token| string("token", Some(token)).map(Box::from)).transpose().map(Asked::Sync)
        }
        "ping" => Ok(Asked::Ping),
        "edit" | "delete" | "react" | "typing" => {
            Err(unsupported("this server does not serve this frame yet"))
        }
        _ => Err(unsupported("this server does not know this frame")),
    };
    asked.map_err(|error| Unread::Refused(Box::new(fields.refusal(error))))
}

impl Fields<'_> {
    /// The refusal of this frame, as far as it can be named.
    fn refusal(&self, error: Rejection) -> frame::Error {
        frame::Error {
            error,
            client_id: parsed("client_id", self.client_id).ok(),
            conversation: parsed("conversation", self.conversation).ok(),
            frame: Some(self.kind.chars().take(32).collect()),
        }
    }
}

fn send<'a>(fields: &Fields<'a>) -> Result<Send<'a>, Rejection> {
    let client_id = parsed("client_id", fields.client_id);
    Ok(Send {
        conversation: parsed("conversation", fields.conversation)?,
        client_id: client_id.map_err(|error| Rejection { code: Code::BadClientId, ..error })?,
        body: present("body", fields.body)?.get(),
        after: fields.after.map(|after| parsed("after", Some(after))).transpose()?,
    })
}

fn moved(fields: &Fields<'_>) -> Result<(ConversationId, Position), Rejection> {
    let position = present("position", fields.position)?;
    let position = serde_json::from_str(position.get()).map_err(|error| bad("position", error))?;
    Ok((parsed("conversation", fields.conversation)?, position))
}

fn present<'a>(name: &str, field: Option<&'a RawValue>) -> Result<&'a RawValue, Rejection> {
    field.ok_or_else(|| bad(name, "it is missing"))
}

/// A string; borrowed unless it has escapes.
fn string<'a>(name: &str, field: Option<&'a RawValue>) -> Result<Cow<'a, str>, Rejection> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Text(text) = serde_json::from_str(present(name, field)?.get()).map_err(|error| bad(name, error))?;
    Ok(text)
}

fn parsed<T: FromStr<Err: Display>>(name: &str, field: Option<&RawValue>) -> Result<T, Rejection> {
    string(name, field)?.parse().map_err(|error| bad(name, error))
}

fn bad(name: &str, why: impl Display) -> Rejection {
    Rejection::new(Code::BadRequest, format!("the field `{name}` cannot be read: {why}"))
}

fn unsupported(message: &'static str) -> Rejection {
    Rejection::new(Code::Unsupported, message)
}
