//! The table of bad inputs and their answers: each has a name or a close code that says whether to try again, and harms
//! nobody else.

use client::Error;
use domain::{ClientId, Code, ConversationId, Cursor, DeviceId, Position, Region, UserId};
use protocol::frame::{FromDevice, FromServer, Move, Reason};
use protocol::http::{Credentials, MoveCursor};
use serde_json::{Value, json};

use crate::raw::{BINARY, Came, Raw, TEXT, frame};
use crate::support::{Device, code, device, server, until};
use crate::table::Answer::{Goodbye, Refused};
use crate::table::{Answer, World, send, text};

fn far_ahead(device: &Device) -> ClientId {
    ClientId::new(device.tokens.time.unix_ms() + 6 * 60_000, [1; 10])
}

fn long_ago(device: &Device) -> ClientId {
    ClientId::new(device.tokens.time.unix_ms() - 31 * 86_400_000, [1; 10])
}

#[tokio::test]
async fn a_broken_frame_is_taken_or_harms_somebody_else() {
    let mut world = World::new(&["limits.frame_bytes_max=40000"]).await;
    let rows: [(&str, Vec<u8>, Answer); 15] = [
        ("malformed JSON", frame(TEXT, true, b"{\"type\":\"ping\""), Goodbye(Reason::BadFrame)),
        ("an array", frame(TEXT, true, b"[]"), Goodbye(Reason::BadFrame)),
        (
            "the fields of a frame as an array",
            frame(TEXT, true, br#"["ping",null,null,null,null,null,null]"#),
            Goodbye(Reason::BadFrame),
        ),
        ("no type", text(&json!({ "token": "x" })), Goodbye(Reason::BadFrame)),
        ("a type that is no text", text(&json!({ "type": 7 })), Goodbye(Reason::BadFrame)),
        ("an empty frame", frame(TEXT, true, b""), Goodbye(Reason::BadFrame)),
        ("text that is not UTF-8", frame(TEXT, true, &[0xff, 0xfe]), Goodbye(Reason::BadFrame)),
        ("deep nesting", frame(TEXT, true, "[".repeat(20_000).as_bytes()), Goodbye(Reason::BadFrame)),
        ("a binary frame", frame(BINARY, true, b"{\"type\":\"ping\"}"), Goodbye(Reason::BadFrame)),
        ("an oversized frame", frame(TEXT, true, &[b' '; 40_001]), Goodbye(Reason::FrameTooLarge)),
        (
            "the mere header of one",
            vec![0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            Goodbye(Reason::FrameTooLarge),
        ),
        ("an unmasked frame", frame(TEXT, false, b"{\"type\":\"ping\"}"), Goodbye(Reason::BadFrame)),
        ("a reserved bit", vec![0xc1, 0x80, 0, 0, 0, 0], Goodbye(Reason::BadFrame)),
        ("an unknown opcode", frame(5, true, b"x"), Goodbye(Reason::BadFrame)),
        ("a long ping", frame(9, true, &[b'x'; 126]), Goodbye(Reason::BadFrame)),
    ];
    for (name, bytes, answer) in rows {
        world.try_it(name, true, &bytes, &answer).await;
        let shy = if name == "an oversized frame" {
            "an oversized hello".to_owned()
        } else {
            format!("{name}, as hello")
        };
        world.try_it(&shy, false, &bytes, &answer).await;
    }
}

#[tokio::test]
async fn somebody_without_a_good_token_gets_in() {
    let mut world = World::new(&["accounts.access_token_ms=1000"]).await;
    let credentials =
        Credentials { handle: "late".into(), password: "a long password".into(), device_name: None };
    let late = world.mallory.http.without_tokens().sign_up(&credentials).await.unwrap();
    let expired = late.access_token.clone();
    let late = Device::new(&world.server, late);
    until("a token that has expired", async || late.http.me().await.is_err()).await;
    let good = world.mallory.tokens.access_token.clone();
    let forged = format!("{}A", &good[..good.len() - 1]);
    let forged = if forged == good { format!("{}B", &good[..good.len() - 1]) } else { forged };
    let mut parts = good.split('.');
    let (_, claims) = (parts.next(), parts.next().unwrap());
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    let hello = |token: &str| text(&json!({ "type": "hello", "token": token }));
    let rows = [
        ("a frame before hello", text(&json!({ "type": "ping" })), Goodbye(Reason::BadFrame)),
        ("a send before hello", text(&json!({ "type": "send" })), Goodbye(Reason::BadFrame)),
        ("hello without a token", text(&json!({ "type": "hello" })), Goodbye(Reason::BadFrame)),
        ("a token that is none", hello("nonsense"), Goodbye(Reason::Unauthenticated)),
        ("an empty token", hello(""), Goodbye(Reason::Unauthenticated)),
        ("a forged token", hello(&forged), Goodbye(Reason::Unauthenticated)),
        ("a token that nobody signed", hello(&unsigned), Goodbye(Reason::Unauthenticated)),
        ("an expired token", hello(&expired), Goodbye(Reason::TokenExpired)),
    ];
    for (name, bytes, answer) in rows {
        world.try_it(name, false, &bytes, &answer).await;
    }
    let again = text(&json!({ "type": "hello", "token": good }));
    world.try_it("a second hello", true, &again, &Refused(Code::BadRequest)).await;
    let renew = text(&json!({ "type": "renew", "token": world.ada.device.tokens.access_token }));
    world.try_it("another's token to renew", true, &renew, &Refused(Code::Unauthenticated)).await;
    let renew = text(&json!({ "type": "renew", "token": forged }));
    world.try_it("a forged token to renew", true, &renew, &Refused(Code::Unauthenticated)).await;
}

#[tokio::test]
async fn a_frame_that_cannot_be_served_is_served_or_ends_the_session() {
    let mut world = World::new(&[]).await;
    let mallory = world.mallory.clone();
    let (ada, bob) = (world.ada.device.clone(), world.bob.device.clone());
    let mine = mallory.with(&ada);
    let theirs = ada.with(&bob);
    let group = ada.group(&[&bob], false).await;
    let was_in = ada.group(&[&mallory], false).await;
    ada.http.remove(was_in, &[mallory.user()], ada.client_id()).await.unwrap();
    let nobody = ConversationId::direct(mallory.user(), UserId::new(Region::ONLY, [9; 15]));
    let no_group = ConversationId::group(
        Region::ONLY,
        ada.user(),
        DeviceId::new(Region::ONLY, [9; 15]),
        ada.client_id(),
    );
    let (own, anothers) = (ConversationId::Own(mallory.user()), ConversationId::Own(ada.user()));
    let id = || mallory.client_id();
    let hi = json!({ "text": "hi" });
    let position = json!({ "epoch": 1, "seq": 1 });
    let moved = |conversation: ConversationId, position: &Value| {
        text(&json!({ "type": "read", "conversation": conversation, "position": position }))
    };
    let ahead = json!({ "epoch": 1, "seq": 42 });
    let rows = [
        ("an unknown type", text(&json!({ "type": "dance" })), Refused(Code::Unsupported)),
        ("edit", text(&json!({ "type": "edit", "conversation": mine })), Refused(Code::Unsupported)),
        ("delete", text(&json!({ "type": "delete", "conversation": mine })), Refused(Code::Unsupported)),
        ("react", text(&json!({ "type": "react", "conversation": mine })), Refused(Code::Unsupported)),
        ("typing", text(&json!({ "type": "typing", "conversation": mine })), Refused(Code::Unsupported)),
        (
            "too long a text",
            send(mine, id(), &json!({ "text": "x".repeat(16_385) })),
            Refused(Code::TooLarge),
        ),
        ("a body without a text", send(mine, id(), &json!({})), Refused(Code::BadRequest)),
        (
            "a body with more",
            send(mine, id(), &json!({ "text": "x", "html": "x" })),
            Refused(Code::BadRequest),
        ),
        ("a body that is none", send(mine, id(), &json!("hi")), Refused(Code::BadRequest)),
        (
            "no body",
            text(&json!({ "type": "send", "conversation": mine, "client_id": id() })),
            Refused(Code::BadRequest),
        ),
        ("a client id of the future", send(mine, far_ahead(&mallory), &hi), Refused(Code::BadClientId)),
        ("a client id of long ago", send(mine, long_ago(&mallory), &hi), Refused(Code::Expired)),
        (
            "a client id that is none",
            text(&json!({ "type": "send", "conversation": mine, "client_id": "7", "body": hi })),
            Refused(Code::BadClientId),
        ),
        (
            "a conversation that is none",
            text(&json!({ "type": "send", "conversation": "x", "client_id": id(), "body": hi })),
            Refused(Code::BadRequest),
        ),
        ("the conversation of two others", send(theirs, id(), &hi), Refused(Code::NotFound)),
        ("a group of strangers", send(group, id(), &hi), Refused(Code::NotFound)),
        ("a group that is not there", send(no_group, id(), &hi), Refused(Code::NotFound)),
        ("a group that one is out of", send(was_in, id(), &hi), Refused(Code::NotAMember)),
        ("a person who is not there", send(nobody, id(), &hi), Refused(Code::NotFound)),
        ("one's own log", send(own, id(), &hi), Refused(Code::Unsupported)),
        ("another's own log", send(anothers, id(), &hi), Refused(Code::NotFound)),
        ("a cursor of two others", moved(theirs, &position), Refused(Code::NotFound)),
        ("a cursor at no position", moved(mine, &json!(7)), Refused(Code::BadRequest)),
        ("a position as an array", moved(mine, &json!([1, 42])), Refused(Code::BadRequest)),
        ("a cursor past the head", moved(mine, &ahead), Refused(Code::BadRequest)),
        ("a cursor in a group of strangers", moved(group, &position), Refused(Code::NotFound)),
        ("a cursor in a group that is not there", moved(no_group, &position), Refused(Code::NotFound)),
        ("a cursor past where one was in", moved(was_in, &ahead), Refused(Code::NotFound)),
        (
            "a cursor at nothing",
            text(&json!({ "type": "read", "conversation": mine })),
            Refused(Code::BadRequest),
        ),
        (
            "a sync token that is no text",
            text(&json!({ "type": "sync", "token": 7 })),
            Refused(Code::BadRequest),
        ),
    ];
    for (name, bytes, answer) in rows {
        world.try_it(name, true, &bytes, &answer).await;
    }
    assert_eq!(mallory.history(mine).await, [], "nothing of it is in a log");
    assert_eq!(ada.history(group).await.len(), 1);
    assert_eq!(ada.history(was_in).await.len(), 2);
}

/// Beside moves that are refused, and by HTTP like by frame.
#[tokio::test]
async fn a_cursor_is_moved_where_one_cannot_see() {
    let world = World::new(&["messaging.cursor_flush_ms=50"]).await;
    let (ada, bob, mallory) = (world.ada.device.clone(), world.bob.device.clone(), world.mallory.clone());
    let direct = ada.with(&mallory);
    ada.post(direct, "unread for ever").await;
    let strange = ada.group(&[&bob], false).await;
    let was_in = ada.group(&[&bob, &mallory], false).await;
    let out = ada.http.remove(was_in, &[mallory.user()], ada.client_id()).await.unwrap().position;
    let after = Position { seq: out.seq + 1, ..out };
    let read = |conversation, position| FromDevice::Read(Move { conversation, position });
    let delivered = |conversation, position| FromDevice::Delivered(Move { conversation, position });
    let rows = [
        ("a group of strangers", read(strange, Position::new(1, 1)), strange, Code::NotFound),
        ("an entry after one was put out", read(was_in, after), was_in, Code::NotFound),
        ("the same, delivered", delivered(was_in, after), was_in, Code::NotFound),
        ("an entry that is not there", read(direct, Position::new(1, 99)), direct, Code::BadRequest),
        ("the same, delivered", delivered(direct, Position::new(1, 99)), direct, Code::BadRequest),
        ("another epoch", read(direct, Position::new(7, 1)), direct, Code::BadRequest),
    ];
    let mut session = mallory.connect().await;
    for (name, bad, conversation, code) in &rows {
        session.send(bad).await;
        let refused = session
            .wait(name, |heard| {
                heard.iter().find_map(|frame| match frame {
                    FromServer::Error(error) => {
                        Some((error.frame.clone(), error.conversation, error.error.code))
                    }
                    _ => None,
                })
            })
            .await;
        let frame = if matches!(bad, FromDevice::Read(_)) { "read" } else { "delivered" };
        assert_eq!(refused, (Some(frame.to_owned()), Some(*conversation), *code), "{name}");
        session.heard.clear();
    }
    let by_http = async |conversation, position| {
        let read = Some(position);
        mallory.http.move_cursor(conversation, &MoveCursor { delivered: None, read }).await
    };
    assert_eq!(code(by_http(strange, Position::new(1, 1)).await), Code::NotFound);
    assert_eq!(code(by_http(was_in, after).await), Code::NotFound);
    assert_eq!(code(by_http(direct, Position::new(1, 99)).await), Code::BadRequest);
    assert_eq!(by_http(direct, Position::START).await.unwrap(), Cursor::default());
    let shown = mallory.http.conversation(direct).await.unwrap();
    assert_eq!((shown.cursor, shown.unread), (Cursor::default(), 1));
    assert_eq!(mallory.http.conversation(was_in).await.unwrap().cursor, Cursor::default());
    assert_eq!(code(mallory.http.conversation(strange).await), Code::NotFound);
    ada.http.add(strange, &[mallory.user()], ada.client_id()).await.unwrap();
    assert_eq!(mallory.http.conversation(strange).await.unwrap().cursor, Cursor::default());
}

#[tokio::test]
async fn a_move_that_is_lost_beside_the_bad_one_of_another_device() {
    let world = World::new(&["messaging.cursor_flush_ms=500"]).await;
    let (ada, bob) = (&world.ada.device, &world.bob.device);
    let conversation = ada.with(bob);
    ada.post(conversation, "one").await;
    let (mut phone, mut laptop) = (bob.connect().await, bob.connect().await);
    phone.read(conversation, Position::new(1, 1)).await;
    laptop.read(conversation, Position::new(1, 99)).await;
    let moved = |heard: &[FromServer]| {
        heard.iter().find_map(|frame| match frame {
            FromServer::Cursor(moved) if moved.user == bob.user() => Some(moved.cursor.read.position.seq),
            _ => None,
        })
    };
    assert_eq!(laptop.wait("what the phone read", moved).await, 1);
    let refused = |heard: &[FromServer]| {
        heard.iter().find_map(|frame| match frame {
            FromServer::Error(error) => Some(error.error.code),
            _ => None,
        })
    };
    assert_eq!(laptop.wait("a refusal", refused).await, Code::BadRequest);
    phone.ping().await;
    assert_eq!(refused(&phone.heard), None, "the phone asked for nothing bad");
}

#[tokio::test]
async fn a_bad_request_is_served_or_has_no_name() {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let conversation = ada.with(&bob);
    // A connection each: one on which too much was sent is closed behind the answer.
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let entries = format!("/v1/conversations/{conversation}/entries");
    let ask = |method: &str, path: &str| {
        let url = format!("{}{path}", server.base());
        http.request(method.parse().unwrap(), url).bearer_auth(&ada.tokens.access_token)
    };
    let id = || ada.client_id().to_string();
    let hi = json!({ "text": "hi" });
    let rows = [
        ("no token", http.get(format!("{}/v1/users/me", server.base())), Code::Unauthenticated),
        (
            "a bad token",
            http.get(format!("{}/v1/users/me", server.base())).bearer_auth("x"),
            Code::Unauthenticated,
        ),
        ("no key", ask("POST", &entries).json(&hi), Code::BadClientId),
        ("a bad key", ask("POST", &entries).header("idempotency-key", "7").json(&hi), Code::BadClientId),
        ("no JSON", ask("POST", &entries).header("idempotency-key", id()).body("{"), Code::BadRequest),
        (
            "too much",
            ask("POST", &entries).header("idempotency-key", id()).body(vec![b' '; 300 << 10]),
            Code::TooLarge,
        ),
        (
            "an empty text",
            ask("POST", &entries).header("idempotency-key", id()).json(&json!({ "text": "" })),
            Code::BadRequest,
        ),
        ("an array", ask("POST", "/v1/accounts").json(&json!(["zoe", "correct horse"])), Code::BadRequest),
        ("an unknown field", ask("POST", "/v1/accounts").json(&json!({ "hande": "x" })), Code::BadRequest),
        (
            "a position as an array",
            ask("PUT", &format!("/v1/conversations/{conversation}/cursor")).json(&json!({ "read": [1, 5] })),
            Code::BadRequest,
        ),
        ("an unknown query", ask("GET", &format!("{entries}?fater=1:1")), Code::BadRequest),
        ("no path", ask("GET", "/v1/nonsense"), Code::NotFound),
        ("no conversation", ask("GET", "/v1/conversations/x/entries"), Code::BadRequest),
        ("both edges", ask("GET", &format!("{entries}?before=1:1&after=1:1")), Code::BadRequest),
        ("a bare seq", ask("GET", &format!("{entries}?after=7")), Code::BadRequest),
        ("search", ask("GET", "/v1/search"), Code::Unsupported),
        ("attachments", ask("POST", "/v1/attachments"), Code::Unsupported),
        ("an edit", ask("PATCH", &format!("{entries}/1:1")), Code::Unsupported),
        ("neither a person nor a name", ask("POST", "/v1/conversations").json(&json!({})), Code::BadRequest),
    ];
    for (name, request, expected) in rows {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        let failure: protocol::http::Failure =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{name}: {body}"));
        assert_eq!(failure.error.code, expected, "{name}: {body}");
        assert_eq!(status, expected.http_status(), "{name}");
        for words in ["struct", "deserialize", "EOF"] {
            assert!(
                name == "no JSON" || !body.contains(words),
                "{name} is told in words of a library: {body}"
            );
        }
    }
    let refused: Error = ada.http.post(conversation, "x", far_ahead(&ada)).await.unwrap_err();
    assert!(refused.is(Code::BadClientId) && !refused.retryable());
    assert_eq!(code(ada.http.post(conversation, "x", long_ago(&ada)).await), Code::Expired);
    assert_eq!(ada.history(conversation).await, []);
}

#[tokio::test]
async fn somebody_who_says_nothing_holds_a_connection_for_ever() {
    let server = server(&["limits.hello_timeout_ms=300"]).await;
    let mut raw = Raw::open(&server).await;
    let came = raw.next().await;
    let told = matches!(&came, Came::Frame(f) if matches!(&**f, FromServer::Goodbye(g) if g.reason == Reason::HelloTimeout));
    assert!(told, "{came:?}");
    assert!(matches!(raw.next().await, Came::Close(code) if code == Reason::HelloTimeout.close_code()));
}

#[tokio::test]
async fn a_flood_of_frames_is_served_for_ever() {
    let server = server(&["limits.session_frames_burst=10", "limits.session_frames_per_s=1"]).await;
    let ada = device(&server, "ada").await;
    let mut raw = Raw::live(&server, &ada.tokens.access_token).await;
    let flood: Vec<u8> = (0..1_500).flat_map(|_| frame(TEXT, true, b"{\"type\":\"ping\"}")).collect();
    raw.bytes(&flood).await;
    let (mut pongs, mut refused) = (0, 0);
    let reason = loop {
        match raw.next().await {
            Came::Frame(frame) => match *frame {
                FromServer::Pong {} => pongs += 1,
                FromServer::Error(error) => {
                    assert_eq!(error.error.code, Code::RateLimited);
                    assert!(error.error.retry_after_ms.is_some());
                    refused += 1;
                }
                FromServer::Goodbye(goodbye) => break goodbye.reason,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(reason, Reason::RateLimited);
    assert!((10..=60).contains(&pongs) && refused >= 1_000, "{pongs} {refused}");
}
