//! Signing up, in and out, and tokens that end.

use std::borrow::Cow;

use client::Error;
use client::http::Http;
use domain::{Code, Rejection};
use protocol::frame::{FromDevice, Reason};
use protocol::http::{Credentials, Tokens};
use verify::process::Server;

use crate::stepping::Clock;
use crate::support::{Device, code, device, server};

pub(crate) fn credentials(handle: &str, password: &str) -> Credentials {
    Credentials {
        handle: handle.to_owned(),
        password: password.to_owned(),
        device_name: Some("phone".to_owned()),
    }
}

pub(crate) fn http(server: &Server) -> Http {
    Http::new(server.base()).unwrap()
}

pub(crate) async fn sign_up(server: &Server, handle: &str) -> Tokens {
    http(server).sign_up(&credentials(handle, "a long password")).await.unwrap()
}

pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Rejection {
    result.unwrap_err().rejection().expect("a refusal").clone()
}

#[tokio::test]
async fn a_wrong_name_is_told_from_a_wrong_password() {
    let server = server(&[]).await;
    let http = http(&server);
    let ada = sign_up(&server, "Ada").await;
    assert_eq!(ada.handle, "ada", "case is folded");
    server.mint("without-a-password").await.unwrap();
    let wrong = [
        credentials("ada", "not the password"),
        credentials("nobody", "a long password"),
        credentials("without-a-password", ""),
        credentials("no such name can be", "x"),
    ];
    let mut refusals = vec![];
    for wrong in &wrong {
        refusals.push(refusal(http.sign_in(wrong).await));
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
    assert_eq!(refusals[0].code, Code::InvalidCredentials);
    let again = http.sign_in(&credentials("ADA", "a long password")).await.unwrap();
    assert_eq!(again.user, ada.user);
    assert_ne!(again.device, ada.device, "a sign-in is a new device");
    let devices = Device::new(&server, again).http.devices().await.unwrap().devices;
    assert_eq!(devices.iter().map(|device| &*device.name).collect::<Vec<_>>(), ["phone", "phone"]);
}

#[tokio::test]
async fn an_account_is_made_twice_or_of_nothing() {
    let server = server(&[]).await;
    let http = http(&server);
    sign_up(&server, "ada").await;
    assert_eq!(code(http.sign_up(&credentials("ADA", "another password")).await), Code::AlreadyExists);
    for (handle, password) in
        [("a", "a long password"), ("a b", "a long password"), ("bob", "short"), ("", "")]
    {
        let refused = code(http.sign_up(&credentials(handle, password)).await);
        assert_eq!(refused, Code::BadRequest, "{handle} {password}");
    }
    let bob = credentials("bob", "a long password");
    let tried = (0..10).map(|_| http.sign_up(&bob));
    let won = futures_util::future::join_all(tried).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1, "of ten at once");
}

#[tokio::test]
async fn a_stolen_refresh_token_goes_on_working() {
    let (server, mut clock) = Clock::server(&[]).await;
    let http = http(&server);
    let first = sign_up(&server, "ada").await;
    let old = first.refresh_token.clone().unwrap();
    let second = http.refresh(&old).await.unwrap();
    assert_eq!((second.user, second.device), (first.user, first.device), "the same device");
    let retried = http.refresh(&old).await.unwrap();
    assert_ne!(
        retried.refresh_token, second.refresh_token,
        "the answer may have been lost: once more is fine"
    );
    assert_eq!(code(http.refresh("nonsense").await), Code::Unauthenticated);

    clock.step(31_000);
    assert_eq!(code(http.refresh(&old).await), Code::Unauthenticated, "later it is in two hands");
    for token in [second.refresh_token, retried.refresh_token.clone()] {
        assert_eq!(
            code(http.refresh(&token.unwrap()).await),
            Code::Unauthenticated,
            "nobody goes on with it"
        );
    }
    assert_eq!(code(Device::new(&server, retried).http.me().await), Code::Unauthenticated);
    let other = http.sign_in(&credentials("ada", "a long password")).await.unwrap();
    assert_eq!(
        Device::new(&server, other).http.me().await.unwrap().handle,
        "ada",
        "other devices are untouched"
    );
}

#[tokio::test]
async fn a_device_whose_token_was_stolen_goes_on_hearing() {
    let (server, mut clock) = Clock::server(&[]).await;
    let http = http(&server);
    let first = sign_up(&server, "ada").await;
    let old = first.refresh_token.clone().unwrap();
    let thief = http.refresh(&old).await.unwrap();
    let mut session = Device::new(&server, thief).connect().await;
    clock.step(31_000);
    assert_eq!(code(http.refresh(&old).await), Code::Unauthenticated);
    let (goodbye, close) = session.end().await;
    assert_eq!(goodbye.unwrap().reason, Reason::SignedOut);
    assert_eq!(close, Some(Reason::SignedOut.close_code()));
}

