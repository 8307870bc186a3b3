//! How each thing reads, for people and for pipes. Pure.
//!
//! For pipes a line is an event: its name, then its fields, with tabs between. New fields come at the end.
//!
//! ```text
//! connected     HANDLE
//! offline       RETRY_IN_MS  REASON
//! stopped       REASON
//! conversation  ID  NAME  UNREAD
//! opened        ID  NAME
//! message       ID  NAME  POSITION  TIME  SENDER  TEXT
//! event         ID  NAME  POSITION  TIME  SENDER  KIND  WORDS
//! queued        ID  CLIENT_ID
//! sent          ID  CLIENT_ID  POSITION
//! rejected      ID  CLIENT_ID  CODE  WORDS
//! delivered     ID  HANDLE  POSITION
//! read          ID  HANDLE  POSITION
//! member        ID  HANDLE  ROLE
//! code          RECOVERY_CODE
//! info          WORDS
//! error         WORDS
//! ```

use super::super::escape;
use super::super::rooms::Tick;

/// Lines after the first of a text begin so.
const INDENT: &str = "      | ";

/// An event for a pipe.
pub(super) fn event(name: &str, fields: &[&str]) -> String {
    let mut line = name.to_owned();
    for field in fields {
        line.push('\t');
        line.push_str(&escape::one_line(field));
    }
    line
}

/// A message, for people. `room` names the conversation if it is not the open one.
pub(super) fn message(clock: &str, room: Option<&str>, sender: &str, text: &str) -> String {
    let room = room.map(|room| format!("[{}] ", escape::one_line(room))).unwrap_or_default();
    format!("{clock} {room}{}: {}", escape::one_line(sender), escape::lines(text, INDENT))
}

/// Another entry than a message, for people.
pub(super) fn happening(clock: &str, room: Option<&str>, sender: &str, words: &str) -> String {
    let room = room.map(|room| format!("[{}] ", escape::one_line(room))).unwrap_or_default();
    format!("{clock} {room}* {} {}", escape::one_line(sender), escape::one_line(words))
}

/// Characters of a text that are enough to know which one it is.
const KNOWN_BY: usize = 60;

/// A message that was refused, for people; what to do about it is done in its conversation.
pub(super) fn not_sent(room: &str, text: &str, why: &str, there: &str) -> String {
    let more = if text.chars().nth(KNOWN_BY).is_some() { "…" } else { "" };
    let text: String = text.chars().take(KNOWN_BY).collect();
    format!("not sent to {room}: {why}; {there}/retry or /discard: {text}{more}")
}

/// A row of the list, for people. `aside` tells it from others of its name.
pub(super) fn row(number: usize, name: &str, aside: Option<&str>, unread: u64) -> String {
    let aside = aside.map(|aside| format!("  · {aside}")).unwrap_or_default();
    let unread = if unread > 0 { format!("  ({unread} unread)") } else { String::new() };
    format!("{number:>3}  {}{aside}{unread}", escape::one_line(name))
}

/// A tick, for people.
pub(super) fn tick(tick: Tick, who: &str) -> String {
    let (sign, name, who) = (tick.sign(), tick_name(tick), escape::one_line(who));
    match tick {
        Tick::Queued | Tick::Stored => format!("      {sign} {name}"),
        Tick::Delivered => format!("      {sign} {name} to {who}"),
        Tick::Read => format!("      {sign} {name} by {who}"),
    }
}

/// The name of a tick, for pipes.
pub(super) const fn tick_name(tick: Tick) -> &'static str {
    match tick {
        Tick::Queued => "queued",
        Tick::Stored => "sent",
        Tick::Delivered => "delivered",
        Tick::Read => "read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_field_can_make_a_second_event_or_field() {
        let line = event("message", &["id", "a\tb\nsent\tx", "\u{1b}[0m"]);
        assert_eq!(line.lines().count(), 1);
        assert_eq!(line.split('\t').count(), 4);
    }

    #[test]
    fn what_was_refused_does_not_say_which_message_or_where() {
        let told = not_sent("team", &"x".repeat(200), "you are not a member", "there ");
        assert!(told.starts_with("not sent to team: you are not a member; there /retry"), "{told}");
        assert!(told.ends_with(&format!(" {}…", "x".repeat(60))), "{told}");
        assert!(not_sent("bob", "hello", "no", "").ends_with("/retry or /discard: hello"));
    }

    #[test]
    fn a_message_that_was_read_looks_as_one_that_only_came() {
        assert_eq!(tick(Tick::Delivered, "bob").trim(), "✓✓ delivered to bob");
        assert_eq!(tick(Tick::Read, "bob").trim(), "✔✔ read by bob");
    }

    #[test]
    fn a_row_says_what_is_unread_only_if_something_is() {
        assert_eq!(row(1, "bob", None, 0), "  1  bob");
        assert_eq!(row(12, "team", Some("group"), 3), " 12  team  · group  (3 unread)");
    }
}
