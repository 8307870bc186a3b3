//! The laws of one log, held against its entries one by one. Pure: who walks a store, and who checks a history, use it.

use std::collections::HashSet;
use std::fmt;

use crate::content::Content;
use crate::conversation::ConversationId;
use crate::entry::{Entry, Head, Kind};
use crate::position::Position;
use crate::roster::Roster;
use crate::submission::Identity;

/// A law that an entry breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// In which log.
    pub conversation: ConversationId,
    /// At which position.
    pub position: Position,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.conversation, self.position, self.what)
    }
}

/// Walks one log from its first entry.
#[derive(Debug)]
pub struct LogAudit {
    conversation: ConversationId,
    head: Head,
    roster: Roster,
    identities: HashSet<Identity>,
    violations: Vec<Violation>,
}

impl LogAudit {
    /// Before the first entry of a log.
    pub fn new(conversation: ConversationId) -> Self {
        let roster = Roster::initial(&conversation);
        Self { conversation, head: Head::default(), roster, identities: HashSet::new(), violations: vec![] }
    }

    /// Holds the next entry against the laws.
    pub fn entry(&mut self, entry: &Entry) {
        let head = self.head;
        let seq = entry.position.seq;
        self.check(entry, seq == head.position.seq + 1, || {
            format!("follows seq {}: not dense", head.position.seq)
        });
        self.check(entry, entry.position.epoch >= head.position.epoch, || "its epoch steps back".to_owned());
        self.check(entry, entry.conversation == self.conversation, || "it is of another log".to_owned());
        self.check(entry, entry.time >= head.time, || format!("its time is before {}", head.time));
        let ordinal = head.ordinal + u64::from(entry.kind.is_message());
        self.check(entry, entry.ordinal == ordinal, || {
            format!("ordinal {} should be {ordinal}", entry.ordinal)
        });
        let roster = if entry.kind.is_membership() { entry.position } else { head.roster };
        self.check(entry, entry.roster == roster, || format!("roster {} should be {roster}", entry.roster));
        let new = self.identities.insert(entry.identity());
        self.check(entry, new, || {
            format!("the identity of client id {} is in the log twice", entry.client_id)
        });
        self.membership(entry);
        self.head = entry.head();
    }

    fn membership(&mut self, entry: &Entry) {
        let content = entry.body.as_ref().map(|body| Content::parse(&entry.kind, body.as_str()));
        let allowed = match (&entry.kind, content) {
            (Kind::Message, _) | (Kind::Other(_), _) => self.roster.may_write(entry.sender).map(drop),
            (_, Some(Ok(content))) => {
                self.roster.may_append(&self.conversation, entry.sender, &content, usize::MAX)
            }
            (kind, _) => {
                let what = format!("the body of a {kind} cannot be read");
                return self.check(entry, false, || what);
            }
        };
        if let Err(rejection) = allowed {
            self.check(entry, false, || {
                format!("its sender {} was not allowed to: {rejection}", entry.sender)
            });
        }
        self.roster.apply(entry);
    }

    fn check(&mut self, entry: &Entry, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            let (conversation, position) = (self.conversation, entry.position);
            self.violations.push(Violation { conversation, position, what: what() });
        }
    }

    /// Where the log ends, as far as it was walked.
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Who is a member there.
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What was found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What was found.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ClientId, DeviceId, Region, UserId};
    use crate::time::Timestamp;

    fn message(n: u64) -> Entry {
        let user = |n| UserId::new(Region(1), [n; 15]);
        let content = Content::message("x");
        Entry {
            conversation: ConversationId::direct(user(1), user(2)),
            position: Position::new(1, n),
            kind: content.kind(),
            sender: user(1),
            device: DeviceId::new(Region(1), [1; 15]),
            client_id: ClientId::new(n, [0; 10]),
            time: Timestamp::from_unix_ms(n),
            ordinal: n,
            roster: Position::START,
            was: None,
            body: Some(content.to_body()),
        }
    }

    fn audit(entries: &[Entry]) -> Vec<String> {
        let mut audit = LogAudit::new(entries[0].conversation);
        entries.iter().for_each(|entry| audit.entry(entry));
        audit.into_violations().into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn a_sound_log_breaks_no_law() {
        assert!(audit(&[message(1), message(2), message(3)]).is_empty());
    }

    #[test]
    fn every_broken_law_is_found() {
        let stranger = UserId::new(Region(1), [9; 15]);
        let twice = Entry { client_id: message(1).client_id, ..message(2) };
        for (second, wrong) in [
            (message(3), "not dense"),
            (Entry { position: Position::new(0, 2), ..message(2) }, "epoch steps back"),
            (Entry { time: Timestamp::from_unix_ms(0), ..message(2) }, "its time is before"),
            (Entry { ordinal: 5, ..message(2) }, "ordinal"),
            (Entry { roster: Position::new(1, 1), ..message(2) }, "roster"),
            (twice, "twice"),
            (Entry { sender: stranger, ..message(2) }, "not allowed"),
            (Entry { conversation: ConversationId::Own(stranger), ..message(2) }, "another log"),
        ] {
            let found = audit(&[message(1), second]);
            assert!(found.iter().any(|what| what.contains(wrong)), "{wrong}: {found:?}");
        }
    }
}
