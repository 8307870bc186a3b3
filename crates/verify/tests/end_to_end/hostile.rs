//! Clients that mean harm: each is told by a name or a close code, costs little, and two people talk on beside it with
//! nothing lost. What is merely wrong is in `inputs`.

use client::http::Edge;
use domain::{Code, Content, Position};
use protocol::CONNECT_PATH;
use protocol::frame::{FromServer, Reason};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::{Came, Raw, TEXT, frame};
use crate::support::{device, find, soon, until};
use crate::table::Answer::{Goodbye, Refused};
use crate::table::{Answer, World, text};

const CONTINUATION: u8 = 0;
const PING: u8 = 9;

/// A frame that is not the last of its message.
fn fragment(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut fragment = frame(opcode, true, payload);
    fragment[0] &= 0x7f;
    fragment
}

/// Values in each other, this deep.
fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn a_frame_that_means_harm_is_taken_or_harms_somebody_else() {
    let mut world = World::new(&["limits.frame_bytes_max=40000"]).await;
    let conversation = world.mallory.with(&world.ada.device);
    let id = world.mallory.client_id();
    let send_raw = |body: &str| {
        let sent =
            format!(r#"{{"type":"send","conversation":"{conversation}","client_id":"{id}","body":{body}}}"#);
        frame(TEXT, true, sent.as_bytes())
    };
    let crumbs = [fragment(TEXT, b"{"), fragment(CONTINUATION, b"").repeat(1_024)].concat();
    let pieces = [fragment(TEXT, &[b' '; 30_000]), fragment(CONTINUATION, &[b' '; 30_000])].concat();
    let interleaved = [fragment(TEXT, b"{"), text(&json!({ "type": "ping" }))].concat();
    let longest = vec![0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0];
    let negative = vec![0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let garbage = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    let deep = nested(1_000);
    let rows: [(&str, Vec<u8>, Answer); 14] = [
        ("fragments without end", crumbs, Goodbye(Reason::BadFrame)),
        ("fragments that are too big together", pieces, Goodbye(Reason::FrameTooLarge)),
        ("a message inside another", interleaved, Goodbye(Reason::BadFrame)),
        ("the longest length there is", longest, Goodbye(Reason::FrameTooLarge)),
        ("a negative length", negative, Goodbye(Reason::BadFrame)),
        ("a request where frames are spoken", garbage, Goodbye(Reason::BadFrame)),
        ("JSON 1,000 deep", frame(TEXT, true, deep.as_bytes()), Goodbye(Reason::BadFrame)),
        ("a body 1,000 deep", send_raw(&deep), Refused(Code::BadRequest)),
        ("a text 1,000 deep", send_raw(&format!(r#"{{"text":{deep}}}"#)), Refused(Code::BadRequest)),
        ("half a character, escaped", send_raw(r#"{"text":"\ud83d"}"#), Refused(Code::BadRequest)),
        ("halves of a character, swapped", send_raw(r#"{"text":"\ude00\ud83d"}"#), Refused(Code::BadRequest)),
        ("half a character as type", frame(TEXT, true, br#"{"type":"\ud800"}"#), Goodbye(Reason::BadFrame)),
        ("a raw control character", send_raw("{\"text\":\"a\u{0}b\"}"), Goodbye(Reason::BadFrame)),
        ("one field twice", send_raw(r#"{"text":"a","text":"b"}"#), Refused(Code::BadRequest)),
    ];
    for (name, bytes, answer) in rows {
        world.try_it(name, true, &bytes, &answer).await;
    }
    assert_eq!(world.mallory.history(conversation).await, [], "nothing of it is in a log");
}

/// A refusal names what it refuses, and would repeat all of it.
#[tokio::test]
async fn an_answer_is_longer_than_what_it_answers() {
    let mut world = World::new(&[]).await;
    let conversation = world.mallory.with(&world.ada.device);
    let long = "\u{7f}".repeat(60_000);
    let body = format!(r#"{{"{long}":1}}"#);
    let body = serde_json::value::RawValue::from_string(body).unwrap();
    let rows = [
        ("a long position", json!({ "type": "read", "conversation": conversation, "position": long })),
        (
            "a long field",
            json!({ "type": "send", "conversation": conversation,
            "client_id": world.mallory.client_id(), "body": serde_json::to_value(&body).unwrap() }),
        ),
        ("a long name of a frame", json!({ "type": long })),
        ("a long text for an object", Value::String(long)),
    ];
    for (name, value) in rows {
        let mut raw = Raw::live(&world.server, &world.mallory.tokens.access_token).await;
        raw.bytes(&text(&value)).await;
        let Came::Frame(came) = raw.next().await else { panic!("{name}: no answer") };
        let bytes = serde_json::to_string(&*came).unwrap().len();
        assert!(bytes < 4_096, "{name}: {bytes} bytes");
        world.talk(name).await;
    }
}

#[tokio::test]
async fn a_text_of_any_kind_is_changed_or_harms_who_reads_it() {
    let mut world = World::new(&[]).await;
    let (mallory, ada) = (world.mallory.clone(), world.ada.device.clone());
    let conversation = mallory.with(&ada);
    let zalgo: String =
        "zalgo".chars().flat_map(|c| [c].into_iter().chain(['\u{301}', '\u{489}'].repeat(40))).collect();
    let texts = [
        "\u{0}\u{1}\u{1b}[2J\r\n\t\u{7f}\u{9b}".to_owned(),
        "\u{202e}\u{2066}gnp.exe\u{2069}\u{200f}\u{61c}".to_owned(),
        zalgo,
        "\u{feff}\u{fffd}\u{fffe}\u{ffff}\u{10ffff}\u{e000}\u{e0001}".to_owned(),
        "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿é e\u{301} \u{1100}\u{1161}\u{11a8}".to_owned(),
        "</script><!-- \\u0000 \\\" {\"type\":\"goodbye\"}".to_owned(),
        "\u{10ffff}".repeat(4_096),
    ];
    let mut session = mallory.connect().await;
    for said in &texts {
        session.say(conversation, said).await;
        world.ada.hears(conversation, said).await;
    }
    let page = ada.http.entries(conversation, Edge::After(Position::START), None).await.unwrap();
    let bodies: Vec<_> = page.entries.iter().map(|entry| entry.body.clone().unwrap()).collect();
    assert_eq!(bodies, texts.map(|said| Content::message(said).to_body()));
    world.talk("as it was said").await;
}

#[tokio::test]
async fn somebody_who_speaks_slowly_holds_a_connection_for_ever() {
    let mut world = World::new(&["limits.hello_timeout_ms=500", "limits.header_timeout_ms=500"]).await;
    let drip = |mut stream: TcpStream, bytes: Vec<u8>| async move {
        for byte in bytes {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        stream
    };
    let stream = TcpStream::connect(world.server.listen().unwrap()).await.unwrap();
    let request = format!("GET {CONNECT_PATH} HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(10_000));
    let mut stream = soon("the end of a slow request", drip(stream, request.into_bytes())).await;
    let mut rest = vec![];
    // It may be reset: bytes came after it was closed.
    drop(soon("its end", stream.read_to_end(&mut rest)).await);
    world.talk("beside a slow request").await;

    let mut raw = Raw::open(&world.server).await;
    let hello = frame(TEXT, true, &[b' '; 10_000]);
    let came = soon("the end of a slow frame", async {
        let mut bytes = hello.iter();
        loop {
            raw.bytes(&[*bytes.next().unwrap()]).await;
            tokio::select! {
                came = raw.next() => return came,
                () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
            }
        }
    })
    .await;
    let told = matches!(&came, Came::Frame(f) if matches!(&**f, FromServer::Goodbye(g) if g.reason == Reason::HelloTimeout));
    assert!(told, "{came:?}");
    world.talk("beside a slow frame").await;

    // Half a frame of a live session, and gone: the session ends with its socket.
    let live = || async { world.server.metric("gateway_sessions", "").await.unwrap() };
    let before = live().await;
    let mut half = Raw::live(&world.server, &world.mallory.tokens.access_token).await;
    half.bytes(&text(&json!({ "type": "ping" }))[..9]).await;
    drop(half);
    until("the session of half a frame ends", || async { live().await <= before }).await;
    world.talk("beside half a frame").await;
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_for_ever() {
    let settings = ["limits.session_frames_burst=100", "limits.session_frames_per_s=1"];
    let mut world = World::new(&settings).await;
    let mut raw = Raw::live(&world.server, &world.mallory.tokens.access_token).await;
    raw.bytes(&frame(PING, true, &[b'p'; 125]).repeat(2_000)).await;
    let mut pongs = 0;
    let reason = loop {
        match raw.next().await {
            Came::Pong => pongs += 1,
            Came::Frame(frame) => match *frame {
                FromServer::Goodbye(goodbye) => break goodbye.reason,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(reason, Reason::RateLimited);
    assert!((100..=1_000).contains(&pongs), "{pongs}");
    world.talk("beside a flood of pings").await;
}

/// What the server says to these bytes, to its end or to the end of the first answer.
async fn answer(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.server.listen().unwrap()).await.unwrap();
    // It may have closed already: what it says is what counts.
    drop(stream.write_all(bytes).await);
    let mut said = vec![0; 64 << 10];
    let length = soon("an answer", stream.read(&mut said)).await.unwrap();
    String::from_utf8_lossy(&said[..length]).into_owned()
}

#[tokio::test]
async fn a_request_that_means_harm_is_served_or_harms_somebody_else() {
    let mut world = World::new(&[]).await;
    let post = |headers: &str, body: &str| {
        format!("POST /v1/accounts HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}").into_bytes()
    };
    let deep = format!(r#"{{"handle":{}}}"#, nested(1_000));
    let many: String = (0..200).map(|number| format!("X-{number}: x\r\n")).collect();
    let upgrade = format!(
        "GET {CONNECT_PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    let rows = [
        ("a huge header", post(&format!("X: {}\r\n", "x".repeat(64 << 10)), ""), "431"),
        ("very many headers", post(&many, ""), "431"),
        ("a huge path", format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(80 << 10)).into_bytes(), "431"),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n".to_vec(), "400"),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), "400"),
        ("a length that is none", post("Content-Length: -1\r\n", "{}"), "400"),
        ("chunks that are none", post("Transfer-Encoding: chunked\r\n", "zz\r\n{}"), "400"),
        ("JSON 1,000 deep", post(&format!("Content-Length: {}\r\n", deep.len()), &deep), "400"),
        (
            "an id that is not UTF-8, and nobody who asks",
            b"GET /v1/conversations/%ff/entries HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            "401",
        ),
        ("an upgrade without a key", upgrade.into_bytes(), "426"),
        (
            "garbage behind a request",
            [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 4_000]].concat(),
            "200",
        ),
    ];
    for (name, bytes, status) in rows {
        let said = answer(&world, &bytes).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {said:.300}");
        world.talk(name).await;
    }
}

/// Connections that say nothing: beyond the limit they are told to wait, and once they go there is room again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_without_a_word_keeps_others_out_for_ever() {
    const PLACES: usize = 1_500;
    const CROWD: usize = 2_000;
    let places = format!("gateway.connections_max={PLACES}");
    let patient = ["limits.header_timeout_ms=600000", "limits.hello_timeout_ms=600000"];
    let mut world = World::new(&[&places, patient[0], patient[1]]).await;
    let address = world.server.listen().unwrap();
    let (mut crowd, mut refused) = (vec![], 0);
    for number in 0..CROWD {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if number < PLACES / 2 {
            stream.write_all(b"GET /v1/con").await.unwrap();
        }
        crowd.push(stream);
    }
    world.talk("beside a crowd").await;
    for stream in &mut crowd[PLACES..] {
        let mut said = vec![];
        drop(soon("a refusal", stream.read_to_end(&mut said)).await);
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with("HTTP/1.1 503") && said.contains("\"unavailable\""), "{said}");
        assert!(said.contains("retry_after_ms") && said.contains("retry-after:"), "{said}");
        refused += 1;
    }
    assert_eq!(refused, CROWD - PLACES);
    drop(crowd);
    until("there is room again", || async {
        client::wire::Connection::hello(world.server.base(), &world.mallory.tokens.access_token).await.is_ok()
    })
    .await;
    let carol = device(&world.server, "carol").await;
    let mut session = carol.connect().await;
    session.ping().await;
    assert!(find(&session.heard, |frame| matches!(frame, FromServer::Pong {}).then_some(())).is_some());
    world.talk("after the crowd").await;
}
