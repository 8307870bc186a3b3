//! Tests of the decision, named after the failures they prevent.

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::services::Grant;
use domain::content::{Created, History, Left, SetRole, Users};
use domain::{
    ClientId, Code, Content, ConversationId, DeviceId, Entry, Epoch, Head, Identity, Limits, Position,
    Region, Role, Roster, Submission, Timestamp, UserId,
};
use proptest::prelude::*;

use super::{Asked, Recent, State, Verdict, decide};

const NOW_MS: u64 = 1_764_000_000_000;

fn user(n: u8) -> UserId {
    UserId::new(Region(1), [n; 15])
}

fn device(n: u8) -> DeviceId {
    DeviceId::new(Region(1), [n; 15])
}

fn client_id(n: u8) -> ClientId {
    ClientId::new(NOW_MS, [n; 10])
}

fn group() -> ConversationId {
    ConversationId::group(Region(1), user(1), device(1), client_id(0))
}

fn state(conversation: ConversationId) -> State {
    let grant = Grant { epoch: Epoch::first(Region(1)), since: Position::START };
    let roster = Arc::new(Roster::initial(&conversation));
    State { conversation, grant, head: Head::default(), roster, recent: Recent::default() }
}

fn submission(conversation: ConversationId, sender: u8, n: u8, content: &Content) -> Submission {
    let identity =
        Identity { conversation, sender: user(sender), device: device(sender), client_id: client_id(n) };
    Submission { identity, kind: content.kind(), body: content.to_body(), after: None }
}

fn ask(submission: &Submission) -> Asked<'_> {
    Asked { submission, known: None, after_known: false }
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(NOW_MS)
}

fn one(state: &mut State, asked: Asked<'_>) -> Verdict {
    decide(state, &[asked], now(), &Limits::default()).remove(0)
}

fn appended(verdict: Verdict) -> Arc<Entry> {
    match verdict {
        Verdict::Append(decided) => decided.entry,
        other => panic!("not appended: {other:?}"),
    }
}

fn code(verdict: &Verdict) -> Option<Code> {
    if let Verdict::Refuse(rejection) = verdict { Some(rejection.code) } else { None }
}

fn made_group(users: Vec<UserId>) -> State {
    let mut state = state(group());
    let created = Content::Created(Created { name: "team".into(), users, history: false });
    appended(one(&mut state, ask(&submission(group(), 1, 0, &created))));
    state
}

#[test]
fn a_second_try_makes_no_second_entry() {
    let direct = ConversationId::direct(user(1), user(2));
    let mut state = state(direct);
    let hello = submission(direct, 1, 1, &Content::message("hello"));
    let verdicts = decide(&mut state, &[ask(&hello), ask(&hello)], now(), &Limits::default());
    let first = appended(verdicts[0].clone());
    assert!(matches!(&verdicts[1], Verdict::Known(entry) if *entry == first));

    let again = Asked { known: Some(Arc::clone(&first)), ..ask(&hello) };
    assert!(matches!(one(&mut state, again), Verdict::Known(entry) if entry == first));
    assert_eq!(state.head.position, Position::new(1, 1));
}

#[test]
fn the_same_identity_with_another_body_is_a_conflict_and_not_a_message() {
    let direct = ConversationId::direct(user(1), user(2));
    let mut state = state(direct);
    let hello = submission(direct, 1, 1, &Content::message("hello"));
    let other = submission(direct, 1, 1, &Content::message("other"));
    let verdicts = decide(&mut state, &[ask(&hello), ask(&other)], now(), &Limits::default());
    assert_eq!(code(&verdicts[1]), Some(Code::Conflict));
    let stored = appended(verdicts[0].clone());
    let again = Asked { known: Some(stored), ..ask(&other) };
    assert_eq!(code(&one(&mut state, again)), Some(Code::Conflict));
}

