//! Another password, recovery codes, and everything ended at once.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use contracts::services::{Ended, Principal};
use domain::{DeviceId, Rejection};
use protocol::http::{ChangePassword, ConfirmPassword, Recovery};
use store_user::Device;

use super::*;

const OLD: &str = "correct horse";
const NEW: &str = "battery staple";

fn change(current: &str, keep_devices: bool) -> ChangePassword {
    ChangePassword { current_password: current.into(), new_password: NEW.into(), keep_devices }
}

fn recovery(handle: &str, code: &str) -> Recovery {
    Recovery { handle: handle.into(), code: code.into(), new_password: NEW.into() }
}

impl House {
    async fn sign_in(&self, handle: &str, password: &str) -> Result<Tokens, Rejection> {
        self.service.sign_in(credentials(handle, password), "10.0.0.1").await
    }

    async fn principal(&self, tokens: &Tokens) -> Principal {
        self.service.authenticate(&tokens.access_token).await.unwrap()
    }

    async fn change(&self, tokens: &Tokens, change: ChangePassword) -> Result<Ended, Rejection> {
        let principal = self.principal(tokens).await;
        self.service.change_password(&principal, change, "10.0.0.1").await
    }

    async fn codes(&self, tokens: &Tokens) -> Vec<String> {
        let confirm = ConfirmPassword { current_password: OLD.into() };
        self.service.make_recovery_codes(tokens.user, confirm, "10.0.0.1").await.unwrap().codes
    }

    async fn recover(&self, handle: &str, code: &str) -> Result<Ended, Rejection> {
        self.service.recover(recovery(handle, code), "10.0.0.1").await
    }

    /// Whether neither token of a device is good for anything.
    async fn is_out(&self, tokens: &Tokens) -> bool {
        let refresh = tokens.refresh_token.as_deref().unwrap();
        let refused = [
            self.service.authenticate(&tokens.access_token).await.unwrap_err(),
            self.service.refresh(refresh).await.unwrap_err(),
        ];
        refused.iter().all(|refusal| refusal.code == Code::Unauthenticated)
    }

    /// The devices whose live sessions were told to end.
    async fn told(&self) -> BTreeSet<DeviceId> {
        let announced = self.announcements(100).await;
        announced
            .into_iter()
            .map(|announcement| {
                assert_eq!(announcement.change, SessionChange::SignedOut);
                announcement.device
            })
            .collect()
    }
}

#[tokio::test]
async fn a_thief_stays_in_when_the_password_is_changed() {
    let house = house();
    let (first, asks) = (house.sign_up("ada").await, house.sign_in("ada", OLD).await.unwrap());
    let last = house.sign_in("ada", OLD).await.unwrap();
    let ended = house.change(&asks, change(OLD, false)).await.unwrap();
    let others = BTreeSet::from([first.device, last.device]);
    assert_eq!(ended.devices.into_iter().collect::<BTreeSet<_>>(), others);
    assert_eq!(house.told().await, others, "live sessions are told");
    assert!(house.is_out(&first).await && house.is_out(&last).await);
    assert_eq!(house.sign_in("ada", OLD).await.unwrap_err().code, Code::InvalidCredentials);

    house.principal(&asks).await;
    assert!(house.service.refresh(&asks.refresh_token.unwrap()).await.is_ok(), "who asked was signed out");
    assert_eq!(house.service.devices(asks.user).await.unwrap().devices.len(), 1);
    house.sign_in("ada", NEW).await.unwrap();
}

#[tokio::test]
async fn a_device_that_was_to_stay_is_signed_out() {
    let house = house();
    let (other, asks) = (house.sign_up("ada").await, house.sign_in("ada", OLD).await.unwrap());
    assert_eq!(house.change(&asks, change(OLD, true)).await.unwrap().devices, []);
    house.principal(&other).await;
    assert!(house.service.refresh(&other.refresh_token.unwrap()).await.is_ok());
    assert_eq!(house.sign_in("ada", OLD).await.unwrap_err().code, Code::InvalidCredentials);
}

#[tokio::test]
async fn a_stolen_device_takes_the_account() {
    let house = house();
    let stolen = house.sign_up("ada").await;
    let wrong = house.change(&stolen, change("a guess", false)).await.unwrap_err();
    assert_eq!(wrong.code, Code::InvalidCredentials);
    let confirm = ConfirmPassword { current_password: "a guess".into() };
    let wrong = house.service.make_recovery_codes(stolen.user, confirm, "a").await.unwrap_err();
    assert_eq!(wrong.code, Code::InvalidCredentials);
    let short = ChangePassword { new_password: "short".into(), ..change(OLD, false) };
    assert_eq!(house.change(&stolen, short).await.unwrap_err().code, Code::BadRequest);
    house.sign_in("ada", OLD).await.unwrap();
}

#[tokio::test]
async fn who_signs_in_while_the_password_is_changed_or_a_crash_leaves_behind_stays_in() {
    let house = house();
    let (late, asks) = (house.sign_up("ada").await, house.sign_in("ada", OLD).await.unwrap());
    let row: Device = house.store.device(late.user, late.device).await.unwrap().unwrap();
    house.change(&asks, change(OLD, false)).await.unwrap();
    // The password was right when it was compared, and the device is added only now; or its row was never removed.
    house.store.add_device(row).await.unwrap();
    assert!(house.is_out(&late).await);
    let listed = house.service.devices(asks.user).await.unwrap().devices;
    assert_eq!(listed.iter().map(|device| device.id).collect::<Vec<_>>(), [asks.device]);
}

