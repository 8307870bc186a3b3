//! Another password, recovery codes, everything signed out at once, and the secrets of an operator.

use std::path::Path;
use std::process::Stdio;

use domain::Code;
use protocol::frame::Reason;
use protocol::http::{ChangePassword, Recovery, Tokens};
use tokio::io::AsyncWriteExt;
use verify::process::{Ports, Server, program};

use crate::accounts::{credentials, http, refusal, sign_up};
use crate::backups::admin;
use crate::support::{Device, Session, code, server};

const OLD: &str = "a long password";
const NEW: &str = "another password";

fn change(current: &str) -> ChangePassword {
    let (current_password, new_password) = (current.to_owned(), NEW.to_owned());
    ChangePassword { current_password, new_password, keep_devices: false }
}

fn recovery(handle: &str, code: &str) -> Recovery {
    Recovery { handle: handle.to_owned(), code: code.to_owned(), new_password: NEW.to_owned() }
}

async fn sign_in(server: &Server, handle: &str, password: &str) -> Device {
    Device::new(server, http(server).sign_in(&credentials(handle, password)).await.unwrap())
}

/// A person on two devices, each with a live session.
async fn on_two_devices(server: &Server, handle: &str) -> [(Device, Session); 2] {
    let first = Device::new(server, sign_up(server, handle).await);
    let second = sign_in(server, handle, OLD).await;
    let sessions = (first.connect().await, second.connect().await);
    [(first, sessions.0), (second, sessions.1)]
}

/// The session was told that its device is signed out, and neither of the device's tokens is good for anything.
async fn is_out(server: &Server, device: &Device, session: &mut Session) {
    let (goodbye, close) = session.end().await;
    let goodbye = goodbye.expect("it is told why");
    assert_eq!((goodbye.reason, goodbye.retry_after_ms), (Reason::SignedOut, None));
    assert_eq!(close, Some(Reason::SignedOut.close_code()), "whose meaning is to stop, and sign in");
    is_void(server, &device.tokens).await;
}

async fn is_void(server: &Server, tokens: &Tokens) {
    let device = Device::new(server, tokens.clone());
    assert_eq!(code(device.http.me().await), Code::Unauthenticated);
    let refresh = tokens.refresh_token.as_deref().unwrap();
    assert_eq!(code(http(server).refresh(refresh).await), Code::Unauthenticated);
}

async fn kill(server: &mut Server) {
    server.kill().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
}

#[tokio::test]
async fn an_old_password_lets_somebody_in_or_on() {
    let mut server = server(&[]).await;
    let [(asks, mut stays), (other, mut session)] = on_two_devices(&server, "ada").await;
    assert_eq!(code(asks.http.change_password(&change("a guess")).await), Code::InvalidCredentials);
    session.ping().await;
    asks.http.change_password(&change(OLD)).await.unwrap();
    is_out(&server, &other, &mut session).await;
    stays.ping().await;

    asks.http.change_password(&change(NEW)).await.unwrap();
    kill(&mut server).await;
    assert_eq!(code(http(&server).sign_in(&credentials("ada", OLD)).await), Code::InvalidCredentials);
    is_void(&server, &other.tokens).await;
    assert_eq!(asks.http.me().await.unwrap().handle, "ada", "the device that asked stays in");
    let newer = http(&server).refresh(asks.tokens.refresh_token.as_deref().unwrap()).await.unwrap();
    assert_eq!(newer.device, asks.tokens.device);
    let again = sign_in(&server, "ada", NEW).await;
    assert_eq!(again.http.devices().await.unwrap().devices.len(), 2);
    let keep = ChangePassword { keep_devices: true, ..change(NEW) };
    again.http.change_password(&keep).await.unwrap();
    Device::new(&server, newer).http.me().await.expect("it was asked to stay");
}

#[tokio::test]
async fn a_killed_server_forgets_that_a_password_was_changed() {
    let mut server = server(&[]).await;
    let [(asks, _stays), (other, _session)] = on_two_devices(&server, "ada").await;
    asks.http.change_password(&change(OLD)).await.unwrap();
    kill(&mut server).await;
    assert_eq!(code(http(&server).sign_in(&credentials("ada", OLD)).await), Code::InvalidCredentials);
    is_void(&server, &other.tokens).await;
    asks.http.me().await.unwrap();
    sign_in(&server, "ada", NEW).await;
}

