//! Rosters against a naive model: random logs of one group, in which each entry is appended only if the roster allows it.
//!
//! The model keeps no spans: it keeps the set of entries that each person sees.

use std::collections::{BTreeMap, BTreeSet};

use domain::content::{Created, History, Left, Renamed, SetRole, Users};
use domain::limits::SMALL_MEMBERS_MAX;
use domain::roster::SPANS_MAX;
use domain::{
    ClientId, Code, Content, ConversationId, DeviceId, Entry, Mark, Position, Region, Role, Roster,
    Timestamp, UserId,
};
use proptest::prelude::*;

const GROUP: ConversationId = ConversationId::Group([1; 16]);
const MEMBERS_MAX: usize = 5;

fn user(n: u8) -> UserId {
    UserId::new(Region(1), [n; 15])
}

fn entry(seq: u64, sender: UserId, content: &Content) -> Entry {
    let position = Position::new(1, seq);
    Entry {
        conversation: GROUP,
        position,
        kind: content.kind(),
        sender,
        device: DeviceId::new(Region(1), [9; 15]),
        client_id: ClientId::new(seq, [0; 10]),
        time: Timestamp::from_unix_ms(seq),
        ordinal: seq / 2,
        roster: position,
        was: None,
        body: Some(content.to_body()),
    }
}

fn created(users: &[UserId], history: bool) -> Content {
    Content::Created(Created { name: "group".into(), users: users.to_vec(), history })
}

fn joined(users: &[UserId]) -> Content {
    Content::Joined(Users { users: users.to_vec() })
}

fn removed(users: &[UserId]) -> Content {
    Content::Removed(Users { users: users.to_vec() })
}

/// Who is in with what role, and what everybody sees.
#[derive(Debug, Default)]
struct Model {
    roles: BTreeMap<UserId, Role>,
    seen: BTreeMap<UserId, BTreeSet<u64>>,
    joined: BTreeMap<UserId, u64>,
    history: bool,
}

impl Model {
    fn admins(&self) -> usize {
        self.roles.values().filter(|role| **role == Role::Admin).count()
    }

    fn admit(&mut self, who: UserId, role: Role, seq: u64) {
        if self.roles.contains_key(&who) {
            return;
        }
        self.roles.insert(who, role);
        self.joined.insert(who, seq);
        let seen = self.seen.entry(who).or_default();
        if self.history {
            seen.extend(1..=seq);
        } else {
            seen.insert(seq);
        }
    }

    fn apply(&mut self, entry: &Entry, content: &Content) {
        let seq = entry.position.seq;
        for member in self.roles.keys() {
            self.seen.entry(*member).or_default().insert(seq);
        }
        match content {
            Content::Created(made) => {
                self.history = made.history;
                self.admit(entry.sender, Role::Admin, seq);
                made.users.iter().for_each(|who| self.admit(*who, Role::Member, seq));
            }
            Content::Joined(list) => list.users.iter().for_each(|who| self.admit(*who, Role::Member, seq)),
            Content::Left(_) => drop(self.roles.remove(&entry.sender)),
            Content::Removed(list) => self.roles.retain(|who, _| !list.users.contains(who)),
            Content::Role(set) => {
                self.roles.entry(set.user).and_modify(|role| *role = set.role);
            }
            Content::History(set) => self.history = set.visible,
            Content::Message(_) | Content::Renamed(_) => {}
        }
    }

    fn allows(&self, sender: UserId, content: &Content) -> Result<(), Code> {
        let role = match self.roles.get(&sender) {
            Some(role) => *role,
            None if self.seen.contains_key(&sender) => return Err(Code::NotAMember),
            None => return Err(Code::NotFound),
        };
        if role == Role::Member && !matches!(content, Content::Message(_) | Content::Left(_)) {
            return Err(Code::Forbidden);
        }
        let after = |gone: &[UserId]| {
            let left: Vec<Role> =
                self.roles.iter().filter(|(who, _)| !gone.contains(who)).map(|(_, role)| *role).collect();
            if left.is_empty() || left.contains(&Role::Admin) { Ok(()) } else { Err(Code::LastAdmin) }
        };
        match content {
            Content::Joined(list) => {
                let all: BTreeSet<UserId> = self.roles.keys().chain(&list.users).copied().collect();
                if all.len() > MEMBERS_MAX { Err(Code::GroupFull) } else { Ok(()) }
            }
            Content::Left(_) => after(&[sender]),
            Content::Removed(list) => after(&list.users),
            Content::Role(set) if !self.roles.contains_key(&set.user) => Err(Code::BadRequest),
            Content::Role(set) if set.role == Role::Member => {
                let others = self.roles.iter().any(|(who, role)| *who != set.user && *role == Role::Admin);
                if others || self.roles[&set.user] == Role::Member { Ok(()) } else { Err(Code::LastAdmin) }
            }
            _ => Ok(()),
        }
    }
}

