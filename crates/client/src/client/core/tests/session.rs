//! The ways a connection can end, its heartbeat and its token.

use protocol::frame::{FromDevice, FromServer, Goodbye, Reason};

use super::world::World;
use super::{Core, Effect, Ended, Options, Saved};
use crate::client::core::Next;

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
