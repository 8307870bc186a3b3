//! Submissions: what a device asks to append. Not an entry until it was appended.

use crate::content::Body;
use crate::conversation::ConversationId;
use crate::entry::Kind;
use crate::id::{ClientId, DeviceId, UserId};

/// What makes a second try the same submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The log.
    pub conversation: ConversationId,
    /// Who.
    pub sender: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Under which client id.
    pub client_id: ClientId,
}

const IDENTITY_CONTEXT: &str = "connect-chat identity key v1";

impl Identity {
    /// A key of 32 bytes: the client id, so that keys arrive nearly sorted and age together, then 16 bytes derived from
    /// the rest. Whoever finds a row by it compares the identity of the entry it names.
    pub fn to_key(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(IDENTITY_CONTEXT);
        hasher.update(self.sender.as_bytes());
        hasher.update(self.device.as_bytes());
        hasher.update(&self.conversation.to_key());
        let mut key = [0; 32];
        key[..16].copy_from_slice(self.client_id.as_bytes());
        key[16..].copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        key
    }
}

/// What a device asks to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// What makes a second try the same.
    pub identity: Identity,
    /// What it would record.
    pub kind: Kind,
    /// What it says, canonical.
    pub body: Body,
    /// The client id queued before it on the same device and not yet acked: it must be in the log already.
    pub after: Option<ClientId>,
}

impl Submission {
    /// Roughly the bytes it takes in memory.
    pub fn size_bytes(&self) -> usize {
        256 + self.body.as_str().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Region;

    #[test]
    fn any_other_part_of_an_identity_gives_another_key() {
        let user = |n| UserId::new(Region(1), [n; 15]);
        let device = |n| DeviceId::new(Region(1), [n; 15]);
        let base = Identity {
            conversation: ConversationId::direct(user(1), user(2)),
            sender: user(1),
            device: device(1),
            client_id: ClientId::new(5, [0; 10]),
        };
        let others = [
            Identity { conversation: ConversationId::direct(user(1), user(3)), ..base },
            Identity { sender: user(2), ..base },
            Identity { device: device(2), ..base },
            Identity { client_id: ClientId::new(5, [1; 10]), ..base },
        ];
        assert!(others.iter().all(|other| other.to_key() != base.to_key()));
        let later = Identity { client_id: ClientId::new(6, [0; 10]), ..base };
        assert!(later.to_key() > base.to_key());
    }
}