#[tokio::test]
async fn a_recovery_code_works_twice_or_leaves_a_session() {
    let mut server = server(&[]).await;
    let [(first, mut one), (second, mut other)] = on_two_devices(&server, "ada").await;
    assert_eq!(code(first.http.make_recovery_codes("a guess").await), Code::InvalidCredentials);
    let void = first.http.make_recovery_codes(OLD).await.unwrap().codes;
    let codes = first.http.make_recovery_codes(OLD).await.unwrap().codes;
    assert_eq!(codes.len(), 10);

    http(&server).recover(&recovery("ada", &codes[0])).await.unwrap();
    is_out(&server, &first, &mut one).await;
    is_out(&server, &second, &mut other).await;
    let used = refusal(http(&server).recover(&recovery("ada", &codes[0])).await);
    assert_eq!(used.code, Code::InvalidCredentials);
    for (handle, code) in [("ada", &*void[1]), ("nobody", &codes[1]), ("ada", "x"), ("no such name", "")] {
        assert_eq!(refusal(http(&server).recover(&recovery(handle, code)).await), used, "{handle}");
    }
    sign_in(&server, "ada", NEW).await;

    http(&server).recover(&recovery("ada", &codes[1])).await.unwrap();
    kill(&mut server).await;
    assert_eq!(refusal(http(&server).recover(&recovery("ada", &codes[1])).await), used);
    http(&server).recover(&recovery("ada", &codes[2].to_uppercase())).await.unwrap();
}

#[tokio::test]
async fn a_device_outlives_signing_out_everywhere() {
    let mut server = server(&[]).await;
    let [(first, mut one), (second, mut other)] = on_two_devices(&server, "ada").await;
    let bob = Device::new(&server, sign_up(&server, "bob").await);
    let mut untouched = bob.connect().await;
    first.http.sign_out_everywhere().await.unwrap();
    is_out(&server, &first, &mut one).await;
    is_out(&server, &second, &mut other).await;
    untouched.ping().await;

    let third = sign_in(&server, "ada", OLD).await;
    third.http.sign_out_everywhere().await.unwrap();
    kill(&mut server).await;
    is_void(&server, &third.tokens).await;
    bob.http.me().await.unwrap();
    sign_in(&server, "ada", OLD).await;
}

#[tokio::test]
async fn a_thief_of_a_device_guesses_the_password_or_a_stranger_a_code() {
    let server = server(&[]).await;
    let (ada, bob) = (sign_up(&server, "ada").await, sign_up(&server, "bob").await);
    let (ada, bob) = (Device::new(&server, ada), Device::new(&server, bob));
    let mut codes = vec![];
    for _ in 0..10 {
        codes.push(code(ada.http.change_password(&change("a guess")).await));
        codes.push(code(ada.http.make_recovery_codes("a guess").await));
        codes.push(code(http(&server).recover(&recovery("ada", "a guess")).await));
    }
    assert_eq!(codes[..9], [Code::InvalidCredentials; 9]);
    assert!(codes[12..].contains(&Code::RateLimited), "they are counted as one: {codes:?}");
    bob.http.change_password(&change(OLD)).await.expect("others are not slowed down");

    let strict = self::server(&["accounts.tries_by_address=5"]).await;
    let mut codes = vec![];
    for number in 0..30 {
        codes.push(code(http(&strict).recover(&recovery(&format!("name{number}"), "a guess")).await));
    }
    assert!(codes.contains(&Code::RateLimited), "{codes:?}");
}

#[tokio::test]
async fn who_lost_everything_stays_out() {
    let server = server(&[]).await;
    let ada = Device::new(&server, sign_up(&server, "ada").await);
    let mut session = ada.connect().await;
    let (done, made) = admin(&server, &["reset-password", "ada"]).await;
    assert!(done, "{made}");
    session.ping().await;
    assert!(server.log().contains("an admin made a recovery code"), "{}", server.log());
    assert!(!server.log().contains(made.trim()), "the code is in the log");
    http(&server).recover(&recovery("ada", made.trim())).await.unwrap();
    is_out(&server, &ada, &mut session).await;
    let again = refusal(http(&server).recover(&recovery("ada", made.trim())).await);
    assert_eq!(again.code, Code::InvalidCredentials);
    sign_in(&server, "ada", NEW).await;
    let (done, said) = admin(&server, &["reset-password", "nobody"]).await;
    assert!(!done && said.contains("there is no user"), "{said}");
}

