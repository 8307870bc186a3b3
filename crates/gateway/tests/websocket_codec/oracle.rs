//! Another implementation's client speaks to our codec, both ways, through a pipe that cuts at will.

use std::ops::ControlFlow;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use gateway::websocket::{CloseCode, Decoder, Event, encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::support::MAX;

/// What an echo answers to one event.
fn answer(event: Event<'_>) -> Option<Bytes> {
    match event {
        Event::Text(text) => Some(encode::text(text)),
        Event::Binary(bytes) => Some(encode::text(&format!("{} bytes", bytes.len()))),
        Event::Ping(payload) => Some(encode::pong(payload)),
        Event::Pong(_) => None,
        Event::Close { code, reason } => Some(encode::close(code.unwrap_or(CloseCode::NORMAL), reason)),
    }
}

/// Echoes until the client closes, reading at most `scratch_bytes` at a time.
async fn echo(mut io: DuplexStream, scratch_bytes: usize) {
    let (mut decoder, mut scratch) = (Decoder::new(), vec![0; scratch_bytes]);
    while !decoder.is_ended() {
        let (read, mut answers) = (io.read(&mut scratch).await.unwrap(), Vec::new());
        let mut on = |event: Event<'_>| {
            answers.extend(answer(event));
            ControlFlow::Continue(())
        };
        decoder.feed(&mut scratch[..read], MAX, &mut on).unwrap();
        for bytes in answers {
            io.write_all(&bytes).await.unwrap();
        }
    }
    assert!(decoder.is_idle());
}

/// Something the client does.
#[derive(Debug, Clone)]
enum Act {
    Text(String, Vec<Index>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
}

fn act() -> impl Strategy<Value = Act> {
    let text = prop_oneof![6 => any::<String>(), 1 => (65_500_usize..65_600).prop_map(|length| "é".repeat(length / 2))];
    prop_oneof![
        3 => (text, vec(any::<Index>(), 0..4)).prop_map(|(text, cuts)| Act::Text(text, cuts)),
        1 => vec(any::<u8>(), 0..400).prop_map(Act::Binary),
        1 => vec(any::<u8>(), 0..=125).prop_map(Act::Ping),
    ]
}

/// The frames of a text cut at any byte, within characters too, a ping between each two of them.
fn fragments(text: &str, cuts: &[Index]) -> Vec<Message> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(text.len());
    let (mut frames, mut start, mut kind) = (Vec::new(), 0, Data::Text);
    for (number, &end) in ends.iter().enumerate() {
        let payload = Bytes::copy_from_slice(&text.as_bytes()[start..end]);
        let is_last = number + 1 == ends.len();
        frames.push(Message::Frame(Frame::message(payload, OpCode::Data(kind), is_last)));
        if !is_last {
            frames.push(Message::Ping(Bytes::from(vec![number as u8])));
        }
        (start, kind) = (end, Data::Continue);
    }
    frames
}

impl Act {
    fn sent(&self) -> Vec<Message> {
        match self {
            Self::Text(text, cuts) => fragments(text, cuts),
            Self::Binary(bytes) => vec![Message::binary(bytes.clone())],
            Self::Ping(payload) => vec![Message::Ping(payload.clone().into())],
        }
    }

    fn expected(&self) -> Vec<Message> {
        match self {
            Self::Text(text, cuts) => {
                let pongs = (0..cuts.len()).map(|number| Message::Pong(Bytes::from(vec![number as u8])));
                pongs.chain([Message::text(text.clone())]).collect()
            }
            Self::Binary(bytes) => vec![Message::text(format!("{} bytes", bytes.len()))],
            Self::Ping(payload) => vec![Message::Pong(payload.clone().into())],
        }
    }
}

async fn converse(acts: Vec<Act>, pipe_bytes: usize, close: Option<CloseFrame>) {
    let (near, far) = tokio::io::duplex(pipe_bytes);
    let server = tokio::spawn(echo(far, 1024));
    let (mut write, mut read) = WebSocketStream::from_raw_socket(near, Role::Client, None).await.split();
    let sent: Vec<Message> = acts.iter().flat_map(Act::sent).chain([Message::Close(close.clone())]).collect();
    let writing = async {
        for message in sent {
            write.send(message).await.unwrap();
        }
    };
    let reading = async {
        for expected in acts.iter().flat_map(Act::expected) {
            assert_eq!(read.next().await.unwrap().unwrap(), expected);
        }
        let echoed = close.unwrap_or(CloseFrame { code: 1000.into(), reason: "".into() });
        assert_eq!(read.next().await.unwrap().unwrap(), Message::Close(Some(echoed)));
    };
    tokio::join!(writing, reading);
    server.await.unwrap();
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_library_client_and_we_misunderstand_each_other(
        acts in vec(act(), 0..6),
        pipe_bytes in prop_oneof![1_usize..40, 1000_usize..100_000],
        code in prop_oneof![1000_u16..=1003, 1007_u16..=1013, 3000_u16..=4999],
        reason in "[ -~é€😀]{0,20}",
    ) {
        let close = CloseFrame { code: code.into(), reason: reason.into() };
        block_on(converse(acts, pipe_bytes, Some(close)));
    }
}

#[tokio::test]
async fn a_close_without_code_is_not_answered() {
    converse(vec![Act::Ping(vec![1])], 64, None).await;
}

/// Planes, widths, controls, combining marks, joined emoji, right to left, a byte order mark, non-characters.
#[tokio::test]
async fn a_kind_of_text_does_not_survive_the_way() {
    let texts = [
        "",
        "\0",
        "plain",
        "é",
        "e\u{301}",
        "שלום",
        "مرحبا",
        "日本語",
        "👩‍👩‍👧‍👦",
        "🇨🇭",
        "\u{feff}bom",
        "\u{ffff}",
        "\u{10ffff}",
    ];
    let acts = texts.map(|text| Act::Text(text.repeat(3), Vec::new()));
    converse(acts.into(), 13, None).await;
}