#[tokio::test]
async fn a_recovery_code_is_used_twice_or_leaves_a_session() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let codes = house.codes(&tokens).await;
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
    let ended = house.recover("ADA", &codes[3].to_uppercase()).await.unwrap();
    assert_eq!(ended.devices, [tokens.device]);
    assert_eq!(house.told().await, BTreeSet::from([tokens.device]));
    assert!(house.is_out(&tokens).await);
    assert_eq!(house.recover("ada", &codes[3]).await.unwrap_err().code, Code::InvalidCredentials);
    assert_eq!(house.sign_in("ada", OLD).await.unwrap_err().code, Code::InvalidCredentials);
    house.sign_in("ada", NEW).await.unwrap();
    house.recover("ada", &codes[4]).await.expect("the other codes of the set are good");
}

#[tokio::test]
async fn one_code_sets_two_passwords_at_once() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let code = house.codes(&tokens).await.remove(0);
    let (first, second) = tokio::join!(house.recover("ada", &code), house.recover("ada", &code));
    assert_eq!([&first, &second].iter().filter(|result| result.is_ok()).count(), 1, "{first:?} {second:?}");
}

#[tokio::test]
async fn codes_of_an_older_set_go_on_working() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let (older, newer) = (house.codes(&tokens).await, house.codes(&tokens).await);
    assert_eq!(house.recover("ada", &older[0]).await.unwrap_err().code, Code::InvalidCredentials);
    house.recover("ada", &newer[0]).await.unwrap();
}

#[tokio::test]
async fn a_wrong_name_a_wrong_code_and_a_used_one_are_told_apart() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let codes = house.codes(&tokens).await;
    house.recover("ada", &codes[0]).await.unwrap();
    let mut told = vec![];
    for (handle, code) in [("eve", &*codes[1]), ("ada", "nonsense"), ("ada", &codes[0]), ("no name", "")] {
        let before = house.random.0.load(Ordering::Relaxed);
        let refusal = house.recover(handle, code).await.unwrap_err();
        // The salt of the new password's hash, which is what takes time.
        told.push((refusal, house.random.0.load(Ordering::Relaxed).wrapping_sub(before)));
    }
    assert!(told.iter().all(|each| *each == told[0] && each.1 > 0), "{told:?}");
    assert_eq!(told[0].0.code, Code::InvalidCredentials);
}

#[tokio::test]
async fn passwords_and_codes_are_guessed_without_end() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    house.pass_ms(60_000);
    let mut codes = vec![];
    for round in 0..4 {
        codes.push(house.recover("ada", "a guess").await.unwrap_err().code);
        codes.push(house.change(&tokens, change("a guess", false)).await.unwrap_err().code);
        assert_eq!(codes.contains(&Code::RateLimited), round >= 2, "of one name, five: {codes:?}");
    }
    house.pass_ms(60_000);
    let mut codes = vec![];
    for n in 0..25 {
        codes.push(house.recover(&format!("name{n}"), "a guess").await.unwrap_err().code);
    }
    assert!(codes[..20].iter().all(|code| *code == Code::InvalidCredentials), "{codes:?}");
    assert_eq!(codes[20..], [Code::RateLimited; 5], "of one address, twenty");
}

#[tokio::test]
async fn a_device_is_not_signed_out_with_all_others() {
    let house = house();
    let (one, other) = (house.sign_up("ada").await, house.sign_in("ada", OLD).await.unwrap());
    let bystander = house.sign_up("bob").await;
    house.service.sign_out_everywhere(one.user).await.unwrap();
    assert_eq!(house.told().await, BTreeSet::from([one.device, other.device]));
    assert!(house.is_out(&one).await && house.is_out(&other).await);
    house.principal(&bystander).await;
    house.sign_in("ada", OLD).await.unwrap();
}

#[tokio::test]
async fn an_operator_cannot_let_back_in_who_lost_everything() {
    let house = house();
    let tokens = house.sign_up("ada").await;
    let written_down = house.codes(&tokens).await;
    let made = house.service.make_recovery_code("Ada").await.unwrap().codes;
    assert_eq!(house.recover("ada", &written_down[0]).await.unwrap_err().code, Code::InvalidCredentials);
    house.principal(&tokens).await;
    house.recover("ada", &made[0]).await.unwrap();
    assert!(house.is_out(&tokens).await);
    house.sign_in("ada", NEW).await.unwrap();
    assert_eq!(house.service.make_recovery_code("eve").await.unwrap_err().code, Code::NotFound);
    assert_eq!(house.service.end_all_of("ADA").await.unwrap().devices.len(), 1);
    assert_eq!(house.service.end_all_of("eve").await.unwrap_err().code, Code::NotFound);

    house.service.mint("bot", true).await.unwrap();
    let code = house.service.make_recovery_code("bot").await.unwrap().codes.remove(0);
    house.recover("bot", &code).await.unwrap();
    house.sign_in("bot", NEW).await.unwrap();
}
