//! Who comes and goes: the keeper of the groups adds and removes people, and lets one group after another cross from small
//! to large, while everybody talks and the server dies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use client::Error;
use domain::content::{Created, Users};
use domain::{ClientId, Content, ConversationId, DeviceId, Position, Region, UserId};
use protocol::http::Appended;
use tokio::time::sleep;

use super::account::Account;
use super::stage::{Phase, Stage, Status};
use crate::history::{Event, History};
use crate::simulation::chance::Chance;

/// People who come and go in one group.
pub(super) struct Guests {
    pub(super) group: ConversationId,
    pub(super) users: Vec<UserId>,
}

/// One change of a group.
pub(super) struct Change {
    pub(super) conversation: ConversationId,
    client_id: ClientId,
    content: Content,
}

/// The keeper at work.
pub(super) struct Changes {
    keeper: Account,
    guests: Vec<Guests>,
    /// Who is in a group that crosses, beside the keeper, and who fills it up.
    crossing: (Vec<UserId>, Vec<UserId>),
    /// The group that is about to cross did.
    crossed: bool,
    /// Who is out of where.
    out: BTreeSet<(ConversationId, UserId)>,
    stage: Arc<Stage>,
    status: Arc<Status>,
    chance: Chance,
}

impl Change {
    /// A group of the keeper and these people, who are in order.
    pub(super) fn begin(keeper: &Account, users: Vec<UserId>) -> Self {
        let client_id = keeper.client_id();
        let conversation = ConversationId::group(Region::ONLY, keeper.user(), keeper.device(), client_id);
        let content = Content::Created(Created { name: "group".to_owned(), users, history: false });
        Self { conversation, client_id, content }
    }

    fn of(keeper: &Account, conversation: ConversationId, content: Content) -> Self {
        Self { conversation, client_id: keeper.client_id(), content }
    }

    /// Notes that it was asked for.
    pub(super) fn invoked(&self, keeper: &Account, history: &History) {
        let identity = keeper.identity(self.conversation, self.client_id);
        let event = Event::Invoked { identity, kind: self.content.kind(), body: self.content.to_body() };
        history.note(keeper.user(), keeper.device(), event);
    }

    /// Notes that it is stored.
    pub(super) fn acked(&self, keeper: &Account, history: &History, position: Position) {
        let identity = keeper.identity(self.conversation, self.client_id);
        history.note(keeper.user(), keeper.device(), Event::Acked { identity, position });
    }

    /// Asks for it, once more, under the same client id.
    pub(super) async fn tried(&self, keeper: &Account) -> Result<Position, Error> {
        let (id, key) = (self.conversation, self.client_id);
        let at = |appended: Appended| appended.position;
        match &self.content {
            Content::Created(created) => {
                let made = keeper.http.group(&created.name, &created.users, created.history, key).await?;
                debug_assert_eq!(made.id, id, "a group's id follows from its creation");
                Ok(Position::START.next(domain::Epoch::first(Region::ONLY)))
            }
            Content::Joined(who) => keeper.http.add(id, &who.users, key).await.map(at),
            Content::Removed(who) => keeper.http.remove(id, &who.users, key).await.map(at),
            other => unreachable!("the keeper never asks for {}", other.kind()),
        }
    }
}

impl Changes {
    pub(super) fn new(
        keeper: Account,
        guests: Vec<Guests>,
        crossing: (Vec<UserId>, Vec<UserId>),
        stage: &Arc<Stage>,
        chance: Chance,
    ) -> Self {
        let (stage, status) = (Arc::clone(stage), stage.status());
        // It has no connection that anybody could wait for.
        status.live.store(true, Ordering::Relaxed);
        Self { keeper, guests, crossing, crossed: false, out: BTreeSet::new(), stage, status, chance }
    }

    /// Whose work it is.
    pub(super) fn id(&self) -> (UserId, DeviceId) {
        (self.keeper.user(), self.keeper.device())
    }

    /// Works as long as the story lasts.
    pub(super) async fn run(mut self) {
        let mut phase = self.stage.phase();
        while phase.wait_for(|phase| *phase == Phase::Talk).await.is_ok() {
            if self.chance.one_in(3) {
                self.cross().await;
            } else {
                self.come_or_go().await;
            }
            sleep(Duration::from_millis(self.chance.below(30))).await;
        }
    }

    /// Lets somebody in who is out, or out who is in.
    async fn come_or_go(&mut self) {
        let Guests { group, users } = &self.guests[pick(&self.chance, self.guests.len())];
        let (group, user) = (*group, users[pick(&self.chance, users.len())]);
        let users = Users { users: vec![user] };
        let is_out = self.out.contains(&(group, user));
        let content = if is_out { Content::Joined(users) } else { Content::Removed(users) };
        if self.insist(Change::of(&self.keeper, group, content)).await {
            if is_out {
                self.out.remove(&(group, user))
            } else {
                self.out.insert((group, user))
            };
        }
    }

    /// The group that is about to cross does, or another one is made that will.
    async fn cross(&mut self) {
        let (talkers, silent) = &self.crossing;
        let fillers = domain::limits::SMALL_MEMBERS_MAX - 1 - talkers.len();
        if self.crossed {
            let mut users: Vec<UserId> = talkers.iter().chain(silent.iter().take(fillers)).copied().collect();
            users.sort_unstable();
            let change = Change::begin(&self.keeper, users);
            let group = change.conversation;
            if self.insist(change).await {
                self.stage.set_crossing(group);
                self.crossed = false;
            }
        } else {
            let joins = Content::Joined(Users { users: vec![silent[fillers]] });
            self.crossed = self.insist(Change::of(&self.keeper, self.stage.crossing(), joins)).await;
            if self.crossed {
                self.stage.crossed();
            }
        }
    }

    /// Asks until it is settled, through all lives of the server that this takes. True if it is stored.
    async fn insist(&self, change: Change) -> bool {
        let history = &self.stage.history;
        change.invoked(&self.keeper, history);
        self.status.unsettled.store(1, Ordering::Relaxed);
        let stored = self.settled(&change).await;
        match stored {
            Some(Ok(position)) => change.acked(&self.keeper, history, position),
            Some(Err(code)) => {
                let identity = self.keeper.identity(change.conversation, change.client_id);
                history.note(self.keeper.user(), self.keeper.device(), Event::Refused { identity, code });
            }
            None => {}
        }
        self.status.unsettled.store(0, Ordering::Relaxed);
        matches!(stored, Some(Ok(_)))
    }

    async fn settled(&self, change: &Change) -> Option<Result<Position, domain::Code>> {
        let mut phase = self.stage.phase();
        let crosses =
            matches!(change.content, Content::Joined(_)) && change.conversation == self.stage.crossing();
        loop {
            phase.wait_for(|phase| *phase >= Phase::Talk).await.ok()?;
            self.stage.change_asked(crosses);
            let tried = change.tried(&self.keeper).await;
            if let Ok(_) | Err(Error::Rejected(_)) = &tried {
                self.stage.change_answered();
            }
            match tried {
                Ok(position) => return Some(Ok(position)),
                Err(Error::Rejected(refusal)) if !refusal.code.retryable() => return Some(Err(refusal.code)),
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

fn pick(chance: &Chance, of: usize) -> usize {
    usize::try_from(chance.below(of as u64)).unwrap_or(0)
}
