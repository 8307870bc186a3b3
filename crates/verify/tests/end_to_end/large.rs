//! Groups of every size, and across the size at which they are told in another way: every live member gets every entry
//! once and in order, and who is out gets the entry that put them out and nothing after it.

use std::collections::BTreeSet;

use domain::{ConversationId, Kind};
use futures_util::future::join_all;
use protocol::frame::{FromDevice, FromServer};

use crate::support::{Device, Session, acks, connected, people, pushed, seqs, server};

/// Messages of each sender before, while and after members come and go.
const MESSAGES: usize = 12;

/// What a session was told of a group: what was pushed, and its own, which it was acked.
fn told(session: &Session, group: ConversationId) -> Vec<u64> {
    let mut told = seqs(&pushed(&session.heard, group));
    told.extend(acks(&session.heard, group).iter().map(|ack| ack.position.seq));
    told.sort_unstable();
    told
}

fn check(session: &Session, group: ConversationId, expected: std::ops::RangeInclusive<u64>, who: &str) {
    assert!(!session.heard.iter().any(|frame| matches!(frame, FromServer::Lagged {})), "{who} lagged");
    assert!(pushed(&session.heard, group).is_sorted_by_key(|entry| entry.position), "{who}: out of order");
    assert_eq!(told(session, group), expected.collect::<Vec<_>>(), "{who}: each once, without a hole");
}

async fn burst(session: &mut Session, group: ConversationId) {
    for number in 0..MESSAGES {
        let client_id = session.device.client_id();
        session.submit(group, client_id, &format!("{number}")).await;
        if number % 4 == 3 {
            session.outcome(client_id).await.unwrap();
        }
    }
}

