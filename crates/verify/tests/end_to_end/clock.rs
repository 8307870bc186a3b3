//! A server's clock that steps.

use domain::{Code, Timestamp};
use verify::process::Ports;

use crate::stepping::Clock;
use crate::support::{Device, code, device, seqs};

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn times_in_a_log_go_back_with_the_clock() {
    let (mut server, mut clock) = Clock::server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let mut session = ada.connect().await;
    let mut other = bob.connect().await;
    let before = ada.client_id();
    session.submit(conversation, before, "before").await;
    let first = session.outcome(before).await.unwrap();

    clock.step(-HOUR_MS);
    let mut again = ada.connect().await;
    again.submit(conversation, before, "before").await;
    assert_eq!(again.outcome(before).await.unwrap(), first, "what was acked stays acked");
    let ahead = ada.client_id();
    again.submit(conversation, ahead, "ahead").await;
    let refused = again.outcome(ahead).await.unwrap_err();
    assert_eq!(refused.code, Code::BadClientId, "a new id an hour ahead is refused");

    let told = crate::support::welcome(&again.heard).unwrap().time;
    assert!(told.unix_ms() < first.time.unix_ms() - 1_800_000, "the clock was stepped");
    ada.clock.told(told);
    let second = again.say(conversation, "after the step").await;
    assert_eq!(second.time, first.time, "as late as the one before, and not earlier");
    other.hears(conversation, "after the step").await;

    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    let mut session = ada.connect().await;
    let third = session.say(conversation, "after the restart").await;
    assert!(third.time >= second.time);
    clock.step(HOUR_MS);
    ada.clock.told(Timestamp::from_unix_ms(told.unix_ms() + HOUR_MS.unsigned_abs()));
    let mut session = ada.connect().await;
    let fourth = session.say(conversation, "right again").await;
    assert!(fourth.time >= third.time);
    let log = bob.history(conversation).await;
    assert_eq!(seqs(&log), [1, 2, 3, 4]);
    assert!(log.is_sorted_by_key(|entry| entry.time));
    server.terminate().await.unwrap();
    server.verify().await.unwrap();
}

#[tokio::test]
async fn a_step_back_silences_who_asks_next() {
    let (server, mut clock) = Clock::server(&[]).await;
    let ada = device(&server, "ada").await;
    let mut session = ada.connect().await;
    session.ping().await;
    clock.step(-HOUR_MS);
    assert!(session.is_served().await);
    ada.http.me().await.unwrap();
}

/// Longer than a slot is leased and a device may be silent, shorter than a token is good.
#[tokio::test]
async fn a_step_forward_ends_sessions_that_live() {
    let (server, mut clock) = Clock::server(&[]).await;
    let mut session = device(&server, "ada").await.connect().await;
    clock.step(HOUR_MS);
    // Sessions are looked over every two seconds, and the slot is renewed after fifteen.
    for _ in 0..20 {
        assert!(session.is_served().await);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert!(!server.log().contains("lost the slot"), "{}", server.log());
}

#[tokio::test]
async fn a_step_back_keeps_people_from_signing_in_for_as_long() {
    let (server, mut clock) = Clock::server(&["accounts.tries_by_address=60"]).await;
    let http = client::http::Http::new(server.base()).unwrap();
    let credentials = |handle: &str| protocol::http::Credentials {
        handle: handle.to_owned(),
        password: "a long password".to_owned(),
        device_name: None,
    };
    http.sign_up(&credentials("ada")).await.unwrap();
    clock.step(-HOUR_MS);
    http.sign_in(&credentials("ada")).await.unwrap();
    http.sign_up(&credentials("bob")).await.unwrap();
}

#[tokio::test]
async fn a_step_back_hides_changes_from_those_who_resume() {
    let (mut server, mut clock) = Clock::server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let all = crate::support::people(&server, "person", 64).await;
    let everyone: Vec<&Device> = all.iter().chain([&bob]).collect();
    let (direct, large) = (ada.with(&bob), ada.group(&everyone, false).await);
    let mut session = bob.connect().await;
    let token = session.sync(None).await.remove(0).token;
    session.connection.close().await.unwrap();
    clock.step(-HOUR_MS);
    ada.clock.told(Timestamp::from_unix_ms(ada.tokens.time.unix_ms() - HOUR_MS.unsigned_abs()));
    ada.post(direct, "small").await;
    ada.post(large, "large").await;
    let mut session = bob.connect().await;
    let changes = session.sync(Some(token)).await;
    let shown: Vec<_> =
        changes.iter().flat_map(|changes| &changes.conversations).map(|shown| shown.id).collect();
    assert!(shown.contains(&direct) && shown.contains(&large), "{shown:?}");
    server.terminate().await.unwrap();
    server.verify().await.unwrap();
}

#[tokio::test]
async fn a_client_id_of_long_ago_makes_a_second_entry() {
    let (server, mut clock) = Clock::server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    let (stored, lost) = (ada.client_id(), ada.client_id());
    let first = ada.http.post(conversation, "stored", stored).await.unwrap();
    clock.step(31 * 24 * HOUR_MS);
    // The old tokens have expired.
    let later = device(&server, "ada").await;
    assert_eq!(code(ada.http.post(conversation, "stored", stored).await), Code::TokenExpired);
    assert_eq!(code(later.http.post(conversation, "lost", lost).await), Code::Expired);
    later.post(conversation, "new").await;
    let bob = device(&server, "bob").await;
    assert_eq!(seqs(&bob.history(conversation).await), [first.position.seq, 2]);
}
