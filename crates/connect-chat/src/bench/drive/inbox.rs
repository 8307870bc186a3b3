//! What one receiver makes of the entries that it is given. Pure.

use anyhow::{Context, Result, ensure};
use domain::ConversationId;

use super::stamp;
use crate::bench::lean::{Entry, number_of};
use crate::bench::meter::Meter;

/// What one receiver got of its conversation.
#[derive(Debug)]
pub(super) struct Inbox {
    /// As it stands in frames.
    conversation: String,
    pub(super) meter: Meter,
}

impl Inbox {
    pub(super) fn new(conversation: ConversationId) -> Self {
        Self { conversation: conversation.to_string(), meter: Meter::default() }
    }

    /// Takes an entry: when it was meant to be sent, in microseconds, if it is a message that was not here yet. An error
    /// if it is nothing that the sender of this conversation sent.
    pub(super) fn take(&mut self, entry: &Entry<'_>) -> Result<Option<u64>> {
        if entry.kind != "message" {
            return Ok(None);
        }
        ensure!(entry.conversation == self.conversation, "an entry of another conversation was delivered");
        let number = number_of(entry.client_id).context("an entry of somebody else")?;
        let meant = entry.body.and_then(|body| stamp(body.get()));
        let meant = meant
            .with_context(|| format!("message {number} came with another text than it was sent with"))?;
        Ok(self.meter.received(number, entry.position).then_some(meant))
    }
}

#[cfg(test)]
mod tests {
    use domain::{Position, Region, UserId};
    use serde_json::value::RawValue;

    use super::super::stamped;
    use super::*;
    use crate::bench::lean::numbered;

    fn conversation(n: u8) -> ConversationId {
        ConversationId::direct(UserId::new(Region::ONLY, [n; 15]), UserId::new(Region::ONLY, [n + 1; 15]))
    }

    /// What an inbox of conversation 1 makes of message 0 of `of` with this body.
    fn taken(of: u8, kind: &str, body: &str) -> Result<Option<u64>> {
        let (conversation_id, client_id) = (conversation(of).to_string(), numbered(1, 0).to_string());
        let body: &RawValue = serde_json::from_str(body)?;
        let (conversation_id, client_id) = (conversation_id.as_str(), client_id.as_str());
        let position = Position::new(1, 1);
        let entry = Entry { conversation: conversation_id, client_id, position, kind, body: Some(body) };
        Inbox::new(conversation(1)).take(&entry)
    }

    #[test]
    fn a_message_of_other_people_passes_for_one_of_the_own_with_its_number() {
        assert_eq!(taken(1, "message", &stamped(77, "")).unwrap(), Some(77));
        assert!(taken(3, "message", &stamped(77, "")).is_err());
        assert_eq!(taken(1, "joined", "{}").unwrap(), None, "not a message");
    }

    #[test]
    fn a_text_without_its_stamp_came_in_no_time() {
        for body in ["{\"text\":\"\"}", "{\"text\":\"another text, and long enough\"}"] {
            assert!(taken(1, "message", body).is_err(), "{body}");
        }
    }
}
