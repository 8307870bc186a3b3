//! The rules of large groups.

use std::cell::RefCell;
use std::sync::Arc;

use contracts::records::LargeGroup;
use domain::content::{Left, Users};
use domain::{Content, ConversationId, Entry, Generation, Position, SessionId, Slot, Timestamp, UserId};

use crate::hub::large::Large;
use crate::hub::{Seat, Who};
use crate::testing::{FIRST, device, entry, group, user};

const GROUP: fn() -> ConversationId = || group(1);

fn seat(number: u64, of: u8) -> Arc<Seat> {
    let id = SessionId { slot: Slot(1), generation: Generation(1), number };
    let seat = Seat::new(id, Timestamp::from_unix_ms(0));
    seat.name(Who { user: user(of), device: device(1) });
    Arc::new(seat)
}

fn at(seq: u64) -> Position {
    if seq == 0 { Position::START } else { Position::new(1, seq) }
}

fn listed(roster: u64, from: u64) -> Vec<LargeGroup> {
    vec![LargeGroup { conversation: GROUP(), roster: at(roster), from: at(from) }]
}

fn message(seq: u64, roster: u64) -> Arc<Entry> {
    entry(GROUP(), seq, roster, &Content::message("m"))
}

fn membership(seq: u64, content: &Content) -> Arc<Entry> {
    entry(GROUP(), seq, seq, content)
}

fn users(of: &[u8]) -> Users {
    Users { users: of.iter().map(|n| user(*n)).collect() }
}

/// Large groups with everybody who has a session here.
#[derive(Default)]
struct Try {
    large: Large,
    here: Vec<Arc<Seat>>,
}

impl Try {
    fn new(seats: &[&Arc<Seat>]) -> Self {
        Self { large: Large::default(), here: seats.iter().map(|seat| Arc::clone(seat)).collect() }
    }

    /// Who is given the entry, and who is announced anew.
    fn entry(&mut self, entry: &Entry, roster_before: u64) -> (Vec<u64>, Vec<u64>) {
        let (given, here) = (RefCell::new(vec![]), &self.here);
        let of = |wanted: UserId| {
            here.iter().filter(|seat| seat.who().unwrap().user == wanted).map(Arc::clone).collect()
        };
        let give = |seat: &Arc<Seat>| given.borrow_mut().push(seat.id.number);
        let anew = self.large.entry(entry, at(roster_before), FIRST, of, give);
        (given.into_inner(), numbers(&anew))
    }

    fn registered(&mut self, seat: &Arc<Seat>, roster: u64, from: u64) -> bool {
        self.large.registered(seat, &listed(roster, from), FIRST)
    }
}

fn numbers(seats: &[Arc<Seat>]) -> Vec<u64> {
    seats.iter().map(|seat| seat.id.number).collect()
}

#[test]
fn an_entry_from_before_a_member_joined() {
    let (old, new) = (seat(1, 1), seat(2, 2));
    let mut this = Try::new(&[&old, &new]);
    assert!(!this.registered(&old, 1, 1));
    assert!(!this.registered(&new, 5, 5));
    assert_eq!(this.entry(&message(4, 1), 1), (vec![1], vec![]));
    let joined = membership(5, &Content::Joined(users(&[2])));
    assert_eq!(this.entry(&joined, 1), (vec![1, 2], vec![]));
    assert_eq!(this.entry(&message(6, 5), 5), (vec![1, 2], vec![]));
}

#[test]
fn a_removed_member_who_goes_on_listening() {
    let (one, two, three) = (seat(1, 1), seat(2, 2), seat(3, 3));
    let mut this = Try::new(&[&one, &two, &three]);
    for seat in [&one, &two, &three] {
        this.registered(seat, 1, 1);
    }
    let removed = membership(2, &Content::Removed(users(&[2, 3])));
    assert_eq!(this.entry(&removed, 1), (vec![1, 2, 3], vec![]), "they are told that they are out");
    assert_eq!(this.entry(&message(3, 2), 2), (vec![1], vec![]));
    let left = membership(4, &Content::Left(Left {}));
    assert_eq!(this.entry(&left, 2), (vec![1], vec![]), "user 1 left");
    assert_eq!(this.entry(&message(5, 4), 4), (vec![], vec![]));
}

#[test]
fn all_devices_of_someone_who_joins_but_one() {
    let (old, phone, laptop) = (seat(1, 1), seat(2, 2), seat(3, 2));
    let mut this = Try::new(&[&old, &phone, &laptop]);
    this.registered(&old, 1, 1);
    let joined = membership(2, &Content::Joined(users(&[2])));
    assert_eq!(this.entry(&joined, 1), (vec![1, 2, 3], vec![]));
}