/// A log of entries, each one that the roster before it allowed, with the refusals compared on the way.
fn grow(history: bool, wishes: &[(u8, Content)]) -> (Vec<Entry>, Roster, Model) {
    let (mut roster, mut model) = (Roster::initial(&GROUP), Model::default());
    let mut log = vec![];
    let first = (0, created(&[user(1)], history));
    for (sender, content) in std::iter::once(&first).chain(wishes) {
        let sender = user(*sender);
        let answer = roster.may_append(&GROUP, sender, content, MEMBERS_MAX);
        if !log.is_empty() {
            assert_eq!(answer.clone().map_err(|rejection| rejection.code), model.allows(sender, content));
        }
        if answer.is_ok() {
            let next = entry(log.len() as u64 + 1, sender, content);
            roster.apply(&next);
            model.apply(&next, content);
            log.push(next);
        }
    }
    (log, roster, model)
}

fn wishes() -> impl Strategy<Value = Vec<(u8, Content)>> {
    let one = || (0u8..7).prop_map(user);
    let some = || prop::collection::vec(one(), 1..3);
    let role = prop_oneof![Just(Role::Admin), Just(Role::Member)];
    let content = prop_oneof![
        4 => some().prop_map(|users| joined(&users)),
        3 => some().prop_map(|users| removed(&users)),
        2 => Just(Content::Left(Left {})),
        2 => (one(), role).prop_map(|(user, role)| Content::Role(SetRole { user, role })),
        2 => any::<bool>().prop_map(|visible| Content::History(History { visible })),
        2 => Just(Content::message("hello")),
        1 => Just(Content::Renamed(Renamed { name: "other".into() })),
    ];
    prop::collection::vec((0u8..7, content), 0..60)
}

