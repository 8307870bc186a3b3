//! The ways a connection can end, its heartbeat and its token.

use domain::{Code, Position, Rejection};
use protocol::frame::{Error, FromDevice, FromServer, Goodbye, Reason};

use super::world::{World, conversation};
use super::{Core, Effect, Ended, Options, Saved};
use crate::client::core::{Mover, Next};

fn core() -> Core {
    Core::new(Options::default(), Saved::default(), Vec::new(), 3)
}

fn effects(core: &mut Core) -> Vec<Effect> {
    std::iter::from_fn(|| core.next_effect()).collect()
}

fn live(core: &mut Core, now: u64) {
    core.opened(now, "token");
    core.frame(now, World::default().welcome());
    effects(core);
}

fn end(core: &mut Core, reason: Reason, retry_after_ms: Option<u64>) -> Next {
    live(core, 0);
    core.frame(1, FromServer::Goodbye(Goodbye { reason, message: None, retry_after_ms }));
    core.closed(1, Ended::Closed(Some(reason.close_code())))
}

#[test]
fn hello_and_sync_go_out_in_one_breath() {
    let mut core = core();
    core.opened(0, "token");
    let said = effects(&mut core);
    assert!(matches!(
        &said[..],
        [Effect::Frame(FromDevice::Hello { .. }), Effect::Frame(FromDevice::Sync { token: None })]
    ));
}

#[test]
fn a_restart_is_followed_when_told_and_an_overload_backed_off_from() {
    let told = end(&mut core(), Reason::Restart, Some(1_234));
    assert!(matches!(told, Next::Reconnect { after_ms: 1_234, .. }), "{told:?}");
    let mut core = core();
    let longest = (0..20).map(|_| match end(&mut core, Reason::Overloaded, Some(100)) {
        Next::Reconnect { after_ms, .. } => after_ms,
        other => panic!("{other:?}"),
    });
    let waits: Vec<_> = longest.collect();
    assert!(waits.iter().all(|wait| *wait >= 100) && waits.iter().any(|wait| *wait > 5_000), "{waits:?}");
}

#[test]
fn a_broken_frame_or_a_signed_out_device_stops() {
    for reason in [Reason::SignedOut, Reason::BadFrame, Reason::FrameTooLarge] {
        let next = end(&mut core(), reason, None);
        let signed_out = reason == Reason::SignedOut;
        assert!(matches!(next, Next::Stop { sign_in, .. } if sign_in == signed_out), "{reason:?}");
    }
}

#[test]
fn an_expired_token_is_replaced_once_and_a_second_refusal_stops() {
    let mut core = core();
    core.opened(0, "token");
    let first = core.closed(1, Ended::Closed(Some(Reason::TokenExpired.close_code())));
    assert!(matches!(first, Next::NewToken { .. }));
    core.opened(2, "other");
    let second = core.closed(3, Ended::Closed(Some(Reason::Unauthenticated.close_code())));
    assert!(matches!(second, Next::Stop { sign_in: true, .. }));
}

#[test]
fn silence_is_answered_with_a_ping_and_more_silence_is_death() {
    let mut core = core();
    live(&mut core, 0);
    assert!(core.deadline(0) <= 25_000);
    core.tick(24_999);
    assert!(effects(&mut core).is_empty());
    core.tick(25_000);
    assert!(matches!(&effects(&mut core)[..], [Effect::Frame(FromDevice::Ping {})]));
    core.frame(25_100, FromServer::Pong {});
    core.tick(60_000);
    assert!(!effects(&mut core).iter().any(|effect| matches!(effect, Effect::Dead)));
    core.tick(25_100 + 60_000);
    assert!(effects(&mut core).iter().any(|effect| matches!(effect, Effect::Dead)));
}

#[test]
fn a_device_that_only_talks_still_notices_that_nobody_answers() {
    let mut core = core();
    live(&mut core, 0);
    let mut pings = 0;
    for second in 1..60 {
        core.session.said(second * 1_000);
        core.tick(second * 1_000);
        pings +=
            effects(&mut core).iter().filter(|e| matches!(e, Effect::Frame(FromDevice::Ping {}))).count();
    }
    assert!(pings >= 1);
}

#[test]
fn a_welcome_that_never_comes_ends_the_connection() {
    let mut core = core();
    core.opened(0, "token");
    effects(&mut core);
    core.tick(15_000);
    assert!(matches!(&effects(&mut core)[..], [Effect::Dead]));
}

#[test]
fn a_token_is_renewed_once_before_it_expires() {
    let mut core = core();
    live(&mut core, 0);
    core.token_expires(0, 600_000);
    let mut renewed = 0;
    for now in (0..600_000).step_by(5_000) {
        core.frame(now, FromServer::Pong {});
        core.tick(now);
        renewed += effects(&mut core).iter().filter(|effect| matches!(effect, Effect::Renew)).count();
    }
    assert_eq!(renewed, 1);
    core.renewed(600_000, "newer", 1_200_000);
    assert!(matches!(&effects(&mut core)[..], [Effect::Frame(FromDevice::Renew { .. })]));
}

#[test]
fn a_server_that_is_full_is_asked_again_before_it_wants_to_be() {
    let full = Rejection::new(Code::Unavailable, "the server is full").retry_after_ms(40_000);
    let next = core().closed(0, Ended::Refused(full));
    let Next::Reconnect { after_ms, reason } = next else { panic!("{next:?}") };
    assert_eq!((after_ms, &*reason), (40_000, "the server is full"));
}

#[test]
fn a_token_that_was_refused_for_good_is_renewed_for_ever_and_one_refused_for_now_is_not_renewed() {
    let asks_again = |code| {
        let mut core = core();
        live(&mut core, 0);
        core.renewed(0, "newer", 600_000);
        let error = Rejection::new(code, "no");
        let frame = Some("renew".to_owned());
        core.frame(1, FromServer::Error(Error { error, client_id: None, conversation: None, frame }));
        core.tick(10_000);
        effects(&mut core).iter().any(|effect| matches!(effect, Effect::Renew))
    };
    assert!(asks_again(Code::Unavailable));
    assert!(!asks_again(Code::Unauthenticated));
}

#[test]
fn a_cursor_move_that_was_refused_for_now_is_never_said_again() {
    let mut core = core();
    live(&mut core, 0);
    let said = |core: &mut Core, now| {
        core.tick(now);
        effects(core).iter().filter(|effect| matches!(effect, Effect::Frame(FromDevice::Read(_)))).count()
    };
    core.moved(conversation(0), Mover::Read, Position::new(1, 5));
    assert_eq!(said(&mut core, 1_000), 1);
    let error = Rejection::new(Code::RateLimited, "slow down").retry_after_ms(5_000);
    let (conversation, frame) = (Some(conversation(0)), Some("read".to_owned()));
    core.frame(1_100, FromServer::Error(Error { error, client_id: None, conversation, frame }));
    assert_eq!(said(&mut core, 6_000), 0, "the server wants no more before");
    assert_eq!(said(&mut core, 6_100), 1);
}