#[test]
fn an_erased_body_does_not_make_a_retry_a_conflict() {
    let direct = ConversationId::direct(user(1), user(2));
    let mut state = state(direct);
    let hello = submission(direct, 1, 1, &Content::message("hello"));
    let erased = Entry { body: None, ..(*appended(one(&mut state, ask(&hello)))).clone() };
    let again = Asked { known: Some(Arc::new(erased)), ..ask(&hello) };
    assert!(matches!(one(&mut state, again), Verdict::Known(_)));
}

#[test]
fn a_client_id_from_the_future_or_the_distant_past_stores_nothing() {
    let direct = ConversationId::direct(user(1), user(2));
    let mut state = state(direct);
    let hello = submission(direct, 1, 1, &Content::message("hello"));
    let limits = Limits::default();
    let early = Timestamp::from_unix_ms(NOW_MS - limits.client_id_ahead_ms_max - 1);
    assert_eq!(code(&decide(&mut state, &[ask(&hello)], early, &limits)[0]), Some(Code::BadClientId));
    let late = Timestamp::from_unix_ms(NOW_MS + limits.identity_ms + 1);
    assert_eq!(code(&decide(&mut state, &[ask(&hello)], late, &limits)[0]), Some(Code::Expired));
    assert_eq!(state.head, Head::default());
}

#[test]
fn a_refused_message_holds_back_those_behind_it() {
    let direct = ConversationId::direct(user(1), user(2));
    let mut state = state(direct);
    let too_early =
        Submission { after: Some(client_id(1)), ..submission(direct, 1, 2, &Content::message("second")) };
    assert_eq!(code(&one(&mut state, ask(&too_early))), Some(Code::OutOfOrder));
    let first = submission(direct, 1, 1, &Content::message("first"));
    let verdicts = decide(&mut state, &[ask(&first), ask(&too_early)], now(), &Limits::default());
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Append(_))));
    let third =
        Submission { after: Some(client_id(2)), ..submission(direct, 1, 3, &Content::message("third")) };
    assert!(
        matches!(one(&mut state, ask(&third)), Verdict::Append(_)),
        "the last ones need not be looked up"
    );
    let fourth =
        Submission { after: Some(client_id(9)), ..submission(direct, 1, 4, &Content::message("fourth")) };
    let looked_up = Asked { after_known: true, ..ask(&fourth) };
    assert!(matches!(one(&mut state, looked_up), Verdict::Append(_)));
}

#[test]
fn a_stranger_and_a_removed_member_append_nothing() {
    let mut state = made_group(vec![user(2)]);
    let text = Content::message("x");
    assert_eq!(code(&one(&mut state, ask(&submission(group(), 3, 1, &text)))), Some(Code::NotFound));
    let remove = submission(group(), 1, 2, &Content::Removed(Users { users: vec![user(2)] }));
    let late = submission(group(), 2, 3, &text);
    let verdicts = decide(&mut state, &[ask(&remove), ask(&late)], now(), &Limits::default());
    appended(verdicts[0].clone());
    assert_eq!(code(&verdicts[1]), Some(Code::NotAMember), "also when both came in one batch");
}

#[test]
fn the_last_admin_cannot_go_while_others_remain() {
    let mut state = made_group(vec![user(2)]);
    let leave = submission(group(), 1, 1, &Content::Left(Left {}));
    assert_eq!(code(&one(&mut state, ask(&leave))), Some(Code::LastAdmin));
    let promote = submission(group(), 1, 2, &Content::Role(SetRole { user: user(2), role: Role::Admin }));
    appended(one(&mut state, ask(&promote)));
    appended(one(&mut state, ask(&leave)));
    let alone = submission(group(), 2, 3, &Content::Left(Left {}));
    appended(one(&mut state, ask(&alone)));
    assert_eq!(state.roster.active, 0);
}

