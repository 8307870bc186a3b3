//! The commands: what was typed, and what it asks for. Pure.

use domain::Role;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    List,
    Open(String),
    Back,
    Group {
        name: String,
        users: Vec<String>,
    },
    Add(Vec<String>),
    Remove(Vec<String>),
    Role(String, Role),
    Leave,
    Members,
    Rename(String),
    /// Sends again what was refused here.
    Retry,
    /// Drops what was refused here.
    Discard,
    /// Sets another password.
    Password {
        current: String,
        new: String,
    },
    /// Makes recovery codes, for who knows the password.
    Codes(String),
    /// Signs this device out, or all of this person's.
    SignOut {
        everywhere: bool,
    },
    Help,
    Quit,
    /// A text for the open conversation.
    Say(String),
    /// An empty line.
    Nothing,
    /// Not understood, and what to do about it.
    Wrong(String),
    /// The same of a command that should have opened a conversation.
    OpenNothing(String),
}

impl Command {
    /// Whether another conversation is meant from now on.
    pub(super) const fn opens(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Group { .. } | Self::OpenNothing(_))
    }
}

/// What `/help` prints.
pub(super) const HELP: &[&str] = &[
    "/list                    your conversations, with what is unread",
    "/open NAME or NUMBER     talk to somebody, or in a group",
    "/back                    show what came before",
    "/group NAME user user…   make a group; quote \"our team\"",
    "/add user…  /remove user…  /role user admin|member",
    "/rename NAME  /leave  /members",
    "/retry  /discard         send again, or drop, what was refused",
    "/password OLD NEW  /codes PASSWORD, for when you forget it  /signout [all]",
    "/quit                    (also the end of the input)",
    "anything else is said in the open conversation; //x says /x",
];

/// Where a password begins in what is being typed: from there on it is not shown, nor kept.
pub(super) fn secret_from(typed: &str) -> Option<usize> {
    ["/password ", "/codes "].into_iter().find(|command| typed.starts_with(command)).map(str::len)
}

/// Reads what was typed. Several lines are always said: no command can hide in a pasted text.
pub(super) fn parse(typed: &str) -> Command {
    let line = typed.trim_end_matches(['\r', '\n']);
    if line.contains('\n') {
        return if line.trim().is_empty() { Command::Nothing } else { Command::Say(line.to_owned()) };
    }
    if let Some(text) = line.strip_prefix("//") {
        return Command::Say(format!("/{text}"));
    }
    let Some(rest) = line.strip_prefix('/') else {
        return if line.trim().is_empty() { Command::Nothing } else { Command::Say(line.to_owned()) };
    };
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let words = words(rest);
    let rest = rest.trim();
    match (name, words.is_empty()) {
        ("list", _) => Command::List,
        ("open", false) => Command::Open(unquoted(rest)),
        ("back", _) => Command::Back,
        ("group", false) => Command::Group { name: words[0].clone(), users: words[1..].to_vec() },
        ("add", false) => Command::Add(words),
        ("remove", false) => Command::Remove(words),
        ("role", false) => role(&words),
        ("leave", _) => Command::Leave,
        ("members", _) => Command::Members,
        ("rename", false) => Command::Rename(unquoted(rest)),
        ("retry", _) => Command::Retry,
        ("discard", _) => Command::Discard,
        ("password", false) => password(&words),
        ("codes", false) => Command::Codes(unquoted(rest)),
        ("signout", true) => Command::SignOut { everywhere: false },
        ("signout", false) if words == ["all"] => Command::SignOut { everywhere: true },
        ("help", _) => Command::Help,
        ("quit", _) => Command::Quit,
        ("open" | "group", true) => Command::OpenNothing(whom(name)),
        ("add" | "remove" | "role" | "rename" | "password" | "codes", true) => Command::Wrong(whom(name)),
        _ => Command::Wrong(format!("There is no /{name}. See /help.")),
    }
}

fn whom(name: &str) -> String {
    format!("/{name} whom or what? See /help.")
}

/// What one types to make a group: what [`parse`] reads as that, where a line can say it.
pub(super) fn group(name: &str, users: &[String]) -> String {
    let name = if name.contains(char::is_whitespace) { format!("\"{name}\"") } else { name.to_owned() };
    format!("/group {name} {}", users.join(" ")).trim_end().to_owned()
}

fn role(words: &[String]) -> Command {
    match words {
        [user, role] if role == "admin" => Command::Role(user.clone(), Role::Admin),
        [user, role] if role == "member" => Command::Role(user.clone(), Role::Member),
        _ => Command::Wrong("/role NAME admin, or /role NAME member. See /help.".to_owned()),
    }
}

fn password(words: &[String]) -> Command {
    match words {
        [current, new] => Command::Password { current: current.clone(), new: new.clone() },
        _ => Command::Wrong("/password \"the old one\" \"the new one\". See /help.".to_owned()),
    }
}

/// Words, of which those in double quotes may hold spaces.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        if !word.is_empty() {
            words.push(word.to_owned());
        }
        rest = after.trim_start();
    }
    words
}

fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_looks_like_a_command_can_still_be_said() {
        assert_eq!(parse("hello  there\n"), Command::Say("hello  there".into()));
        assert_eq!(parse("//quit"), Command::Say("/quit".into()));
        assert_eq!(parse("  \r\n"), Command::Nothing);
    }

    #[test]
    fn a_misspelt_or_half_command_is_never_said_aloud() {
        let accounts = ["/password", "/password one", "/password a b c", "/codes", "/signout bob"];
        let others = ["/opne bob", "/", "/ hello", "/add  ", "/role bob", "/role bob king"];
        for line in accounts.into_iter().chain(others) {
            assert!(matches!(parse(line), Command::Wrong(_)), "{line}");
        }
        for line in ["/open", "/group", "/open  "] {
            assert!(matches!(parse(line), Command::OpenNothing(_)) && parse(line).opens(), "{line}");
        }
    }

    #[test]
    fn a_pasted_text_is_taken_for_a_command() {
        assert_eq!(parse("/leave\nhello"), Command::Say("/leave\nhello".into()));
        assert_eq!(parse("// a comment\n/quit"), Command::Say("// a comment\n/quit".into()));
        assert_eq!(parse("\n \n"), Command::Nothing);
    }

    #[test]
    fn names_with_spaces_are_quoted() {
        let users = vec!["ada".to_owned(), "bob".to_owned()];
        assert_eq!(group("our team", &users), "/group \"our team\" ada bob");
        assert_eq!(parse(&group("our team", &users)), parse("/group \"our team\" ada  bob"));
        assert_eq!(parse("/group \"our team\" ada  bob"), Command::Group { name: "our team".into(), users });
        assert_eq!(parse("/open \"our team\""), Command::Open("our team".into()));
        let (current, new) = ("correct horse".to_owned(), "staple".to_owned());
        assert_eq!(parse("/password \"correct horse\" staple"), Command::Password { current, new });
        assert_eq!(parse("/codes correct horse"), Command::Codes("correct horse".into()));
        assert_eq!(parse("/rename  the new name "), Command::Rename("the new name".into()));
    }
}
