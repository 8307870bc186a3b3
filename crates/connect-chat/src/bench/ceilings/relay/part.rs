//! What a connection is in a relay: the one line that it says first. Pure.

use std::str::FromStr;

use anyhow::{Context, bail};

/// What the relay answers to that line.
pub(super) const UNDERSTOOD: &[u8] = b".";

/// The part of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Receives what the speaker of this pair writes.
    Listener { pair: u64 },
    /// Writes frames of `send` bytes; each gives the listener one of `entry` bytes, and the speaker one of `sent` bytes.
    Speaker { pair: u64, send: usize, entry: usize, sent: usize },
    /// Receives what whoever announces writes.
    Member,
    /// Writes frames of `send` bytes; each gives every member one of `entry` bytes.
    Announcer { send: usize, entry: usize },
    /// Writes frames of `asked` bytes, and gets one of `answer` bytes for each.
    Asker { asked: usize, answer: usize },
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listener { pair } => write!(f, "listener {pair}"),
            Self::Speaker { pair, send, entry, sent } => write!(f, "speaker {pair} {send} {entry} {sent}"),
            Self::Member => write!(f, "member"),
            Self::Announcer { send, entry } => write!(f, "announcer {send} {entry}"),
            Self::Asker { asked, answer } => write!(f, "asker {asked} {answer}"),
        }
    }
}

impl FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> anyhow::Result<Self> {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.map(str::parse).collect::<Result<_, _>>().context(line.to_owned())?;
        let size = |number: u64| number as usize;
        Ok(match (name, &numbers[..]) {
            ("listener", &[pair]) => Self::Listener { pair },
            ("speaker", &[pair, send, entry, sent]) => {
                Self::Speaker { pair, send: size(send), entry: size(entry), sent: size(sent) }
            }
            ("member", []) => Self::Member,
            ("announcer", &[send, entry]) => Self::Announcer { send: size(send), entry: size(entry) },
            ("asker", &[asked, answer]) => Self::Asker { asked: size(asked), answer: size(answer) },
            _ => bail!("`{line}` is no part in a relay"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_understood_as_another() {
        for part in [
            Part::Listener { pair: 7 },
            Part::Speaker { pair: 7, send: 1, entry: 2, sent: 3 },
            Part::Member,
            Part::Announcer { send: 1, entry: 2 },
            Part::Asker { asked: 1, answer: 2 },
        ] {
            assert_eq!(part.to_string().parse::<Part>().unwrap(), part);
        }
        assert!("asker 1".parse::<Part>().is_err());
    }
}
