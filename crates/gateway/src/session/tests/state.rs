//! Bad inputs and their answers, and the way from hello to the end, without any IO.

use contracts::records::Command;
use contracts::services::Principal;
use domain::{Code, Generation, Limits, Moment, Rejection, SessionId, Slot};
use protocol::frame::{FromServer, Reason};
use serde_json::json;

use crate::Config;
use crate::session::Goodbye;
use crate::session::state::{Effect, REFUSED_MAX, Session};
use crate::testing::{FIRST, START, client_id, device, direct, group, user};
use crate::throttle::Throttle;
use crate::websocket::Event;

const ID: SessionId = SessionId { slot: Slot(3), generation: Generation(1), number: 7 };

fn principal() -> Principal {
    Principal { user: user(1), device: device(1), expires: START.plus_ms(600_000) }
}

fn at(ms: u64) -> Moment {
    FIRST.plus_ms(ms)
}

/// A session with its settings, which collects nothing between calls.
struct Try {
    session: Session,
    config: Config,
    throttle: Throttle,
}

impl Try {
    fn new() -> Self {
        let config = Config::default();
        let throttle = Throttle::new(&config.limits);
        Self { session: Session::new(ID, FIRST), config, throttle }
    }

    fn live() -> Self {
        let mut this = Self::new();
        this.text(r#"{"type":"hello","token":"t"}"#);
        let mut out = vec![];
        this.session.authenticated(Ok(principal()), FIRST, &mut out);
        this.session.registered(Ok(()), FIRST, START, &this.config, &mut out);
        assert!(matches!(out[..], [Effect::Announce(_), Effect::Welcome(_)]), "{out:?}");
        this
    }

    fn event_at(&mut self, event: Event<'_>, now: Moment) -> Vec<Effect> {
        let mut out = vec![];
        self.session.event(event, now, &self.config, &self.throttle, &mut out);
        out
    }

    fn text(&mut self, text: &str) -> Vec<Effect> {
        self.event_at(Event::Text(text), FIRST)
    }

    fn tick(&mut self, now: Moment) -> Vec<Effect> {
        let mut out = vec![];
        self.session.tick(now, START.plus_ms(now.since_ms(FIRST)), &self.config, &mut out);
        out
    }
}

/// What a test expects of an effect: short enough for a table.
fn said(effects: &[Effect]) -> String {
    let one = |effect: &Effect| match effect {
        Effect::Authenticate(token) => format!("authenticate {token}"),
        Effect::Announce(_) => "announce".into(),
        Effect::Submit(command) => match &**command {
            Command::Append(append) => format!("append {}", append.submission.body.as_str()),
            Command::Move(moved) => format!("move {:?} {:?}", moved.delivered, moved.read),
        },
        Effect::Sync(token) => format!("sync {token:?}"),
        Effect::Reply(reply) => match &**reply {
            FromServer::Error(error) => format!(
                "error {} {} {}{}",
                error.error.code,
                error.frame.as_deref().unwrap_or("?"),
                if error.client_id.is_some() { "i" } else { "-" },
                if error.conversation.is_some() { "c" } else { "-" },
            ),
            other => format!("{other:?}"),
        },
        Effect::Pong => "pong".into(),
        Effect::ControlPong(payload) => format!("control pong {}", payload.len()),
        Effect::Welcome(_) => "welcome".into(),
        Effect::Close(goodbye) => format!("goodbye {:?}", goodbye.reason),
        Effect::Echo => "echo".into(),
        Effect::Gone => "gone".into(),
    };
    effects.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn send(conversation: impl ToString, id: impl ToString, body: serde_json::Value) -> String {
    json!({"type": "send", "conversation": conversation.to_string(), "client_id": id.to_string(), "body": body})
        .to_string()
}

#[test]
fn a_first_frame_that_is_no_hello() {
    for (frame, expected) in [
        (r#"{"type":"hello","token":"t"}"#, "authenticate t"),
        (r#"{"type":"hello","token":"a\u0062"}"#, "authenticate ab"),
        (r#"{"type":"hello"}"#, "goodbye BadFrame"),
        (r#"{"type":"hello","token":7}"#, "goodbye BadFrame"),
        (r#"{"type":"ping"}"#, "goodbye BadFrame"),
        (r#"{"type":"poll"}"#, "goodbye BadFrame"),
        ("{", "goodbye BadFrame"),
    ] {
        assert_eq!(said(&Try::new().text(frame)), expected, "{frame}");
    }
}

#[test]
fn bad_frames_and_their_answers() {
    let good = direct(1, 2);
    let id = client_id(1);
    let text = json!({"text": "a"});
    let place = json!({"epoch": 1, "seq": 4});
    let moved = |kind: &str, conversation: &str, position: &serde_json::Value| {
        json!({"type": kind, "conversation": conversation, "position": position}).to_string()
    };
    let deep = format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
    let deep_body = format!(
        r#"{{"type":"send","conversation":"{good}","client_id":"{id}","body":{}{}}}"#,
        r#"{"a":"#.repeat(1_000) + "1",
        "}".repeat(1_000)
    );
    for (frame, expected) in [
        (send(good, id, text.clone()), r#"append {"text":"a"}"#.to_owned()),
        (send(group(1), id, text.clone()), r#"append {"text":"a"}"#.into()),
        (r#"{"type":"ping","more":[1,{"x":null}]}"#.into(), "pong".into()),
        (deep, "pong".into()),
        (r#"{"type":"sync"}"#.into(), "sync None".into()),
        (r#"{"type":"sync","token":null}"#.into(), "sync None".into()),
        (r#"{"type":"sync","token":"t"}"#.into(), r#"sync Some("t")"#.into()),
        (r#"{"type":"renew","token":"t"}"#.into(), "authenticate t".into()),
        (moved("read", &good.to_string(), &place), "move None Some(1:4)".into()),
        (moved("delivered", &good.to_string(), &place), "move Some(1:4) None".into()),
        // Not a frame at all.
        ("".into(), "goodbye BadFrame".into()),
        ("null".into(), "goodbye BadFrame".into()),
        ("[]".into(), "goodbye BadFrame".into()),
        ("{}".into(), "goodbye BadFrame".into()),
        (r#"{"type":7}"#.into(), "goodbye BadFrame".into()),
        (r#"{"type":"ping"} x"#.into(), "goodbye BadFrame".into()),
        (r#"{"type":"ping","type":"ping"}"#.into(), "goodbye BadFrame".into()),
        (r#"{"type":"ping""#.into(), "goodbye BadFrame".into()),
        // Not served.
        (json!({"type": "edit", "conversation": good}).to_string(), "error unsupported edit -c".into()),
        (r#"{"type":"delete"}"#.into(), "error unsupported delete --".into()),
        (json!({"type": "react", "client_id": id}).to_string(), "error unsupported react i-".into()),
        (r#"{"type":"typing","conversation":"?"}"#.into(), "error unsupported typing --".into()),
        (r#"{"type":"poll"}"#.into(), "error unsupported poll --".into()),
        (send(domain::ConversationId::Own(user(1)), id, text.clone()), "error unsupported send ic".into()),
        // Fields that cannot be.
        (r#"{"type":"hello","token":"t"}"#.into(), "error bad_request hello --".into()),
        (r#"{"type":"renew"}"#.into(), "error bad_request renew --".into()),
        (r#"{"type":"sync","token":7}"#.into(), "error bad_request sync --".into()),
        (r#"{"type":"send"}"#.into(), "error bad_request send --".into()),
        (send("nowhere", id, text.clone()), "error bad_request send i-".into()),
        (send(good, "7", text.clone()), "error bad_client_id send -c".into()),
        (
            send(good, "123e4567-e89b-12d3-a456-426614174000", text.clone()),
            "error bad_client_id send -c".into(),
        ),
        (
            json!({"type":"send","conversation":good,"client_id":id}).to_string(),
            "error bad_request send ic".into(),
        ),
        (send(good, id, json!("a")), "error bad_request send ic".into()),
        (send(good, id, json!({"text": 7})), "error bad_request send ic".into()),
        (send(good, id, json!({"text": "a", "html": "b"})), "error bad_request send ic".into()),
        (deep_body, "error bad_request send ic".into()),
        (send(good, id, json!({"text": ""})), "error bad_request send ic".into()),
        (send(good, id, json!({"text": " \n"})), "error bad_request send ic".into()),
        (send(good, id, json!({"text": "a".repeat(16_385)})), "error too_large send ic".into()),
        (
            json!({"type":"send","conversation":good,"client_id":id,"body":text,"after":"x"}).to_string(),
            "error bad_request send ic".into(),
        ),
        (moved("read", &good.to_string(), &json!("1:4")), "error bad_request read -c".into()),
        (
            moved("read", &good.to_string(), &json!({"epoch": -1, "seq": 4})),
            "error bad_request read -c".into(),
        ),
        (r#"{"type":"read"}"#.into(), "error bad_request read --".into()),
        // For others.
        (send(direct(2, 3), id, text.clone()), "error not_found send ic".into()),
        (send(domain::ConversationId::Own(user(2)), id, text.clone()), "error not_found send ic".into()),
        (moved("delivered", &direct(2, 3).to_string(), &place), "error not_found delivered -c".into()),
    ] {
        assert_eq!(said(&Try::live().text(&frame)), expected, "{frame}");
    }
}

#[test]
fn what_the_codec_brings_beside_texts() {
    for (event, expected) in [
        (Event::Binary(b"{}"), "goodbye BadFrame"),
        (Event::Ping(b"abc"), "control pong 3"),
        (Event::Pong(b"abc"), ""),
        (Event::Close { code: None, reason: "" }, "echo"),
    ] {
        assert_eq!(said(&Try::live().event_at(event, FIRST)), expected, "{event:?}");
        assert_eq!(said(&Try::new().event_at(event, FIRST)), expected, "{event:?} before hello");
    }
}

#[test]
fn a_body_that_is_stored_as_the_device_wrote_it() {
    let frame = format!(
        r#"{{"type":"send","conversation":"{}","client_id":"{}","body":{{  "text" : "\u0061\/" }}}}"#,
        direct(1, 2),
        client_id(1)
    );
    assert_eq!(said(&Try::live().text(&frame)), r#"append {"text":"a/"}"#);
}

#[test]
fn frames_behind_hello_that_overtake_the_registration() {
    let mut this = Try::new();
    this.text(r#"{"type":"hello","token":"t"}"#);
    assert_eq!(said(&this.text(r#"{"type":"sync"}"#)), "");
    let mut out = vec![];
    this.session.authenticated(Ok(principal()), FIRST, &mut out);
    assert_eq!(said(&out), "announce");
    assert_eq!(said(&this.text(r#"{"type":"ping"}"#)), "");
    assert_eq!(this.session.next_held(), None);
    assert!(!this.session.is_ready());
    this.session.registered(Ok(()), FIRST, START, &this.config, &mut out);
    assert_eq!(said(&out), "announce, welcome");
    assert_eq!(this.session.next_held().as_deref(), Some(r#"{"type":"sync"}"#));
    this.session.pause();
    assert_eq!(this.session.next_held(), None);
    this.session.resume();
    assert_eq!(this.session.next_held().as_deref(), Some(r#"{"type":"ping"}"#));
    assert_eq!(this.session.next_held(), None);
}

#[test]
fn a_token_or_registration_that_is_refused() {
    for (code, expected) in [
        (Code::Unauthenticated, Reason::Unauthenticated),
        (Code::TokenExpired, Reason::TokenExpired),
        (Code::Unavailable, Reason::Overloaded),
        (Code::RateLimited, Reason::Overloaded),
        (Code::Internal, Reason::Internal),
    ] {
        let mut this = Try::new();
        this.text(r#"{"type":"hello","token":"t"}"#);
        let mut out = vec![];
        this.session.authenticated(Err(Rejection::new(code, "no")), FIRST, &mut out);
        assert_eq!(said(&out), format!("goodbye {expected:?}"));
        let mut this = Try::new();
        this.text(r#"{"type":"hello","token":"t"}"#);
        let mut out = vec![];
        this.session.authenticated(Ok(principal()), FIRST, &mut out);
        this.session.registered(Err(Rejection::new(code, "no")), FIRST, START, &this.config, &mut out);
        assert_eq!(said(&out), format!("announce, goodbye {expected:?}"));
    }
}

#[test]
fn a_renewal_for_somebody_else() {
    let other = Principal { device: device(2), ..principal() };
    let later = Principal { expires: START.plus_ms(1_200_000), ..principal() };
    for (result, expected) in [
        (Ok(other), "error unauthenticated renew --"),
        (Err(Rejection::new(Code::TokenExpired, "old")), "error token_expired renew --"),
        (Ok(later), ""),
    ] {
        let mut this = Try::live();
        this.text(r#"{"type":"renew","token":"t"}"#);
        assert_eq!(said(&this.text(r#"{"type":"ping"}"#)), "", "frames wait for the renewal");
        let mut out = vec![];
        this.session.authenticated(result.clone(), FIRST, &mut out);
        assert_eq!(said(&out), expected);
        assert!(this.session.is_ready());
        this.event_at(Event::Pong(b""), at(659_000));
        let ends = if result == Ok(later) { "" } else { "goodbye TokenExpired" };
        assert_eq!(said(&this.tick(at(660_000))), ends);
    }
}

#[test]
fn what_is_due_by_time() {
    let mut waiting = Try::new();
    assert_eq!(said(&waiting.tick(at(4_999))), "");
    assert_eq!(said(&waiting.tick(at(5_000))), "goodbye HelloTimeout");
    assert_eq!(said(&waiting.tick(at(6_999))), "");
    assert_eq!(said(&waiting.tick(at(7_000))), "gone");

    let mut registering = Try::new();
    registering.text(r#"{"type":"hello","token":"t"}"#);
    assert_eq!(said(&registering.tick(at(15_000))), "goodbye Overloaded");

    let mut live = Try::live();
    live.event_at(Event::Pong(b""), at(50_000));
    assert_eq!(said(&live.tick(at(109_999))), "");
    assert_eq!(said(&live.tick(at(110_000))), "goodbye Dead");

    let mut paused = Try::live();
    paused.session.pause();
    assert_eq!(said(&paused.tick(at(70_000))), "", "who is not read from cannot be heard");
    assert_eq!(said(&paused.tick(at(660_000))), "goodbye TokenExpired");
}

#[test]
fn a_session_that_says_goodbye_twice_or_acts_after_it() {
    let mut this = Try::live();
    let mut out = vec![];
    this.session.close(Goodbye::from(Reason::Restart), FIRST, &mut out);
    this.session.close(Goodbye::from(Reason::Moved), FIRST, &mut out);
    assert_eq!(said(&out), "goodbye Restart");
    assert_eq!(said(&this.text(&send(direct(1, 2), client_id(1), json!({"text": "a"})))), "");
    assert_eq!(this.session.deadline(&this.config), at(2_000));
}

#[test]
fn more_frames_than_a_session_may_send() {
    let mut this = Try::live();
    this.throttle = Throttle::new(&Limits { session_frames_burst: 2, ..Limits::default() });
    let frame = send(direct(1, 2), client_id(1), json!({"text": "a"}));
    assert!(said(&this.text(&frame)).starts_with("append"));
    assert!(said(&this.text(r#"{"type":"poll"}"#)).starts_with("error unsupported"));
    for _ in 0..REFUSED_MAX {
        assert_eq!(said(&this.text(&frame)), "error rate_limited send ic");
    }
    assert_eq!(said(&this.text(&frame)), "goodbye RateLimited");
}

#[test]
fn a_flood_of_pings_that_nobody_counts() {
    let mut this = Try::live();
    this.throttle = Throttle::new(&Limits { session_frames_burst: 2, ..Limits::default() });
    let mut ping = || said(&this.event_at(Event::Ping(b"p"), FIRST));
    assert_eq!([ping(), ping(), ping()], ["control pong 1", "control pong 1", ""]);
    assert!((1..REFUSED_MAX).all(|_| ping().is_empty()));
    assert_eq!(ping(), "goodbye RateLimited");
}

/// Everything that lasted was measured by the time of day, so that a machine whose clock was set lost every session.
#[test]
fn a_clock_that_is_set_forward_ends_a_session_as_dead() {
    let mut this = Try::live();
    let mut tick = |now, time| {
        let mut out = vec![];
        this.session.tick(now, time, &this.config, &mut out);
        said(&out)
    };
    assert_eq!(tick(FIRST, START.plus_ms(600_000)), "");
    assert_eq!(tick(FIRST, START.minus_ms(600_000)), "");
    assert_eq!(tick(at(60_000), START), "goodbye Dead");
    let mut waiting = Try::new();
    let mut out = vec![];
    waiting.session.tick(FIRST, START.plus_ms(3_600_000), &waiting.config, &mut out);
    assert_eq!(said(&out), "");
}
