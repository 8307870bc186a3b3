//! A client's frames, written without the codec under test, and what the codec made of them.

use std::ops::ControlFlow;

use gateway::websocket::{Decoder, Event, Violation};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The limit on messages where a test is not about it.
pub(crate) const MAX: usize = 256 << 10;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// An event that outlives the buffer it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl From<Event<'_>> for Got {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_owned()),
            Event::Binary(bytes) => Self::Binary(bytes.to_owned()),
            Event::Ping(bytes) => Self::Ping(bytes.to_owned()),
            Event::Pong(bytes) => Self::Pong(bytes.to_owned()),
            Event::Close { code, reason } => Self::Close(code.map(|code| code.get()), reason.to_owned()),
        }
    }
}

/// A masked frame with `first` as its first byte and the length in its shortest form.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(FIN | short as u8),
        medium @ 126..=0xffff => {
            frame.push(FIN | 126);
            frame.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            frame.push(FIN | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let key = [0x9d, 0x07, first, payload.len() as u8 | 1];
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Feeds the pieces one by one until the end or the first violation.
pub(crate) fn decode<'p>(
    decoder: &mut Decoder,
    pieces: impl IntoIterator<Item = &'p [u8]>,
    max_message_bytes: usize,
) -> (Vec<Got>, Result<(), Violation>) {
    let mut events = Vec::new();
    let mut on = |event: Event<'_>| {
        events.push(Got::from(event));
        ControlFlow::Continue(())
    };
    let end = pieces
        .into_iter()
        .try_for_each(|piece| decoder.feed(&mut piece.to_vec(), max_message_bytes, &mut on));
    (events, end)
}

/// A script: the bytes a client sends and the events they stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    pub(crate) events: Vec<Got>,
}

impl Script {
    fn control(&mut self, (opcode, payload): (u8, Vec<u8>)) {
        self.bytes.extend(frame(FIN | opcode, &payload));
        self.events.push(if opcode == PING { Got::Ping(payload) } else { Got::Pong(payload) });
    }

    fn message(&mut self, message: Message) {
        let Message { is_text, payload, cuts, controls } = message;
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(payload.len());
        let mut opcode = if is_text { TEXT } else { BINARY };
        let mut controls = controls.into_iter();
        let (mut start, last) = (0, cuts.len() - 1);
        for (number, end) in cuts.into_iter().enumerate() {
            let fin = if number == last { FIN } else { 0 };
            self.bytes.extend(frame(fin | opcode, &payload[start..end]));
            (opcode, start) = (CONTINUATION, end);
            if let (true, Some(control)) = (number < last, controls.next()) {
                self.control(control);
            }
        }
        self.events.push(match is_text {
            true => Got::Text(String::from_utf8(payload).unwrap()),
            false => Got::Binary(payload),
        });
    }
}

/// A message, where to cut it into fragments, and the control frames between these.
#[derive(Debug, Clone)]
struct Message {
    is_text: bool,
    payload: Vec<u8>,
    cuts: Vec<Index>,
    controls: Vec<(u8, Vec<u8>)>,
}

fn control() -> impl Strategy<Value = (u8, Vec<u8>)> {
    (prop_oneof![Just(PING), Just(PONG)], vec(any::<u8>(), 0..=125))
}

fn message() -> impl Strategy<Value = Message> {
    let text = prop_oneof![
        8 => any::<String>(),
        4 => "[a-zé€😀\u{0}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}]{0,60}",
        1 => (120_usize..130).prop_map(|length| "m".repeat(length)),
        1 => (65_530_usize..65_540).prop_map(|length| "l".repeat(length)),
    ]
    .prop_map(|text| (true, text.into_bytes()));
    let binary = vec(any::<u8>(), 0..300).prop_map(|bytes| (false, bytes));
    let cuts = prop_oneof![Just(Vec::new()), vec(any::<Index>(), 1..6)];
    (prop_oneof![3 => text.boxed(), 1 => binary.boxed()], cuts, vec(control(), 0..4))
        .prop_map(|((is_text, payload), cuts, controls)| Message { is_text, payload, cuts, controls })
}

/// Any sequence of messages, fragmented at will, with control frames between and inside them.
pub(crate) fn script() -> impl Strategy<Value = Script> {
    let step = prop_oneof![3 => message().prop_map(Ok), 1 => control().prop_map(Err)];
    vec(step, 0..6).prop_map(|steps| {
        steps.into_iter().fold(Script::default(), |mut script, step| {
            match step {
                Ok(message) => script.message(message),
                Err(control) => script.control(control),
            }
            script
        })
    })
}

/// The stream cut at the given places.
pub(crate) fn pieces<'s>(stream: &'s [u8], cuts: &[Index]) -> Vec<&'s [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(stream.len());
    let mut start = 0;
    ends.into_iter().map(|end| &stream[std::mem::replace(&mut start, end)..end]).collect()
}