/// A group of this size, all of them live; one is removed and one added while three speak.
async fn lifecycle(size: usize) {
    let server = server(&["limits.session_frames_burst=100000"]).await;
    let all = people(&server, "person", size + 1).await;
    let mut sessions = connected(&all).await;
    let admin = all[0].clone();
    let group = admin.group(&all[1..size].iter().collect::<Vec<_>>(), false).await;
    for session in &mut sessions[..size] {
        assert_eq!(session.entries(group, 1).await[0].kind, Kind::Created);
    }

    let (victim, newcomer) = (all[size - 1].user(), all[size].user());
    let work = async {
        admin.post(group, "before").await;
        let removed = admin.http.remove(group, &[victim], admin.client_id()).await.unwrap().position;
        admin.post(group, "between").await;
        let joined = admin.http.add(group, &[newcomer], admin.client_id()).await.unwrap().position;
        admin.post(group, "after").await;
        (removed, joined)
    };
    let speakers = size.saturating_sub(1).min(3);
    let speaking = join_all(sessions[..speakers].iter_mut().map(|session| burst(session, group)));
    let ((removed, joined), _) = tokio::join!(work, speaking);
    admin.post(group, "the last one").await;
    let head = admin.history(group).await.last().unwrap().position.seq;
    assert_eq!(head, (1 + speakers * MESSAGES + 3 + 2 + 1) as u64);

    for session in &mut sessions {
        if session.device.user() != victim {
            session.hears(group, "the last one").await;
        }
    }
    // What is told by the same way after all of that shows that nothing more was under way.
    let aside = admin.with(&all[size - 1]);
    admin.post(aside, "are you there?").await;
    sessions[size - 1].hears(aside, "are you there?").await;
    for (index, session) in sessions.iter().enumerate() {
        let expected = match session.device.user() {
            user if user == victim => 1..=removed.seq,
            user if user == newcomer => joined.seq..=head,
            _ => 1..=head,
        };
        check(session, group, expected, &format!("member {index} of {size}"));
    }
    assert_eq!(all[size - 1].history(group).await.last().unwrap().position, removed, "by pull, too");
    assert_eq!(all[size].history(group).await.first().unwrap().position, joined);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_2_loses_an_entry_or_tells_who_is_out() {
    lifecycle(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_64_loses_an_entry_or_tells_who_is_out() {
    lifecycle(64).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_65_loses_an_entry_or_tells_who_is_out() {
    lifecycle(65).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_1000_loses_an_entry_or_tells_who_is_out() {
    lifecycle(1_000).await;
}

/// A group that grows from 64 members to 67 while it is spoken in; nobody comes or goes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_grows_large_loses_an_entry_at_the_crossing() {
    let server = server(&["limits.session_frames_burst=100000"]).await;
    let all = people(&server, "person", 67).await;
    let admin = all[0].clone();
    let group = admin.group(&all[1..64].iter().collect::<Vec<_>>(), false).await;
    let mut sessions = connected(&all).await;
    let (speaker, others) = sessions.split_first_mut().unwrap();
    let grow = async {
        let mut joined = vec![];
        for newcomer in &all[64..] {
            admin.post(group, "before").await;
            joined.push(
                admin.http.add(group, &[newcomer.user()], admin.client_id()).await.unwrap().position.seq,
            );
            admin.post(group, "after").await;
        }
        joined
    };
    let speak = async {
        for number in 0..60 {
            speaker.say(group, &format!("{number}")).await;
        }
    };
    let (joined, ()) = tokio::join!(grow, speak);
    let head = admin.post(group, "the last one").await.seq;
    for session in std::iter::once(speaker).chain(others) {
        session.hears(group, "the last one").await;
    }
    for (index, session) in sessions.iter().enumerate() {
        let from = if index < 64 { 2 } else { joined[index - 64] };
        check(session, group, from..=head, &format!("member {index}"));
    }
}

/// Where a session stands in a group, as it was told: from the first entry it may miss on, or from its first sync on.
struct Stands {
    /// Everything up to here was pushed, acked, or is named by a sync, so that it is for pages.
    upto: u64,
    /// It was told that it is behind, or has just begun, and has not been answered a sync since.
    behind: bool,
}

/// Follows what a session heard. An entry that comes while one before it was never told of is the failure.
fn stands(session: &Session, group: ConversationId, start: Option<u64>) -> Stands {
    let mut stands = Stands { upto: start.unwrap_or_default(), behind: start.is_none() };
    let mut early = BTreeSet::new();
    for frame in &session.heard {
        match frame {
            FromServer::Lagged {} => stands.behind = true,
            FromServer::Changes(changes) => {
                let heads = changes.conversations.iter().filter(|shown| shown.id == group);
                stands.upto = heads.map(|shown| shown.head.position.seq).fold(stands.upto, u64::max);
                stands.behind = false;
            }
            FromServer::Entry { entry } if entry.conversation == group => {
                early.extend([(entry.position.seq, true)])
            }
            // An ack comes whatever else the session misses; that it is behind is said when it is registered anew.
            FromServer::Sent(sent) if sent.conversation == group => {
                early.extend([(sent.position.seq, false)])
            }
            _ => {}
        }
        if !stands.behind {
            for (seq, pushed) in std::mem::take(&mut early) {
                let (next, handle) = (stands.upto + 1, &session.device.tokens.handle);
                assert!(seq <= next || !pushed, "{handle} was given {seq} and not told of {next}");
                if seq <= next {
                    stands.upto = stands.upto.max(seq);
                } else {
                    early.insert((seq, pushed));
                }
            }
        }
    }
    stands
}

/// Listens until it stands at `head`; syncs when it is told that it is behind.
async fn catches_up(session: &mut Session, group: ConversationId, start: Option<u64>, head: u64) {
    loop {
        let device = session.device.clone();
        let arrived = |session: &Session| {
            let now = stands(session, group, start);
            now.behind || now.upto >= head
        };
        while !arrived(session) {
            let heard = session.heard.len();
            session.wait(&device.tokens.handle, |frames| (frames.len() > heard).then_some(())).await;
        }
        if !stands(session, group, start).behind {
            return;
        }
        session.sync(None).await;
    }
}

/// A device that connects anew again and again, each time until something is told to it.
async fn restless(device: Device, group: ConversationId, rounds: usize) -> Session {
    let mut token = None;
    for round in 0.. {
        let mut session = device.connect_after(&[FromDevice::Sync { token: token.take() }]).await;
        token = session.synced().await.last().map(|changes| changes.token.clone());
        if round == rounds {
            return session;
        }
        let upto = stands(&session, group, None).upto;
        catches_up(&mut session, group, None, upto + 1).await;
        session.connection.close().await.unwrap();
    }
    unreachable!("it returned")
}

/// Speaks, and sends again what was not acked when it is told that it is behind.
async fn speak(session: &mut Session, group: ConversationId, text: &str) {
    let client_id = session.device.client_id();
    let lags =
        |heard: &[FromServer]| heard.iter().filter(|frame| matches!(frame, FromServer::Lagged {})).count();
    let acked = |heard: &[FromServer]| acks(heard, group).iter().any(|ack| ack.client_id == client_id);
    loop {
        let before = lags(&session.heard);
        session.submit(group, client_id, text).await;
        session.wait("an ack", |heard| (acked(heard) || lags(heard) > before).then_some(())).await;
        if acked(&session.heard) {
            return;
        }
        session.sync(None).await;
    }
}

/// The same while devices come and go: then members may be told that they are behind, and nobody may have a hole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_comes_while_a_group_grows_large_has_a_hole_or_makes_one() {
    const RESTLESS: usize = 8;
    const ROUNDS: usize = 6;
    let server = server(&["limits.session_frames_burst=100000"]).await;
    let all = people(&server, "person", 67).await;
    let admin = all[0].clone();
    let group = admin.group(&all[1..64].iter().collect::<Vec<_>>(), false).await;
    let mut calm = connected(&all[..64 - RESTLESS]).await;
    let mut newcomers = connected(&all[64..]).await;
    let mut speaker = all[1].connect().await;
    let moving =
        all[64 - RESTLESS..64].iter().map(|device| tokio::spawn(restless(device.clone(), group, ROUNDS)));
    let moving: Vec<_> = moving.collect();
    let grow = async {
        let mut joined = vec![];
        for newcomer in &all[64..] {
            admin.post(group, "before").await;
            joined.push(
                admin.http.add(group, &[newcomer.user()], admin.client_id()).await.unwrap().position.seq,
            );
            admin.post(group, "after").await;
        }
        // Whoever comes and goes is given something to hear until the last of them is done.
        while !moving.iter().all(tokio::task::JoinHandle::is_finished) {
            admin.post(group, "on and on").await;
        }
        joined
    };
    let speaking = async {
        for number in 0..60 {
            speak(&mut speaker, group, &format!("{number}")).await;
        }
    };
    let (joined, ()) = tokio::join!(grow, speaking);
    let mut moved = vec![];
    for moving in moving {
        moved.push(moving.await.unwrap());
    }
    let mut followed: Vec<(&mut Session, Option<u64>)> = vec![(&mut speaker, Some(1))];
    followed.extend(calm.iter_mut().map(|session| (session, Some(1))));
    followed.extend(newcomers.iter_mut().zip(joined).map(|(session, joined)| (session, Some(joined - 1))));
    followed.extend(moved.iter_mut().map(|session| (session, None)));
    // Twice: whoever was behind and has caught up is told of the next one.
    for text in ["the last but one", "the last one"] {
        let head = admin.post(group, text).await.seq;
        for (session, start) in &mut followed {
            catches_up(session, group, *start, head).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_shrinks_again_loses_its_members() {
    let server = server(&[]).await;
    let all = people(&server, "person", 66).await;
    let admin = all[0].clone();
    let group = admin.group(&all[1..].iter().collect::<Vec<_>>(), false).await;
    let mut sessions = connected(&all).await;
    let out: Vec<_> = all[60..].iter().map(Device::user).collect();
    let removed = admin.http.remove(group, &out, admin.client_id()).await.unwrap().position;
    admin.post(group, "few again").await;
    let late = all[5].connect().await;
    sessions.push(late);
    admin.post(group, "still here").await;
    for (index, session) in sessions.iter_mut().enumerate() {
        if out.contains(&session.device.user()) {
            session.entries(group, 1).await;
            session.ping().await;
            check(session, group, removed.seq..=removed.seq, &format!("who is out, {index}"));
        } else {
            session.hears(group, "still here").await;
            let from = if index == 66 { 4 } else { 2 };
            check(session, group, from..=4, &format!("member {index}"));
        }
    }
    let back = all[65].clone();
    admin.http.add(group, &[back.user()], admin.client_id()).await.unwrap();
    let last = admin.post(group, "back").await;
    let heard = sessions[65].hears(group, "back").await;
    assert_eq!(seqs(&heard), [2, 5, last.seq]);
}
