//! What an entry says, in words. Pure.

use client::Error;
use domain::{Body, Code, Content, Entry, Kind, Role, UserId};

use super::names::{NAMED_MAX, Names};
use crate::count::count;

/// What an entry says, if this version can read it.
pub(super) fn content(entry: &Entry) -> Option<Content> {
    Content::parse(&entry.kind, entry.body.as_ref()?.as_str()).ok()
}

/// What a message that is no entry yet says.
pub(super) fn said(body: &Body) -> String {
    match Content::parse(&Kind::Message, body.as_str()) {
        Ok(Content::Message(message)) => message.text,
        _ => body.as_str().to_owned(),
    }
}

/// The text of a message.
pub(super) fn text(entry: &Entry) -> Option<String> {
    match (&entry.kind, content(entry)) {
        (_, Some(Content::Message(message))) => Some(message.text),
        (Kind::Message, None) => Some("(erased)".to_owned()),
        _ => None,
    }
}

/// What happened that is not a message; its sender is the subject.
pub(super) fn happening(entry: &Entry, names: &Names) -> String {
    match content(entry) {
        Some(Content::Created(content)) => format!("made the group {}", content.name),
        Some(Content::Joined(content)) => format!("added {}", names.list(&content.users)),
        Some(Content::Removed(content)) => format!("removed {}", names.list(&content.users)),
        Some(Content::Left(_)) => "left".to_owned(),
        Some(Content::Renamed(content)) => format!("renamed the group to {}", content.name),
        Some(Content::Role(content)) => {
            format!("made {} {}", names.of(content.user), role(content.role))
        }
        Some(Content::History(content)) if content.visible => "shows newcomers what came before".to_owned(),
        Some(Content::History(_)) => "hides from newcomers what came before".to_owned(),
        Some(Content::Message(_)) | None => format!("did something of kind {}", entry.kind),
    }
}

/// Whose names one needs to tell of an entry.
pub(super) fn people(entry: &Entry) -> Vec<UserId> {
    let mut people = vec![entry.sender];
    match content(entry) {
        Some(Content::Joined(content) | Content::Removed(content)) => {
            people.extend(content.users.iter().take(NAMED_MAX));
        }
        Some(Content::Role(content)) => people.push(content.user),
        _ => {}
    }
    people
}

/// What becomes of messages that wait when a chat ends.
pub(super) fn waits(unsent: usize) -> String {
    count(unsent, "message waits and is sent the next time", "messages wait and are sent the next time")
}

/// What somebody is in a group.
pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Member => "member",
    }
}

/// Whether it was refused for its token: the client gets another, or this device is signed out.
pub(super) fn is_of_tokens(error: &Error) -> bool {
    [Code::Unauthenticated, Code::TokenExpired, Code::InvalidCredentials]
        .into_iter()
        .any(|code| error.is(code))
}

/// What there is to tell of another password.
pub(super) const ANOTHER_PASSWORD: &str = "the password was changed; your other devices are signed out";

/// Why something could not be done.
pub(super) fn failure(error: &Error) -> String {
    match error {
        Error::Unreachable(_) => "the server cannot be reached now".to_owned(),
        Error::Rejected(rejection) => rejection.message.to_string(),
        error => error.to_string(),
    }
}
