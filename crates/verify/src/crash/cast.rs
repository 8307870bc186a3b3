//! The cast: people, their devices, and the conversations they are in, made once for each data folder.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use domain::{ConversationId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::account::Account;
use super::changes::{Changes, Guests};
use super::device::{Device, Habit, Room};
use super::stage::Stage;
use crate::checker::Expected;
use crate::history::History;
use crate::process::Server;
use crate::simulation::chance::Chance;

/// People are made this many at a time.
const AT_ONCE: usize = 64;

/// People who talk.
const TALKERS: usize = 8;

/// Members of the largest group.
const CROWD: usize = 1_000;

/// Members of the largest group that is small, and of the smallest that is large.
const SMALL: usize = 64;
const LARGE: usize = 65;

/// Everybody, ready to begin.
pub(super) struct Cast {
    pub(super) stage: Arc<Stage>,
    pub(super) devices: Vec<Device>,
    pub(super) changes: Changes,
    /// Handles of people who are asked at the end what they find with an empty device.
    pub(super) askable: Vec<String>,
}

impl Cast {
    /// Signs everybody up and makes the conversations.
    pub(super) async fn assemble(server: &Server, chance: &Chance) -> Result<Self> {
        let silent = people(server, "silent", CROWD).await?;
        let talkers = people(server, "talker", TALKERS).await?;
        let idle = Account::mint(server, "idle").await?;
        let wanderer = Account::mint(server, "wanderer").await?;
        let history = History::default();
        let keeper = Account::mint(server, "talker0").await?;
        let groups = Groups::make(&keeper, &talkers, [&idle, &wanderer], &silent, &history).await?;
        let stage = Arc::new(Stage::new(server.base().to_owned(), history, groups.crossing));
        let mut devices = vec![];
        let mut device = |account, habit, rooms| {
            devices.push(Device::new(account, habit, rooms, &stage, Chance::new(chance.next())));
        };
        for (account, rooms) in talking(server, &talkers, &groups).await? {
            device(account, Habit::Stays, rooms);
        }
        // Beside the idle person and the wanderer, who are in every larger group: second devices of people in the others.
        device(idle.clone(), Habit::Stays, vec![]);
        device(wanderer.clone(), Habit::ComesAndGoes, vec![]);
        for handle in ["talker1", "talker3", "talker5"] {
            device(Account::mint(server, handle).await?, Habit::Stays, vec![]);
        }
        for handle in ["talker6", "talker7"] {
            device(Account::mint(server, handle).await?, Habit::ComesAndGoes, vec![]);
        }
        let guests = groups.guests(&talkers, &idle, &silent);
        let members = [&talkers[5], &talkers[7], &idle, &wanderer].map(Account::user);
        let changes = Changes::new(
            keeper,
            guests,
            (members.to_vec(), users(&silent)),
            &stage,
            Chance::new(chance.next()),
        );
        let talker = |n| format!("talker{n}");
        let askable = (0..TALKERS).map(talker).chain(["idle".to_owned(), "silent0".to_owned()]).collect();
        Ok(Self { stage, devices, changes, askable })
    }

    /// The devices, all of which must have everything: none of them is ever away when nothing is wrong. And the keeper's,
    /// which never listens.
    pub(super) fn expected(&self) -> Vec<Expected> {
        let expected = |has_everything| move |(user, device)| Expected { user, device, has_everything };
        let devices = self.devices.iter().map(Device::id).map(expected(true));
        devices.chain([self.changes.id()].map(expected(false))).collect()
    }
}

/// The groups of the story.
struct Groups {
    pair: ConversationId,
    small: ConversationId,
    large: ConversationId,
    crowd: ConversationId,
    crossing: ConversationId,
}

impl Groups {
    async fn make(
        keeper: &Account,
        talkers: &[Account],
        listeners: [&Account; 2],
        silent: &[Account],
        history: &History,
    ) -> Result<Self> {
        let group = |who: &[usize], with_listeners: bool, size: usize| {
            let mut users: BTreeSet<UserId> = who.iter().map(|n| talkers[*n].user()).collect();
            users.extend(listeners.into_iter().filter(|_| with_listeners).map(Account::user));
            // The keeper is one of its members.
            users.extend(silent.iter().map(Account::user).take(size - 1 - users.len()));
            begin(keeper, users, history)
        };
        Ok(Self {
            pair: group(&[1], false, 2).await?,
            small: group(&[2, 4, 6], true, SMALL).await?,
            large: group(&[3, 5, 7], true, LARGE).await?,
            crowd: group(&[1, 6], true, CROWD).await?,
            crossing: group(&[5, 7], true, SMALL).await?,
        })
    }

    /// Who comes and goes in each of the groups whose size is given.
    fn guests(&self, talkers: &[Account], idle: &Account, silent: &[Account]) -> Vec<Guests> {
        let of = |group, who: [&Account; 3]| Guests { group, users: who.map(Account::user).to_vec() };
        vec![
            of(self.small, [&talkers[6], idle, &silent[0]]),
            of(self.large, [&talkers[7], idle, &silent[1]]),
            of(self.crowd, [&talkers[6], &silent[2], &silent[3]]),
        ]
    }
}

/// Makes a group by the keeper, before any device listens.
async fn begin(keeper: &Account, users: BTreeSet<UserId>, history: &History) -> Result<ConversationId> {
    let change = super::changes::Change::begin(keeper, users.into_iter().collect());
    change.invoked(keeper, history);
    let position = change.tried(keeper).await?;
    change.acked(keeper, history, position);
    Ok(change.conversation)
}

/// The devices that talk, and where.
async fn talking(server: &Server, talkers: &[Account], groups: &Groups) -> Result<Vec<(Account, Vec<Room>)>> {
    let direct = |one: usize, other: usize| {
        Room::In(ConversationId::direct(talkers[one].user(), talkers[other].user()))
    };
    let [pair, small, large, crowd] = [groups.pair, groups.small, groups.large, groups.crowd].map(Room::In);
    let rooms = [
        vec![pair, large, Room::Crossing],
        vec![pair, crowd],
        vec![direct(2, 3), small],
        vec![direct(2, 3), large],
        vec![direct(4, 5), small],
        vec![direct(4, 5), Room::Crossing],
        vec![small, crowd],
        vec![large, Room::Crossing],
    ];
    // Two of them talk on two devices.
    let second = [("talker0", vec![pair, Room::Crossing]), ("talker2", vec![direct(2, 3), small])];
    let mut devices: Vec<_> = talkers.iter().cloned().zip(rooms).collect();
    for (handle, rooms) in second {
        devices.push((Account::mint(server, handle).await?, rooms));
    }
    Ok(devices)
}

/// A device each of people whose handles begin so.
async fn people(server: &Server, prefix: &str, count: usize) -> Result<Vec<Account>> {
    let mint = |number| async move { Account::mint(server, &format!("{prefix}{number}")).await };
    stream::iter((0..count).map(mint)).buffered(AT_ONCE).try_collect().await
}

fn users(accounts: &[Account]) -> Vec<UserId> {
    accounts.iter().map(Account::user).collect()
}
