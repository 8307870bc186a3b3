//! Groups of every size, and across the size at which they are told in another way: every live member gets every entry
//! once and in order, and who is out gets the entry that put them out and nothing after it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use domain::{Code, ConversationId, Kind, Position};
use futures_util::future::join_all;
use protocol::frame::{FromDevice, FromServer};

use crate::support::{Device, Session, acks, connected, people, pushed, seqs, server, until};

/// Messages that are under way at once in a round.
const MESSAGES: usize = 4;

/// People are busy meanwhile, each round by round, until whoever adds and removes is done.
#[derive(Default)]
struct Meanwhile {
    begun: AtomicUsize,
    over: AtomicBool,
}

impl Meanwhile {
    fn begin_round(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Waits until so many more rounds have begun.
    async fn goes_on(&self, rounds: usize) {
        let enough = self.begun.load(Ordering::Relaxed) + rounds;
        until("others go on", || async { self.begun.load(Ordering::Relaxed) >= enough }).await;
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

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

/// Says a few things at once, and waits for what becomes of each: its position, or why it is refused.
async fn round(session: &mut Session, group: ConversationId) -> Vec<Result<Position, Code>> {
    let mut ids = vec![];
    for number in 0..MESSAGES {
        let client_id = session.device.client_id();
        session.submit(group, client_id, &format!("{number}")).await;
        ids.push(client_id);
    }
    let mut outcomes = vec![];
    for client_id in ids {
        let outcome = session.outcome(client_id).await;
        outcomes.push(outcome.map(|sent| sent.position).map_err(|rejection| rejection.code));
    }
    outcomes
}

/// Speaks until it is over; all of it is stored. Gives how much that is.
async fn speaks(session: &mut Session, group: ConversationId, meanwhile: &Meanwhile) -> usize {
    let mut stored = 0;
    while !meanwhile.is_over() {
        meanwhile.begin_round();
        stored += round(session, group).await.into_iter().map(Result::unwrap).count();
    }
    stored
}

/// Speaks until it is refused, and then once more. Gives where the last of what is stored is, and how much that is.
async fn speaks_until_out(session: &mut Session, group: ConversationId) -> (Position, usize) {
    let mut outcomes = vec![];
    while outcomes.last().is_none_or(Result::is_ok) {
        outcomes.extend(round(session, group).await);
    }
    outcomes.extend(round(session, group).await);
    let stored: Vec<Position> = outcomes.iter().map_while(|outcome| outcome.ok()).collect();
    let refused = &outcomes[stored.len()..];
    assert!(refused.iter().all(|outcome| *outcome == Err(Code::NotAMember)), "{refused:?}");
    (*stored.last().expect("it was in when it began"), stored.len())
}

/// A group of this size, all of them live; one is removed and one added while three speak, and the one who is removed.
async fn removal_under_load(size: usize) {
    // Nobody reads before the end, however long that takes.
    let server =
        server(&["limits.session_frames_burst=100000", "limits.session_queue_bytes_max=8388608"]).await;
    let all = people(&server, "person", size + 1).await;
    let mut sessions = connected(&all).await;
    let admin = all[0].clone();
    let group = admin.group(&all[1..size].iter().collect::<Vec<_>>(), false).await;
    for session in &mut sessions[..size] {
        assert_eq!(session.entries(group, 1).await[0].kind, Kind::Created);
    }

    let (victim, newcomer) = (all[size - 1].user(), all[size].user());
    let meanwhile = Meanwhile::default();
    let (speakers, others) = sessions.split_at_mut(size.saturating_sub(1).min(3));
    let speaking = speakers.len();
    let work = async {
        meanwhile.goes_on(speaking).await;
        admin.post(group, "before").await;
        let removed = admin.http.remove(group, &[victim], admin.client_id()).await.unwrap().position;
        admin.post(group, "between").await;
        meanwhile.goes_on(speaking).await;
        let joined = admin.http.add(group, &[newcomer], admin.client_id()).await.unwrap().position;
        admin.post(group, "after").await;
        meanwhile.goes_on(speaking).await;
        meanwhile.end();
        (removed, joined)
    };
    let speak = join_all(speakers.iter_mut().map(|session| speaks(session, group, &meanwhile)));
    let put_out = speaks_until_out(&mut others[size - 1 - speaking], group);
    let ((removed, joined), stored, (last, of_victim)) = tokio::join!(work, speak, put_out);
    assert!(last < removed, "stored at {last}, after the removal at {removed}");
    admin.post(group, "the last one").await;
    let head = admin.history(group).await.last().unwrap().position.seq;
    assert_eq!(head, (1 + stored.iter().sum::<usize>() + of_victim + 3 + 2 + 1) as u64);

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
async fn a_group_of_2_with_removal_under_load_loses_an_entry_or_tells_who_is_out() {
    removal_under_load(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_64_with_removal_under_load_loses_an_entry_or_tells_who_is_out() {
    removal_under_load(64).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_65_with_removal_under_load_loses_an_entry_or_tells_who_is_out() {
    removal_under_load(65).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_1000_with_removal_under_load_loses_an_entry_or_tells_who_is_out() {
    removal_under_load(1_000).await;
}

/// Adds these people one by one, each while so many rounds of others begin. Gives where they joined.
async fn grown(
    admin: &Device,
    group: ConversationId,
    newcomers: &[Device],
    meanwhile: &Meanwhile,
    rounds: usize,
) -> Vec<u64> {
    let mut joined = vec![];
    for newcomer in newcomers {
        meanwhile.goes_on(rounds).await;
        admin.post(group, "before").await;
        let added = admin.http.add(group, &[newcomer.user()], admin.client_id()).await;
        joined.push(added.unwrap().position.seq);
        admin.post(group, "after").await;
    }
    meanwhile.goes_on(rounds).await;
    joined
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
    let meanwhile = Meanwhile::default();
    let grow = async {
        let joined = grown(&admin, group, &all[64..], &meanwhile, 2).await;
        meanwhile.end();
        joined
    };
    let (joined, _) = tokio::join!(grow, speaks(speaker, group, &meanwhile));
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

/// A device that connects anew again and again, each time until something is told to it; it stays once it is over.
async fn restless(device: Device, group: ConversationId, meanwhile: Arc<Meanwhile>) -> Session {
    let mut token = None;
    loop {
        meanwhile.begin_round();
        let mut session = device.connect_after(&[FromDevice::Sync { token: token.take() }]).await;
        token = session.synced().await.last().map(|changes| changes.token.clone());
        if meanwhile.is_over() {
            return session;
        }
        let upto = stands(&session, group, None).upto;
        catches_up(&mut session, group, None, upto + 1).await;
        session.connection.close().await.unwrap();
    }
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
    let server = server(&["limits.session_frames_burst=100000"]).await;
    let all = people(&server, "person", 67).await;
    let admin = all[0].clone();
    let group = admin.group(&all[1..64].iter().collect::<Vec<_>>(), false).await;
    let mut calm = connected(&all[..64 - RESTLESS]).await;
    let mut newcomers = connected(&all[64..]).await;
    let mut speaker = all[1].connect().await;
    let meanwhile = Arc::new(Meanwhile::default());
    let moves = |device: &Device| tokio::spawn(restless(device.clone(), group, Arc::clone(&meanwhile)));
    let moving: Vec<_> = all[64 - RESTLESS..64].iter().map(moves).collect();
    let grow = async {
        let joined = grown(&admin, group, &all[64..], &meanwhile, RESTLESS).await;
        meanwhile.end();
        // Whoever comes and goes is given something to hear until the last of them is done.
        while !moving.iter().all(tokio::task::JoinHandle::is_finished) {
            admin.post(group, "on and on").await;
        }
        joined
    };
    let speaking = async {
        while !meanwhile.is_over() {
            speak(&mut speaker, group, "and so on").await;
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