#[test]
fn a_member_decides_nothing_about_others() {
    let mut state = made_group(vec![user(2)]);
    for (n, content) in [
        Content::Joined(Users { users: vec![user(3)] }),
        Content::Removed(Users { users: vec![user(1)] }),
        Content::Role(SetRole { user: user(2), role: Role::Admin }),
        Content::History(History { visible: true }),
    ]
    .iter()
    .enumerate()
    {
        let asked = submission(group(), 2, u8::try_from(n).unwrap() + 1, content);
        assert_eq!(code(&one(&mut state, ask(&asked))), Some(Code::Forbidden));
    }
}

#[test]
fn time_never_steps_back_in_a_log() {
    let direct = ConversationId::direct(user(1), user(2));
    let mut state = state(direct);
    let first = appended(one(&mut state, ask(&submission(direct, 1, 1, &Content::message("a")))));
    let earlier = Timestamp::from_unix_ms(NOW_MS - 60_000);
    let second = submission(direct, 1, 2, &Content::message("b"));
    let second = appended(decide(&mut state, &[ask(&second)], earlier, &Limits::default()).remove(0));
    assert_eq!(second.time, first.time);
}

#[test]
fn membership_does_not_count_as_messages() {
    let mut state = made_group(vec![user(2)]);
    assert_eq!(state.head.ordinal, 0);
    let message = appended(one(&mut state, ask(&submission(group(), 2, 1, &Content::message("a")))));
    assert_eq!((message.ordinal, message.roster), (1, Position::new(1, 1)));
}

#[derive(Debug, Clone)]
enum Step {
    Say { sender: u8, n: u8 },
    Add { sender: u8, n: u8, user: u8 },
    Remove { sender: u8, n: u8, user: u8 },
    Leave { sender: u8, n: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (1u8..5, 1u8..40, 1u8..5, 0u8..4).prop_map(|(sender, n, user, what)| match what {
        0 => Step::Add { sender, n, user },
        1 => Step::Remove { sender, n, user },
        2 => Step::Leave { sender, n },
        _ => Step::Say { sender, n },
    });
    proptest::collection::vec(step, 0..60)
}

fn asked(step: &Step) -> Submission {
    match *step {
        Step::Say { sender, n } => submission(group(), sender, n, &Content::message(format!("{n}"))),
        Step::Add { sender, n, user: who } => {
            submission(group(), sender, n, &Content::Joined(Users { users: vec![user(who)] }))
        }
        Step::Remove { sender, n, user: who } => {
            submission(group(), sender, n, &Content::Removed(Users { users: vec![user(who)] }))
        }
        Step::Leave { sender, n } => submission(group(), sender, n, &Content::Left(Left {})),
    }
}

proptest! {
    /// Whatever is asked, in whatever batches: the log is dense, each identity is in it once, everyone who appended was
    /// a member then, and retries are told the same position.
    #[test]
    fn no_batch_breaks_the_log(steps in steps(), batch in 1usize..7) {
        let mut state = made_group(vec![user(2)]);
        let mut log: BTreeMap<Identity, Arc<Entry>> = BTreeMap::new();
        let submissions: Vec<Submission> = steps.iter().map(asked).collect();
        for batch in submissions.chunks(batch) {
            let asked: Vec<Asked<'_>> = batch
                .iter()
                .map(|submission| Asked { known: log.get(&submission.identity).cloned(), ..ask(submission) })
                .collect();
            let mut at = state.head.position;
            for verdict in decide(&mut state, &asked, now(), &Limits::default()) {
                match verdict {
                    Verdict::Append(decided) => {
                        at = at.next(Epoch(1));
                        prop_assert_eq!(decided.entry.position, at);
                        prop_assert!(decided.before.is_active(decided.entry.sender));
                        prop_assert!(decided.after.active == 0 || decided.after.admins > 0);
                        prop_assert!(log.insert(decided.entry.identity(), decided.entry).is_none());
                    }
                    Verdict::Known(entry) => {
                        prop_assert!(log.get(&entry.identity()).is_none_or(|known| *known == entry));
                    }
                    Verdict::Refuse(_) => {}
                }
            }
            prop_assert_eq!(state.head.position, at);
        }
    }
}
