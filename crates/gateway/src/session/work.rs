//! What a session waits for: boxed, because it is rare and would make every session's task large.

use std::pin::Pin;
use std::sync::Arc;

use bus::MessageBus;
use contracts::records::Command;
use contracts::services::{Accounts, CatchUp, Principal};
use contracts::trace::Step;
use domain::{ClientId, Code, ConversationId, Rejection, UserId};
use protocol::frame::Changes;
use tokio::time::Instant;

use crate::hub::Hub;

/// Something under way; while it is, no frames are wanted.
pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// A sync under way.
pub(super) type Sync = Pin<Box<dyn Future<Output = Result<Changes, Rejection>> + Send>>;

/// What came of it.
pub(super) enum Done {
    /// Whom a token names.
    Authenticated(Result<Principal, Rejection>),
    /// Whether the person that a command is for exists.
    Checked(Box<Command>, Result<(), Rejection>),
    /// Whether a command found room.
    Published(Named, Result<(), bus::Error>),
}

/// What to name in a refusal of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub(super) conversation: ConversationId,
    pub(super) client_id: Option<ClientId>,
}

impl Named {
    pub(super) const fn of(command: &Command) -> Self {
        let client_id = match command {
            Command::Append(append) => Some(append.submission.identity.client_id),
            Command::Move(_) => None,
        };
        Self { conversation: command.conversation(), client_id }
    }
}

/// Finds out whom a token names.
pub(super) fn authenticate(accounts: Arc<dyn Accounts>, token: Box<str>) -> Work {
    Box::pin(async move { Done::Authenticated(accounts.authenticate(&token).await) })
}

/// Finds out whether `peer` exists.
pub(super) fn check(hub: Arc<Hub>, peer: UserId, command: Box<Command>) -> Work {
    Box::pin(async move {
        let result = hub.existing(&[peer]).await;
        Done::Checked(command, result)
    })
}

/// Waits for room in the topic; until there is some, a traced command is being received.
pub(super) fn publish(
    submit: Arc<dyn MessageBus<Command>>,
    command: Command,
    received: Option<Step>,
) -> Work {
    Box::pin(async move {
        let done = Done::Published(Named::of(&command), submit.publish(command).await);
        drop(received);
        done
    })
}

/// Answers a sync, when it is its turn among all sessions'.
pub(super) fn sync(hub: Arc<Hub>, user: UserId, token: Option<Box<str>>) -> Sync {
    Box::pin(async move {
        let began = Instant::now();
        let _turn = hub.sync_turn().await;
        if hub.budget.is_strained() {
            return Err(hub.come_back("too many devices fetch what they missed; sync again"));
        }
        let catch_up: &dyn CatchUp = &*hub.services.catch_up;
        let answer = catch_up.sync(user, token.as_deref()).await;
        hub.meters.syncs.record(began.elapsed());
        answer
    })
}

/// The refusal of a command that may or may not be on its way.
pub(super) fn unavailable(error: &bus::Error) -> Rejection {
    tracing::warn!(%error, "a command could not be published");
    Rejection::new(Code::Unavailable, "the server cannot take this now; send it again").retry_after_ms(1_000)
}
