//! The process ends, told or not, and comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::storage::{MemoryOutbox, MemoryState};
use client::tokens::Fixed;
use client::wire::Heard;
use client::{Client, Event, Events, Options, Parts};
use domain::{ClientId, Code, ConversationId};
use protocol::frame::{FromServer, Reason, Sent};
use verify::process::{Ports, Server};

use crate::support::{Device, Session, acks, device, goodbye, message, seqs, server, soon, texts};

/// What one device sent until its session ended, and how that was.
struct Pumped {
    session: Session,
    sent: Vec<(ClientId, String)>,
    code: Option<u16>,
}

/// Sends, a few ahead, until the session ends.
async fn pump(mut session: Session, conversation: ConversationId, acked: Arc<AtomicUsize>) -> Pumped {
    const AHEAD: usize = 16;
    let (mut sent, mut heard): (Vec<(ClientId, String)>, usize) = (vec![], 0);
    loop {
        while sent.len() < heard + AHEAD {
            let (client_id, text) = (session.device.client_id(), format!("{}", sent.len()));
            let frame = message(conversation, client_id, &text, None);
            sent.push((client_id, text));
            // It may be closing: then what was not acked was not promised either.
            if session.connection.send(&frame).await.is_err() {
                break;
            }
        }
        let code = match session.connection.next().await {
            Ok(Heard::Frame(frame)) => {
                if matches!(frame, FromServer::Sent(_)) {
                    heard += 1;
                    acked.fetch_add(1, Ordering::Relaxed);
                }
                session.heard.push(frame);
                continue;
            }
            Ok(Heard::Closed(code)) => code,
            Ok(Heard::Unknown(name)) => panic!("an unknown frame {name}"),
            Err(_broken) => None,
        };
        return Pumped { session, sent, code };
    }
}

type Pumps = Vec<tokio::task::JoinHandle<Pumped>>;

async fn pumping(server: &Server, pairs: usize) -> (Pumps, Arc<AtomicUsize>) {
    let acked = Arc::new(AtomicUsize::new(0));
    let mut pumps = vec![];
    for pair in 0..pairs {
        let (one, other) =
            (device(server, &format!("one{pair}")).await, device(server, &format!("other{pair}")).await);
        let conversation = one.with(&other);
        for device in [one, other] {
            pumps.push(tokio::spawn(pump(device.connect().await, conversation, Arc::clone(&acked))));
        }
    }
    (pumps, acked)
}

async fn ended(pumps: Pumps) -> Vec<Pumped> {
    let ended = futures_util::future::join_all(pumps);
    soon("the end of every session", ended).await.into_iter().map(Result::unwrap).collect()
}

async fn reaches(acked: &AtomicUsize, count: usize) {
    crate::support::until("load", || async { acked.load(Ordering::Relaxed) >= count }).await;
}

/// Every ack is true: there is the entry, at its position.
async fn all_acks_hold(pumped: &Pumped, conversation: ConversationId) {
    let Pumped { session, .. } = pumped;
    let log = session.device.history(conversation).await;
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    for Sent { client_id, position, ordinal, time, .. } in acks(&session.heard, conversation) {
        let entry = log.iter().find(|entry| entry.position == position).expect("what was acked is stored");
        assert_eq!((entry.client_id, entry.device), (client_id, session.device.tokens.device));
        assert_eq!((entry.ordinal, entry.time), (ordinal, time));
    }
    let identities: BTreeSet<_> = log.iter().map(|entry| entry.identity()).collect();
    assert_eq!(identities.len(), log.len(), "each once");
}

