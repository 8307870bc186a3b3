//! Accounts over the embedded User DB, each test named after the failure it prevents.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod credentials;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::Source;
use bus::embedded::{Options, Topic};
use contracts::records::{Announcement, SessionChange};
use contracts::services::{Accounts, OlderKeys};
use contracts::{Ambient, Clock, Random};
use domain::{Code, Moment, Timestamp};
use protocol::http::{Credentials, Tokens};
use service_account::{Config, Cost, Keyring, Rate, Service};
use store_user::UserStore;

struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::Relaxed))
    }

    fn moment(&self) -> Moment {
        Moment::from_ms(self.0.load(Ordering::Relaxed))
    }
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            chunk.copy_from_slice(&next.to_le_bytes()[..chunk.len()]);
        }
    }
}

struct House {
    service: Service,
    clock: Arc<TestClock>,
    random: Arc<Counting>,
    sessions: Topic<Announcement>,
    store: Arc<dyn UserStore>,
    _dir: tempfile::TempDir,
}

const NOW_MS: u64 = 1_764_000_000_000;

fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let kv = store_kv::Kv::open(dir.path(), store_kv::Options::default()).unwrap();
    let store: Arc<dyn UserStore> = Arc::new(store_user::embedded::Store::open(&kv).unwrap());
    let clock = Arc::new(TestClock(AtomicU64::new(NOW_MS)));
    let random = Arc::new(Counting(AtomicU64::new(1)));
    let ambient = Ambient {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        random: Arc::clone(&random) as Arc<dyn Random>,
    };
    let sessions = Topic::new(Options { partitions: 1, partition_bytes_max: 1 << 20, groups: &["test"] });
    let config = Config {
        cost: Cost { memory_kib: 64, passes: 1 },
        rate_by_handle: Rate { burst: 5, every_ms: 1_000 },
        rate_by_address: Rate { burst: 20, every_ms: 1_000 },
        ..Config::default()
    };
    let keys = Keyring::generate([7; 32], ambient.now()).unwrap();
    let topic = Arc::new(sessions.clone());
    let service =
        Service::new(config, Arc::clone(&store), topic, ambient, keys, Box::new(|_| Ok(()))).unwrap();
    House { service, clock, random, sessions, store, _dir: dir }
}

