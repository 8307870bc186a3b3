//! The simulated admin of the group: makes it, adds and removes people, over the bus, and retries until it is known.

use std::time::Duration;

use contracts::records::{Append, Command};
use domain::content::{Created, Users};
use domain::{
    ClientId, Content, ConversationId, DeviceId, Generation, Identity, SessionId, Slot, Submission, UserId,
};
use tokio::time::Instant;

use super::chance::Chance;
use super::world::{HOME, Lives};
use crate::history::{Event, History};

/// The device that the admin works from.
const DEVICE: [u8; 15] = [99; 15];

/// The admin.
pub(crate) struct Admin {
    people: Vec<UserId>,
    creation: (ClientId, ConversationId),
    silent_members: u8,
    history: History,
    chance: Chance,
    ambient: contracts::Ambient,
}

impl Admin {
    /// The group that `creator` is going to make, and under which client id.
    pub(crate) fn group(ambient: &contracts::Ambient, creator: UserId) -> (ClientId, ConversationId) {
        let creation = ambient.client_id();
        (creation, ConversationId::group(HOME, creator, DeviceId::new(HOME, DEVICE), creation))
    }

    pub(crate) fn new(
        people: Vec<UserId>,
        creation: (ClientId, ConversationId),
        silent_members: u8,
        history: History,
        chance: Chance,
        ambient: contracts::Ambient,
    ) -> Self {
        Self { people, creation, silent_members, history, chance, ambient }
    }

    /// Makes the group, lets the silent ones in, then removes and adds one who talks, until `end`.
    pub(crate) async fn run(self, lives: Lives, end: Instant) {
        let created =
            Content::Created(Created { name: "team".into(), users: self.people.clone(), history: false });
        self.insist(self.creation.0, &created, &lives, end).await;
        let silent: Vec<UserId> =
            (0..self.silent_members).map(|n| UserId::new(HOME, [100 + n; 15])).collect();
        let mut contents = vec![Content::Joined(Users { users: silent })];
        let somebody = vec![self.people[2]];
        for _ in 0..2 {
            contents.push(Content::Removed(Users { users: somebody.clone() }));
            contents.push(Content::Joined(Users { users: somebody.clone() }));
        }
        for content in contents {
            tokio::time::sleep(Duration::from_millis(500 + self.chance.below(3_000))).await;
            self.insist(self.ambient.client_id(), &content, &lives, end).await;
        }
    }

    /// Submits a few times under one identity: whether an answer came is not looked at.
    async fn insist(&self, client_id: ClientId, content: &Content, lives: &Lives, end: Instant) {
        let identity = Identity {
            conversation: self.creation.1,
            sender: self.people[0],
            device: DeviceId::new(HOME, DEVICE),
            client_id,
        };
        let body = content.to_body();
        let invoked = Event::Invoked { identity, kind: content.kind(), body: body.clone() };
        self.history.note(identity.sender, identity.device, invoked);
        for _ in 0..2 {
            if Instant::now() >= end {
                return;
            }
            let life = lives.next().await;
            let submission = Submission { identity, kind: content.kind(), body: body.clone(), after: None };
            // A session that no gateway holds: nobody is told.
            let origin = SessionId { slot: Slot(999), generation: Generation(0), number: 0 };
            let _ = life.submit.publish(Command::Append(Append { submission, origin, trace: None })).await;
            drop(life);
            tokio::time::sleep(Duration::from_millis(200 + self.chance.below(300))).await;
        }
    }
}
