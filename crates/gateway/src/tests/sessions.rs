//! Sessions over real sockets.

use super::*;
use crate::testing::{direct, eventually};
use contracts::records::SessionChange;

#[tokio::test]
async fn a_message_that_does_not_arrive() {
    let served = Served::new(Config::default()).await;
    let (mut sender, mut receiver) = (served.live("1.1").await, served.live("2.1").await);
    let mut other_device = served.live("1.2").await;
    sender.send(direct(1, 2), 1, "héllo \u{1F600}").await;
    let sent = sender.next().await;
    assert_eq!((&sent["type"], &sent["position"]["seq"]), (&"sent".into(), &1.into()));
    for device in [&mut receiver, &mut other_device] {
        let frame = device.next().await;
        assert_eq!(frame["type"], "entry");
        assert_eq!(frame["entry"]["body"]["text"], "héllo \u{1F600}");
        assert_eq!(frame["entry"]["position"], sent["position"]);
    }
    served.stop().await;
}

#[tokio::test]
async fn a_resume_that_takes_more_than_one_round_trip() {
    let served = Served::new(Config::default()).await;
    let mut device = served.open(None).await.unwrap();
    device.say(r#"{"type":"hello","token":"1.1"}"#).await;
    device.say(r#"{"type":"sync"}"#).await;
    device.send(direct(1, 2), 1, "queued while offline").await;
    device.say(r#"{"type":"ping"}"#).await;
    assert_eq!(device.next().await["type"], "welcome");
    let mut rest = vec![];
    for _ in 0..3 {
        rest.push(device.next().await["type"].as_str().unwrap().to_owned());
    }
    rest.sort_unstable();
    assert_eq!(rest, ["changes", "pong", "sent"]);
    served.stop().await;
}

#[tokio::test]
async fn a_session_whose_end_is_not_announced() {
    let served = Served::new(Config::default()).await;
    let announced = || served.world.messaging.announced.lock().unwrap().clone();
    drop(served.live("1.1").await);
    served.live("2.1").await.0.close(None).await.unwrap();
    let mut broken = served.live("3.1").await;
    broken.0.send(Message::binary(vec![1])).await.unwrap();
    let (goodbye, code) = broken.goodbye().await;
    assert_eq!((&goodbye["reason"], code), (&"bad_frame".into(), 4203));
    eventually("three ends", || {
        announced().iter().filter(|(_, change)| *change == SessionChange::Ended).count() == 3
    })
    .await;
    assert_eq!(served.world.gateway.sessions(), 0);
    served.stop().await;
}

#[tokio::test]
async fn graceful_shutdown() {
    let served = Served::new(Config::default()).await;
    let devices = [served.live("1.1").await, served.live("2.1").await];
    let slots = std::sync::Arc::clone(&served.world.slots);
    let messaging = std::sync::Arc::clone(&served.world.messaging);
    let stopping = tokio::spawn(served.stop());
    for device in devices {
        let (goodbye, code) = device.goodbye().await;
        assert_eq!((&goodbye["reason"], code), (&"restart".into(), 4000));
        assert!(goodbye["retry_after_ms"].is_u64());
    }
    stopping.await.unwrap();
    assert!(slots.released.load(std::sync::atomic::Ordering::SeqCst));
    let ended = |change: &(_, SessionChange)| change.1 == SessionChange::Ended;
    eventually("both ends", || messaging.announced.lock().unwrap().iter().filter(|c| ended(c)).count() == 2)
        .await;
}

#[tokio::test]
async fn a_page_of_another_site_is_let_in() {
    let served = Served::new(Config::default()).await;
    let Err(Error::Http(refused)) = served.open(Some("https://evil.example")).await else { panic!("let in") };
    assert_eq!(refused.status(), 403);
    let own = format!("http://{}", served.address);
    assert!(served.open(Some(&own)).await.is_ok());
    served.stop().await;
}

#[tokio::test]
async fn a_token_of_nobody() {
    let served = Served::new(Config::default()).await;
    for (token, reason, code) in [("nonsense", "unauthenticated", 4200), ("expired", "token_expired", 4201)] {
        let mut device = served.open(None).await.unwrap();
        device.say(&format!(r#"{{"type":"hello","token":"{token}"}}"#)).await;
        let (goodbye, close) = device.goodbye().await;
        assert_eq!((goodbye["reason"].as_str(), close), (Some(reason), code));
        assert_eq!(goodbye["retry_after_ms"], Value::Null);
    }
    served.stop().await;
}

#[tokio::test]
async fn a_message_to_a_person_who_does_not_exist() {
    let served = Served::new(Config::default()).await;
    let mut device = served.live("1.1").await;
    device.send(direct(1, 200), 1, "anybody?").await;
    device.send(direct(2, 3), 2, "between others").await;
    device.send(direct(1, 2), 3, "first").await;
    device.send(direct(1, 2), 4, "second").await;
    for n in [1, 2] {
        let error = device.next().await;
        assert_eq!(error["error"]["code"], "not_found");
        assert_eq!(error["client_id"], crate::testing::client_id(n).to_string());
    }
    assert_eq!(device.next().await["position"]["seq"], 1);
    assert_eq!(device.next().await["client_id"], crate::testing::client_id(4).to_string());
    let asked = served.world.accounts.asked_unknown.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(asked, 2, "a known person is asked for once");
    served.stop().await;
}

#[tokio::test]
async fn a_sign_out_that_leaves_the_socket_open() {
    let served = Served::new(Config::default()).await;
    let (device, mut other) = (served.live("1.1").await, served.live("1.2").await);
    let answer =
        reqwest::Client::new().delete(served.url("/v1/sessions/current")).bearer_auth("1.1").send().await;
    assert_eq!(answer.unwrap().status(), 204);
    let (goodbye, code) = device.goodbye().await;
    assert_eq!((&goodbye["reason"], code), (&"signed_out".into(), 4202));
    other.say(r#"{"type":"ping"}"#).await;
    assert_eq!(other.next().await["type"], "pong");
    served.stop().await;
}

#[tokio::test]
async fn what_ends_several_devices_leaves_one_connected() {
    let served = Served::new(Config::default()).await;
    let devices = [served.live("1.1").await, served.live("1.2").await];
    let mut bystander = served.live("2.3").await;
    let answer = reqwest::Client::new().delete(served.url("/v1/sessions")).bearer_auth("1.1").send().await;
    assert_eq!(answer.unwrap().status(), 204);
    for device in devices {
        let told = tokio::time::timeout(std::time::Duration::from_secs(30), device.goodbye()).await;
        let (goodbye, code) = told.expect("it is told");
        assert_eq!((&goodbye["reason"], code), (&"signed_out".into(), 4202));
    }
    bystander.say(r#"{"type":"ping"}"#).await;
    assert_eq!(bystander.next().await["type"], "pong");
    served.stop().await;
}

#[tokio::test]
async fn a_lost_lease_that_keeps_its_sessions() {
    let served = Served::new(Config::default()).await;
    let device = served.live("1.1").await;
    served.world.slots.lost.store(true, std::sync::atomic::Ordering::SeqCst);
    let (goodbye, code) = device.goodbye().await;
    assert_eq!((&goodbye["reason"], code), (&"moved".into(), 4001));
    let slots = &served.world.slots;
    eventually("a new lease", || slots.generation.load(std::sync::atomic::Ordering::SeqCst) == 2).await;
    let mut again = served.live("1.1").await;
    again.send(direct(1, 2), 9, "under the new lease").await;
    assert_eq!(again.next().await["type"], "sent");
    served.stop().await;
}