#[test]
fn membership_read_from_an_old_roster() {
    let (one, two) = (seat(1, 1), seat(2, 2));
    let mut this = Try::new(&[&one, &two]);
    this.registered(&one, 1, 1);
    this.registered(&two, 1, 1);
    assert_eq!(this.entry(&message(9, 8), 8), (vec![], vec![1, 2]), "an entry between was missed");
    assert_eq!(
        this.entry(&message(10, 8), 8),
        (vec![], vec![]),
        "nobody is in until they are registered again"
    );
    assert!(this.registered(&one, 7, 1), "an echo older than what is known does not count");
    assert!(!this.registered(&one, 8, 1));
    assert_eq!(this.entry(&message(11, 8), 8), (vec![1], vec![]));
    let removed = membership(13, &Content::Removed(users(&[2])));
    assert_eq!(
        this.entry(&removed, 12),
        (vec![], vec![1]),
        "a membership entry whose predecessor was missed"
    );
}

#[test]
fn a_removal_that_undoes_a_later_registration() {
    let (one, two) = (seat(1, 1), seat(2, 2));
    let mut this = Try::new(&[&one, &two]);
    this.registered(&one, 1, 1);
    this.registered(&two, 6, 6);
    let removed = membership(4, &Content::Removed(users(&[2])));
    assert_eq!(this.entry(&removed, 1), (vec![1], vec![]));
    let joined = membership(6, &Content::Joined(users(&[2])));
    assert_eq!(this.entry(&joined, 4), (vec![1, 2], vec![]));
    assert_eq!(this.entry(&message(7, 6), 6), (vec![1, 2], vec![]));
}

#[test]
fn an_entry_that_is_delivered_twice_moves_the_roster_twice() {
    let (one, two) = (seat(1, 1), seat(2, 2));
    let mut this = Try::new(&[&one, &two]);
    this.registered(&one, 1, 1);
    let joined = membership(2, &Content::Joined(users(&[2])));
    let removed = membership(3, &Content::Removed(users(&[2])));
    this.entry(&joined, 1);
    this.entry(&removed, 2);
    assert_eq!(this.entry(&joined, 0), (vec![1], vec![]), "known, run again after a crash: no news");
    assert_eq!(this.entry(&message(4, 3), 3), (vec![1], vec![]));
}

#[test]
fn a_group_that_becomes_large_and_leaves_its_members_behind() {
    let (one, two, newcomer) = (seat(1, 1), seat(2, 2), seat(3, 3));
    let mut this = Try::new(&[&one, &two, &newcomer]);
    let members = [(Arc::clone(&one), at(1)), (Arc::clone(&two), at(1)), (Arc::clone(&newcomer), at(70))];
    assert_eq!(this.large.enlarged(GROUP(), at(60), &members, FIRST).len(), 0);
    let crossing = membership(70, &Content::Joined(users(&[3])));
    assert_eq!(this.entry(&crossing, 60), (vec![1, 2, 3], vec![]));
    assert_eq!(numbers(&this.large.enlarged(GROUP(), at(60), &members, FIRST)), [] as [u64; 0], "told again");
    let late = seat(4, 4);
    let late = [(late, at(65))];
    assert_eq!(numbers(&this.large.enlarged(GROUP(), at(65), &late, FIRST)), [4], "older than what is held");
}

#[test]
fn a_slot_that_follows_groups_for_ever_or_lets_go_too_soon() {
    let one = seat(1, 1);
    let mut this = Try::new(&[&one]);
    this.registered(&one, 1, 1);
    let later = |ms: u64| FIRST.plus_ms(ms);
    assert_eq!(this.large.leave(later(1), 100), []);
    one.set_gone();
    assert_eq!(this.large.leave(later(10), 100), [], "it may come back at once");
    assert_eq!(this.large.leave(later(110), 100), [GROUP()]);
    assert_eq!(this.large.leave(later(500), 100), []);
}

#[test]
fn a_registration_that_an_unfollow_overtakes() {
    let (early, late) = (seat(1, 1), seat(2, 2));
    let mut this = Try::new(&[&early, &late]);
    this.entry(&message(1, 1), 1);
    let later = FIRST.plus_ms(100);
    assert_eq!(this.large.leave(later, 100), [GROUP()]);
    early.set_announced(5);
    late.set_announced(9);
    assert!(this.registered(&early, 1, 1), "while the slot is being unfollowed");
    assert_eq!(numbers(&this.large.left(GROUP(), 7, later)), [1]);
    assert!(this.registered(&early, 1, 1), "asked for before it was");
    assert!(!this.registered(&late, 1, 1), "asked for after it was");
}