#[tokio::test]
async fn a_device_that_is_signed_out_goes_on_hearing() {
    let server = server(&[]).await;
    let (phone, laptop) = (sign_up(&server, "ada").await, device(&server, "ada").await);
    let phone = Device::new(&server, phone);
    let (mut session, mut second) = (phone.connect().await, phone.connect().await);
    let mut untouched = laptop.connect().await;
    phone.http.sign_out().await.unwrap();
    for session in [&mut session, &mut second] {
        let (goodbye, close) = session.end().await;
        let goodbye = goodbye.expect("it is told why");
        assert_eq!((goodbye.reason, goodbye.retry_after_ms), (Reason::SignedOut, None));
        assert_eq!(close, Some(Reason::SignedOut.close_code()));
    }
    assert_eq!(code(phone.http.me().await), Code::Unauthenticated);
    assert_eq!(
        code(http(&server).refresh(phone.tokens.refresh_token.as_deref().unwrap()).await),
        Code::Unauthenticated
    );
    untouched.ping().await;
    assert_eq!(laptop.http.devices().await.unwrap().devices.len(), 1);
}

#[tokio::test]
async fn a_session_outlives_its_token_or_a_renewed_one_does_not() {
    let (server, mut clock) = Clock::server(&["accounts.access_token_ms=300000"]).await;
    let tokens = sign_up(&server, "ada").await;
    let lazy = Device::new(&server, sign_up(&server, "bob").await);
    let ada = Device::new(&server, tokens.clone());
    let (mut renewing, mut lazy) = (ada.connect().await, lazy.connect().await);
    // In steps that are shorter than what makes a silent device dead.
    let mut lazy_end = None;
    for round in 0..11 {
        clock.step(40_000);
        renewing.ping().await;
        if round == 5 {
            let newer = http(&server).refresh(tokens.refresh_token.as_deref().unwrap()).await.unwrap();
            renewing.send(&FromDevice::Renew { token: Cow::Owned(newer.access_token) }).await;
            renewing.ping().await;
        }
        // Its token and the minute after it end in the ninth round.
        if round < 8 {
            lazy.ping().await;
        } else if round == 9 {
            lazy_end = Some(lazy.end().await);
        }
    }
    let (goodbye, close) = lazy_end.unwrap();
    assert_eq!(goodbye.unwrap().reason, Reason::TokenExpired);
    assert_eq!(close, Some(Reason::TokenExpired.close_code()));
    renewing.ping().await;
    assert_eq!(code(Device::new(&server, tokens).http.me().await), Code::TokenExpired, "the old one is void");
}

#[tokio::test]
async fn passwords_are_guessed_without_end() {
    let server = server(&[]).await;
    let http = http(&server);
    sign_up(&server, "ada").await;
    let mut refused = None;
    for _ in 0..40 {
        let refusal = refusal(http.sign_in(&credentials("ada", "a wrong guess")).await);
        if refusal.code == Code::RateLimited {
            refused = Some(refusal);
            break;
        }
        assert_eq!(refusal.code, Code::InvalidCredentials);
    }
    let refused = refused.expect("guessing one name is slowed down");
    assert!(refused.code.retryable() && refused.retry_after_ms.is_some_and(|ms| ms > 0), "{refused:?}");
    sign_up(&server, "bob").await;
}

#[tokio::test]
async fn one_address_tries_all_names() {
    let server = server(&["accounts.tries_by_address=5"]).await;
    let http = http(&server);
    let mut codes = vec![];
    for number in 0..30 {
        codes.push(code(http.sign_in(&credentials(&format!("name{number}"), "a guess or two")).await));
    }
    assert_eq!(codes[..5], [Code::InvalidCredentials; 5]);
    assert!(codes.contains(&Code::RateLimited), "{codes:?}");
    let refused = refusal(http.sign_up(&credentials("new", "a long password")).await);
    assert!(refused.code == Code::RateLimited && refused.retry_after_ms.is_some(), "signing up counts, too");
}

#[tokio::test]
async fn a_rotated_key_signs_everybody_out() {
    let mut server = server(&[]).await;
    let before = device(&server, "ada").await;
    let mut command = std::process::Command::new(verify::process::program().unwrap());
    let admin = server.admin_address().unwrap().to_string();
    command.args(["admin", "--admin", &admin, "--data"]).arg(server.data()).arg("rotate-key");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let after = device(&server, "ada").await;
    server.kill().await.unwrap();
    server.restart(verify::process::Ports::Same).await.unwrap();
    for device in [before, after] {
        assert_eq!(device.http.me().await.unwrap().handle, "ada");
    }
}