/// Sends all of it again, as somebody does who heard nothing: what was acked is acked as it was.
async fn send_again(pumped: &Pumped, conversation: ConversationId) {
    let mut session = pumped.session.device.connect().await;
    for (client_id, text) in &pumped.sent {
        session.submit(conversation, *client_id, text).await;
    }
    let all =
        |heard: &[FromServer]| Some(acks(heard, conversation)).filter(|acks| acks.len() == pumped.sent.len());
    let again = session.wait("every ack again", all).await;
    let again: BTreeMap<ClientId, Sent> = again.into_iter().map(|sent| (sent.client_id, sent)).collect();
    for sent in acks(&pumped.session.heard, conversation) {
        assert_eq!(again[&sent.client_id], sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_loses_what_was_acked_or_leaves_without_a_word() {
    let mut server = server(&["limits.session_frames_burst=1000000"]).await;
    let (pumps, acked) = pumping(&server, 4).await;
    reaches(&acked, 500).await;
    let status = server.terminate().await.unwrap();
    assert!(status.success(), "{status}: {}", server.log());
    let pumped = ended(pumps).await;
    for Pumped { session, code, .. } in &pumped {
        let goodbye = session.heard.iter().find_map(goodbye).expect("a stop says goodbye");
        assert_eq!((goodbye.reason, *code), (Reason::Restart, Some(Reason::Restart.close_code())));
        assert!(goodbye.retry_after_ms.is_some(), "and when to come back");
    }
    let summary = server.verify().await.unwrap();
    assert!(summary.contains(" 0 violations"), "{summary}");
    server.restart(Ports::Same).await.unwrap();
    for pair in pumped.chunks(2) {
        let conversation = pair[0].session.device.with(&pair[1].session.device);
        for pumped in pair {
            all_acks_hold(pumped, conversation).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_under_load_loses_what_was_acked_or_doubles_what_is_sent_again() {
    let mut server = server(&["limits.session_frames_burst=1000000"]).await;
    for kill in 0..3 {
        let (pumps, acked) = pumping(&server, 4).await;
        reaches(&acked, 200 + 137 * kill).await;
        server.kill().await.unwrap();
        let pumped = ended(pumps).await;
        server.verify().await.unwrap();
        server.restart(Ports::Same).await.unwrap();
        for pair in pumped.chunks(2) {
            let conversation = pair[0].session.device.with(&pair[1].session.device);
            for pumped in pair {
                all_acks_hold(pumped, conversation).await;
                send_again(pumped, conversation).await;
            }
            let log = pair[0].session.device.history(conversation).await;
            for Pumped { session, sent, .. } in pair {
                let of_it = log.iter().filter(|entry| entry.device == session.device.tokens.device);
                let stored: BTreeSet<ClientId> = of_it.clone().map(|entry| entry.client_id).collect();
                assert_eq!((of_it.count(), stored.len()), (sent.len(), sent.len()), "all of it, each once");
            }
        }
    }
}

/// A client of the SDK, which heals by itself, with all its settings as they come.
async fn healing(device: &Device) -> (Client, Events) {
    let parts = Parts {
        http: device.http.without_tokens(),
        tokens: Arc::new(Fixed::new(&device.tokens)),
        outbox: Box::new(MemoryOutbox::default()),
        state: Box::new(MemoryState::default()),
        clock: Arc::clone(&device.clock),
        options: Options { history: client::History::All, ..Options::default() },
    };
    Client::start(parts).await.unwrap()
}

/// Listens until this many entries and acks have come. Gives the entries' seqs and the acks, in the order they came.
async fn listen(
    mut events: Events,
    entries: usize,
    own: usize,
) -> (Vec<u64>, BTreeMap<ClientId, Sent>, usize) {
    let (mut seqs, mut acks, mut gone) = (vec![], BTreeMap::new(), 0);
    while seqs.len() < entries || acks.len() < own {
        match events.next().await.expect("a client that heals does not end") {
            Event::Entry(entry) => seqs.push(entry.position.seq),
            Event::Sent(sent) => assert!(acks.insert(sent.client_id, sent).is_none(), "acked once"),
            Event::Disconnected { .. } => gone += 1,
            Event::Stopped { reason, .. } => panic!("stopped: {reason}"),
            Event::Rejected { rejection, .. } => panic!("rejected: {rejection}"),
            _ => {}
        }
    }
    (seqs, acks, gone)
}

/// Talks in stretches: in the middle of each but the last it says so and goes on; the next begins after the kill.
async fn talk(
    client: Client,
    conversation: ConversationId,
    name: &str,
    halfway: tokio::sync::mpsc::Sender<()>,
    mut killed: tokio::sync::watch::Receiver<usize>,
) {
    for number in 0..EACH {
        if number % STRETCH == STRETCH / 2 && number < KILLS * STRETCH {
            halfway.send(()).await.unwrap();
        }
        if number % STRETCH == 0 {
            killed.wait_for(|kills| *kills >= number / STRETCH).await.unwrap();
        }
        client.send(conversation, &format!("{name} {number}")).await.unwrap();
    }
}

const KILLS: usize = 3;
const STRETCH: usize = 50;
const EACH: usize = (KILLS + 1) * STRETCH;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_a_talk_loses_or_doubles_a_message() {
    let mut server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let (ada_client, ada_events) = healing(&ada).await;
    let (bob_client, bob_events) = healing(&bob).await;
    let listening = [ada_events, bob_events].map(|events| tokio::spawn(listen(events, 2 * EACH, EACH)));
    let (halfway, mut reached) = tokio::sync::mpsc::channel(2);
    let (killed, kills) = tokio::sync::watch::channel(0);
    let talking = [("ada", ada_client.clone()), ("bob", bob_client.clone())]
        .map(|(name, client)| tokio::spawn(talk(client, conversation, name, halfway.clone(), kills.clone())));
    for kill in 1..=KILLS {
        reached.recv().await.unwrap();
        reached.recv().await.unwrap();
        server.kill().await.unwrap();
        server.restart(Ports::Same).await.unwrap();
        killed.send(kill).unwrap();
    }
    for talk in talking {
        talk.await.unwrap();
    }
    let log = {
        let mut stored = BTreeMap::new();
        for heard in listening {
            let (seqs, acks, gone) = soon("all of the talk", heard).await.unwrap();
            assert_eq!(seqs, (1..=2 * EACH as u64).collect::<Vec<_>>(), "in order, each once");
            assert!(gone >= 1, "the kill was felt");
            stored.extend(acks);
        }
        stored
    };
    let history = ada.history(conversation).await;
    assert_eq!(history.len(), 2 * EACH);
    assert!(history.iter().all(|entry| log[&entry.client_id].position == entry.position));
    for name in ["ada", "bob"] {
        let said: Vec<String> = texts(&history).into_iter().filter(|text| text.starts_with(name)).collect();
        assert_eq!(said, (0..EACH).map(|number| format!("{name} {number}")).collect::<Vec<_>>());
    }
    ada_client.close().await;
    bob_client.close().await;
    server.terminate().await.unwrap();
    server.verify().await.unwrap();
}

#[tokio::test]
async fn a_message_sent_again_is_doubled_or_changed() {
    let mut server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let (mut session, mut other) = (ada.connect().await, bob.connect().await);
    let client_id = ada.client_id();
    for _ in 0..3 {
        session.submit(conversation, client_id, "hello").await;
    }
    let first = session.outcome(client_id).await.unwrap();
    for again in 1..3 {
        assert_eq!(session.nth_outcome(client_id, again).await.unwrap(), first);
    }
    session.submit(conversation, client_id, "goodbye").await;
    let refused = session.nth_outcome(client_id, 3).await.unwrap_err();
    assert_eq!((refused.code, refused.code.retryable()), (Code::Conflict, false));
    // By HTTP, too: one identity, however it comes.
    assert_eq!(ada.http.post(conversation, "hello", client_id).await.unwrap().position, first.position);
    session.say(conversation, "next").await;
    let heard = other.hears(conversation, "next").await;
    assert_eq!(heard.iter().map(|entry| entry.position.seq).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]));

    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    let mut session = ada.connect().await;
    session.submit(conversation, client_id, "hello").await;
    assert_eq!(session.outcome(client_id).await.unwrap(), first);
    session.submit(conversation, client_id, "goodbye").await;
    assert_eq!(session.nth_outcome(client_id, 1).await.unwrap_err().code, Code::Conflict);
    assert_eq!(texts(&bob.history(conversation).await), ["hello", "next"]);
    // The same client id of another device is another submission.
    let mut laptop = device(&server, "ada").await.connect().await;
    laptop.submit(conversation, client_id, "from the laptop").await;
    assert_eq!(laptop.outcome(client_id).await.unwrap().position.seq, 3);
}