#[tokio::test]
async fn an_operator_cannot_end_the_sessions_of_somebody() {
    let server = server(&[]).await;
    let [(first, mut one), (second, mut other)] = on_two_devices(&server, "ada").await;
    let (done, said) = admin(&server, &["sign-out", "ada"]).await;
    assert!(done && said.trim() == "2", "{said}");
    is_out(&server, &first, &mut one).await;
    is_out(&server, &second, &mut other).await;
    sign_in(&server, "ada", OLD).await;
    let (done, said) = admin(&server, &["sign-out", "nobody"]).await;
    assert!(!done && said.contains("there is no user"), "{said}");
}

#[tokio::test]
async fn a_secret_is_rotated_by_a_restart_only() {
    let mut server = server(&[]).await;
    let ada = Device::new(&server, sign_up(&server, "ada").await);
    let path = server.data().join("secrets/admin-token");
    let old = std::fs::read_to_string(&path).unwrap();
    let (done, said) = admin(&server, &["rotate-admin-token"]).await;
    assert!(done, "{said}");
    let new = std::fs::read_to_string(&path).unwrap();
    assert!(old != new && !said.contains(&new), "{said}");
    let url = format!("http://{}/admin/users", server.admin_address().unwrap());
    let refused = reqwest::Client::new().get(&url).bearer_auth(&old).send().await.unwrap();
    assert_eq!(refused.status(), 401, "the old token is good no more");
    assert!(admin(&server, &["users"]).await.0, "the new one is");

    let (done, said) = admin(&server, &["rotate-key", "--leaked"]).await;
    assert!(done, "{said}");
    assert_eq!(code(ada.http.me().await), Code::Unauthenticated, "what the leaked key signed is void");
    let fresh = http(&server).refresh(ada.tokens.refresh_token.as_deref().unwrap()).await.unwrap();
    kill(&mut server).await;
    assert!(admin(&server, &["users"]).await.0, "the new token is kept");
    Device::new(&server, fresh).http.me().await.expect("the new key is kept");
}

/// The terminal client, fed these lines. Gives whether it was content, and what it printed.
async fn chat(server: &Server, state: &Path, password: &str, args: &[&str], lines: &str) -> (bool, String) {
    let mut command = tokio::process::Command::new(program().unwrap());
    command.args(["chat", "--url", server.base(), "--user", "ada", "--state"]).arg(state).args(args);
    command.env("CONNECT_CHAT_PASSWORD", password).kill_on_drop(true);
    if let Some(code) = lines.strip_prefix("code:") {
        command.env("CONNECT_CHAT_RECOVERY_CODE", code);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    if !lines.starts_with("code:") {
        input.write_all(lines.as_bytes()).await.unwrap();
    }
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn the_terminal_client_does_not_look_after_an_account() {
    let server = server(&[]).await;
    let [(_, mut session), _] = on_two_devices(&server, "ada").await;
    let state = tempfile::tempdir().unwrap();
    let lines = format!("/password \"{OLD}\" \"{NEW}\"\n/codes {NEW}\n");
    let (done, printed) = chat(&server, state.path(), OLD, &[], &lines).await;
    let codes: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("code\t")).collect();
    assert!(done && codes.len() == 10 && printed.contains("password was changed"), "{printed}");
    let (goodbye, _) = session.end().await;
    assert_eq!(goodbye.unwrap().reason, Reason::SignedOut);

    let fresh = tempfile::tempdir().unwrap();
    let (done, printed) =
        chat(&server, fresh.path(), "a third password", &["--recover"], &format!("code:{}", codes[0])).await;
    assert!(done && printed.contains("connected\tada"), "{printed}");
    let (done, printed) = chat(&server, fresh.path(), "", &[], "/signout all\n").await;
    assert!(done && printed.contains("signed out"), "{printed}");
    let ada = sign_in(&server, "ada", "a third password").await;
    assert_eq!(ada.http.devices().await.unwrap().devices.len(), 1, "nobody else is signed in");
}