impl House {
    fn pass_ms(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    async fn sign_up(&self, handle: &str) -> Tokens {
        self.service.sign_up(credentials(handle, "correct horse"), "10.0.0.1").await.unwrap()
    }

    async fn announced(&self) -> Announcement {
        self.announcements(1).await.remove(0)
    }

    /// What was announced, at most so much of it.
    async fn announcements(&self, most: usize) -> Vec<Announcement> {
        let mut consumer = self.sessions.subscribe("test").unwrap();
        let messages = tokio::time::timeout(Duration::from_secs(60), consumer.next(most)).await;
        let messages = messages.expect("something is announced").unwrap();
        messages.into_iter().map(|message| message.record).collect()
    }
}

fn credentials(handle: &str, password: &str) -> Credentials {
    Credentials { handle: handle.into(), password: password.into(), device_name: None }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_the_same() {
    let house = house();
    house.sign_up("ada").await;
    let wrong_password = house.service.sign_in(credentials("ada", "wrong horse"), "a").await.unwrap_err();
    let wrong_name = house.service.sign_in(credentials("eve", "wrong horse"), "a").await.unwrap_err();
    assert_eq!(wrong_password, wrong_name);
    assert_eq!(wrong_name.code, Code::InvalidCredentials);
    assert!(house.service.sign_in(credentials("ADA", "correct horse"), "a").await.is_ok());
}

#[tokio::test]
async fn two_people_cannot_have_one_name() {
    let house = house();
    house.sign_up("ada").await;
    let taken = house.service.sign_up(credentials("Ada", "another horse"), "a").await.unwrap_err();
    assert_eq!(taken.code, Code::AlreadyExists);
}

#[tokio::test]
async fn guessing_a_password_is_slowed_down() {
    let house = house();
    house.sign_up("ada").await;
    let mut codes = vec![];
    for _ in 0..8 {
        codes.push(house.service.sign_in(credentials("ada", "wrong horse"), "a").await.unwrap_err().code);
    }
    assert!(codes.contains(&Code::RateLimited), "{codes:?}");
    house.pass_ms(60_000);
    assert!(house.service.sign_in(credentials("ada", "correct horse"), "a").await.is_ok());
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_signs_nobody_out() {
    let house = house();
    let first = house.sign_up("ada").await.refresh_token.unwrap();
    let lost = house.service.refresh(&first).await.unwrap().refresh_token.unwrap();
    house.pass_ms(10_000);
    let again = house.service.refresh(&first).await.unwrap().refresh_token.unwrap();
    assert!(house.service.refresh(&again).await.is_ok());
    assert_eq!(house.service.refresh(&lost).await.unwrap_err().code, Code::Unauthenticated);
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_device_and_its_live_sessions() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let first = tokens.refresh_token.clone().unwrap();
    let second = house.service.refresh(&first).await.unwrap().refresh_token.unwrap();
    house.pass_ms(31_000);
    assert_eq!(house.service.refresh(&first).await.unwrap_err().code, Code::Unauthenticated);
    assert!(house.service.refresh(&second).await.is_err(), "who has the newer one goes on");
    assert!(
        house.service.authenticate(&tokens.access_token).await.is_err(),
        "an access token outlives the device"
    );
    let announced = house.announced().await;
    assert_eq!((announced.device, announced.change), (tokens.device, SessionChange::SignedOut));
}

#[tokio::test]
async fn a_thief_who_refreshes_twice_stays_in() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let stolen = tokens.refresh_token.clone().unwrap();
    let second = house.service.refresh(&stolen).await.unwrap().refresh_token.unwrap();
    let third = house.service.refresh(&second).await.unwrap().refresh_token.unwrap();
    assert_eq!(house.service.refresh(&stolen).await.unwrap_err().code, Code::Unauthenticated);
    assert!(house.service.refresh(&third).await.is_err(), "the newest token of a stolen one goes on");
    assert!(house.service.authenticate(&tokens.access_token).await.is_err());
}

#[tokio::test]
async fn who_only_knows_the_ids_signs_a_device_out() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let good = tokens.refresh_token.clone().unwrap();
    // The last bytes of another, and then the first: neither was ever a token of this device.
    let tail = &good[good.len() - 40..];
    let forged = format!("{}{}", &good[..good.len() - 40], tail.chars().rev().collect::<String>());
    assert_eq!(house.service.refresh(&forged).await.unwrap_err().code, Code::Unauthenticated);
    assert!(house.service.refresh(&good).await.is_ok(), "a forged token harmed the device");
}

#[tokio::test]
async fn signing_out_voids_the_access_token_at_once() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    assert_eq!(house.service.authenticate(&tokens.access_token).await.unwrap().device, tokens.device);
    house.service.sign_out(tokens.user, tokens.device).await.unwrap();
    assert_eq!(
        house.service.authenticate(&tokens.access_token).await.unwrap_err().code,
        Code::Unauthenticated
    );
    assert_eq!(house.announced().await.change, SessionChange::SignedOut);
}

#[tokio::test]
async fn a_rotated_key_leaves_older_tokens_good() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    house.service.rotate_key(OlderKeys::Verify).await.unwrap();
    assert!(house.service.authenticate(&tokens.access_token).await.is_ok());
}

#[tokio::test]
async fn a_leaked_key_goes_on_letting_in() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    house.service.rotate_key(OlderKeys::Void).await.unwrap();
    let refused = house.service.authenticate(&tokens.access_token).await.unwrap_err();
    assert_eq!(refused.code, Code::Unauthenticated);
    let fresh = house.service.refresh(&tokens.refresh_token.unwrap()).await.unwrap();
    assert!(house.service.authenticate(&fresh.access_token).await.is_ok(), "nobody has to sign in again");
}

#[tokio::test]
async fn nobody_signs_in_as_a_minted_user_without_a_password() {
    let house = house();
    let minted = house.service.mint("bot", true).await.unwrap();
    assert!(house.service.authenticate(&minted.access_token).await.is_ok());
    for password in ["", "correct horse"] {
        let error = house.service.sign_in(credentials("bot", password), "a").await.unwrap_err();
        assert_eq!(error.code, Code::InvalidCredentials);
    }
    assert_eq!(house.service.mint("nobody", false).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn no_password_is_kept_in_the_clear() {
    let house = house();
    house.sign_up("ada").await;
    let kept = house.store.by_handle("ada").await.unwrap().unwrap().password_hash;
    assert!(kept.starts_with("$argon2id$") && !kept.contains("correct horse"));
}