proptest! {
    #[test]
    fn who_is_in_and_who_decides_is_what_the_log_says(history: bool, wishes in wishes()) {
        let (log, roster, model) = grow(history, &wishes);
        prop_assert_eq!(roster.active, model.roles.len());
        prop_assert_eq!(roster.admins, model.admins());
        prop_assert_eq!(roster.history, model.history);
        prop_assert_eq!(roster.active_users().collect::<Vec<_>>(), model.roles.keys().copied().collect::<Vec<_>>());
        for (who, member) in &roster.members {
            prop_assert_eq!(member.role, model.roles.get(who).copied());
            prop_assert_eq!(member.joined.position.seq, model.joined[who]);
        }
        let newest = log.iter().rfind(|entry| entry.kind.is_membership()).map(|entry| entry.position);
        prop_assert_eq!(Some(roster.position), newest);
    }

    #[test]
    fn a_person_sees_their_spans_with_both_edges_and_nothing_else(history: bool, wishes in wishes()) {
        let (log, roster, model) = grow(history, &wishes);
        for who in (0..7).map(user) {
            for at in &log {
                let expected = model.seen.get(&who).is_some_and(|seen| seen.contains(&at.position.seq));
                prop_assert_eq!(roster.sees(who, at.position), expected, "{} at {}", who, at.position);
            }
        }
    }

    #[test]
    fn spans_never_overlap_and_only_the_last_lasts(history: bool, wishes in wishes()) {
        let (_, roster, _) = grow(history, &wishes);
        for member in roster.members.values() {
            for pair in member.spans.windows(2) {
                prop_assert!(pair[0].to.is_some_and(|to| pair[0].from <= to && to < pair[1].from));
            }
            prop_assert_eq!(member.spans.last().map(|span| span.to.is_none()), Some(member.is_active()));
        }
    }

    #[test]
    fn a_group_with_members_is_never_left_without_an_admin(history: bool, wishes in wishes()) {
        let (_, roster, _) = grow(history, &wishes);
        prop_assert!(roster.active == 0 || roster.admins > 0);
    }

    #[test]
    fn entries_taken_in_twice_or_late_change_nothing(
        history: bool,
        wishes in wishes(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let (log, roster, _) = grow(history, &wishes);
        let mut twice = Roster::initial(&GROUP);
        for at in &log {
            twice.apply(at);
            twice.apply(at);
        }
        for index in again {
            twice.apply(index.get(&log));
        }
        prop_assert_eq!(twice, roster);
    }

    #[test]
    fn a_roster_kept_as_rows_on_the_way_goes_on_as_if_it_never_was(
        history: bool,
        wishes in wishes(),
        cut: prop::sample::Index,
    ) {
        let (log, roster, _) = grow(history, &wishes);
        let mut kept = Roster::initial(&GROUP);
        for (index, at) in log.iter().enumerate() {
            if index == cut.index(log.len()) {
                kept = Roster::from_rows(kept.position, kept.history, kept.large, kept.members);
            }
            kept.apply(at);
        }
        prop_assert_eq!(kept, roster);
    }
}

#[test]
fn a_removed_member_sees_the_edge_and_nothing_later_until_added_again() {
    let log = [
        (0, created(&[user(1)], false)),
        (0, removed(&[user(1)])),
        (0, Content::message("secret")),
        (0, joined(&[user(1)])),
        (1, Content::message("back")),
    ];
    let mut roster = Roster::initial(&GROUP);
    for (seq, (sender, content)) in (1..).zip(&log) {
        roster.apply(&entry(seq, user(*sender), content));
    }
    let seen: Vec<bool> = (1..6).map(|seq| roster.sees(user(1), Position::new(1, seq))).collect();
    assert_eq!(seen, [true, true, false, true, true]);
}

#[test]
fn a_group_that_was_large_is_not_small_again() {
    let crowd: Vec<UserId> = (1..=SMALL_MEMBERS_MAX as u8).map(user).collect();
    let mut roster = Roster::initial(&GROUP);
    roster.apply(&entry(1, user(0), &created(&crowd[1..], false)));
    assert!(!roster.large && roster.active == SMALL_MEMBERS_MAX);
    roster.apply(&entry(2, user(0), &joined(&crowd[..1])));
    assert!(roster.large);
    roster.apply(&entry(3, user(0), &removed(&crowd)));
    assert!(roster.large && roster.active == 1);
    roster.apply(&entry(4, user(0), &joined(&crowd[..1])));
    assert!(roster.large && roster.active == 2);
}

#[test]
fn who_comes_and_goes_for_ever_does_not_grow_the_roster() {
    let mut roster = Roster::initial(&GROUP);
    roster.apply(&entry(1, user(0), &created(&[], false)));
    for round in 1..=2 * SPANS_MAX as u64 {
        roster.apply(&entry(2 * round, user(0), &joined(&[user(1)])));
        roster.apply(&entry(2 * round + 1, user(0), &removed(&[user(1)])));
    }
    let spans = &roster.members[&user(1)].spans;
    assert_eq!(spans.len(), SPANS_MAX);
    assert_eq!(spans.last().and_then(|span| span.to), Some(roster.position));
    assert!(!roster.sees(user(1), Position::new(1, 2)) && roster.sees(user(1), roster.position));
}

#[test]
fn a_body_of_a_newer_version_moves_the_roster_and_nothing_else() {
    let mut roster = Roster::initial(&GROUP);
    roster.apply(&entry(1, user(0), &created(&[user(1)], false)));
    let before = roster.clone();
    let mut newer = entry(2, user(0), &removed(&[user(1)]));
    newer.body = domain::content::Body::from_json(r#"{"everybody":true}"#.into()).ok();
    roster.apply(&newer);
    assert_eq!(roster, Roster { position: newer.position, ..before });
}

#[test]
fn two_people_are_in_their_conversation_before_its_first_entry() {
    let direct = ConversationId::direct(user(2), user(1));
    let roster = Roster::initial(&direct);
    assert_eq!(roster.active_users().collect::<Vec<_>>(), [user(1), user(2)]);
    assert_eq!(roster.members[&user(1)].joined, Mark::START);
    assert!(roster.sees(user(1), Position::new(1, 1)) && !roster.sees(user(3), Position::new(1, 1)));
    let refused = roster.may_append(&direct, user(1), &Content::Left(Left {}), MEMBERS_MAX);
    assert_eq!(refused.map_err(|rejection| rejection.code), Err(Code::BadRequest));
    assert_eq!(Roster::initial(&ConversationId::direct(user(1), user(1))).active, 1);
}

#[test]
fn a_person_named_twice_takes_one_place() {
    let mut roster = Roster::initial(&GROUP);
    roster.apply(&entry(1, user(0), &created(&[user(1), user(2), user(3)], false)));
    let twice = joined(&[user(4), user(4)]);
    assert_eq!(roster.may_append(&GROUP, user(0), &twice, MEMBERS_MAX), Ok(()));
    roster.apply(&entry(2, user(0), &twice));
    assert_eq!(roster.active, MEMBERS_MAX);
    let full = roster.may_append(&GROUP, user(0), &joined(&[user(5)]), MEMBERS_MAX);
    assert_eq!(full.map_err(|rejection| rejection.code), Err(Code::GroupFull));
}
