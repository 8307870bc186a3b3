//! From received bytes to events, with nothing held while nothing is incomplete.
//!
//! The caller reads into a scratch buffer that all sessions of a thread share, and feeds it. Whole frames are unmasked
//! and handed out where they lie. The start of a cut frame, and the fragments of an unfinished message, are copied into
//! a buffer of the decoder's own, which is freed as soon as they are complete.
//!
//! That buffer's bound: a message is judged by its headers before it is kept, and the buffer grows with what arrived
//! (at most twice that), never with what was only announced. See [`Decoder::buffered_bytes`].
//!
//! Deliberately absent: answers (the caller sends pongs and closes), and failing early inside a text that is still
//! incomplete — it is judged as UTF-8 when it is whole, which its bound makes soon enough.

use std::mem;
use std::ops::ControlFlow;

use super::header::{self, CONTROL_BYTES_MAX, HEADER_BYTES_MAX, Header, Opcode, Sight};
use super::{CloseCode, Violation, mask};

/// The most fragments one message may come in. Sixty-four kilobytes in pieces of sixty-four bytes just pass.
pub const FRAGMENTS_MAX: u16 = 1024;

/// What was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A ping; the answer is [`super::encode::pong`] with the same payload.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The peer closes. Nothing follows it.
    Close {
        /// Why, by number; absent when the peer gave none.
        code: Option<CloseCode>,
        /// Why, in words; often empty.
        reason: &'a str,
    },
}

/// Where a decoder is between two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// No message is under way.
    #[default]
    Between,
    /// Inside a fragmented text message.
    Text,
    /// Inside a fragmented binary message.
    Binary,
    /// Closed by the peer, by a violation or by the caller. What else comes is ignored.
    Ended,
}

/// The receiving half of one connection, server side.
#[derive(Debug, Default)]
pub struct Decoder {
    /// First the unmasked payloads of the fragments so far, then the raw start of a cut frame.
    bytes: Vec<u8>,
    /// How many of `bytes` are the former.
    message_bytes: u32,
    fragments: u16,
    stage: Stage,
}

const _: () = assert!(size_of::<Decoder>() <= 32, "an idle session pays for this");

type Flow = ControlFlow<()>;

impl Decoder {
    /// A decoder for a connection that was just upgraded.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), message_bytes: 0, fragments: 0, stage: Stage::Between }
    }

    /// Decodes `input`, the next bytes of the connection, calling `on` for every event in order. `input` is scribbled
    /// on; none of it is needed afterwards.
    ///
    /// `max_message_bytes` bounds the payload of a message, over all its fragments; control frames have their own
    /// bound of 125. It may differ from call to call.
    ///
    /// The decoder ends with a close frame, with a violation, and when `on` breaks: it frees what it holds and ignores
    /// whatever is fed later, so that a caller who closes need not stop reading at once.
    ///
    /// # Errors
    /// What the peer did wrong. Events before that were handed out. The connection is to be closed with
    /// [`Violation::close_code`].
    pub fn feed(
        &mut self,
        input: &mut [u8],
        max_message_bytes: usize,
        on: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<(), Violation> {
        if self.is_ended() {
            return Ok(());
        }
        let flow = self.run(input, max_message_bytes.min(u32::MAX as usize), on);
        if flow != Ok(Flow::Continue(())) {
            *self = Self { stage: Stage::Ended, ..Self::new() };
        }
        flow.map(drop)
    }

    /// Whether nothing is incomplete, and so nothing is held.
    pub fn is_idle(&self) -> bool {
        self.bytes.capacity() == 0 && matches!(self.stage, Stage::Between | Stage::Ended)
    }

    /// Whether the connection is over as far as receiving goes.
    pub fn is_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// The bytes of memory held for incomplete frames and messages. Never above
    /// [`Decoder::buffered_bytes_max`].
    pub fn buffered_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bound of [`Decoder::buffered_bytes`] for a limit on messages: one message, or one and a control frame
    /// between its fragments.
    pub const fn buffered_bytes_max(max_message_bytes: usize) -> usize {
        max_message_bytes + HEADER_BYTES_MAX + CONTROL_BYTES_MAX
    }

    fn run(
        &mut self,
        input: &mut [u8],
        max: usize,
        on: &mut impl FnMut(Event<'_>) -> Flow,
    ) -> Result<Flow, Violation> {
        let ControlFlow::Continue(mut rest) = self.resume(input, max, on)? else {
            return Ok(Flow::Break(()));
        };
        while let Sight::Whole(header) = header::parse(rest)? {
            let frame_bytes = self.admit(&header, max)?;
            if rest.len() < frame_bytes {
                break;
            }
            let (frame, after) = mem::take(&mut rest).split_at_mut(frame_bytes);
            rest = after;
            if self.frame(&header, frame, max, on)?.is_break() {
                return Ok(Flow::Break(()));
            }
        }
        self.keep(rest, self.message_bytes as usize + rest.len());
        Ok(Flow::Continue(()))
    }

    /// Completes the frame that an earlier input cut, if there is one, and gives back what is left of this input.
    fn resume<'i>(
        &mut self,
        mut input: &'i mut [u8],
        max: usize,
        on: &mut impl FnMut(Event<'_>) -> Flow,
    ) -> Result<ControlFlow<(), &'i mut [u8]>, Violation> {
        let start = self.message_bytes as usize;
        while self.bytes.len() > start {
            let (header, frame_bytes) = match header::parse(&self.bytes[start..])? {
                Sight::Cut(bytes) => (None, bytes),
                Sight::Whole(header) => (Some(header), self.admit(&header, max)?),
            };
            let missing = frame_bytes - (self.bytes.len() - start);
            if missing > 0 && input.is_empty() {
                break;
            }
            let (next, after) = input.split_at_mut(missing.min(input.len()));
            self.keep(next, start + frame_bytes);
            input = after;
            if let Some(header) = header
                && self.bytes.len() == start + frame_bytes
            {
                let mut frame = self.take_from(start);
                return Ok(self.frame(&header, &mut frame, max, on)?.map_continue(|()| input));
            }
        }
        Ok(ControlFlow::Continue(input))
    }

    /// Judges a frame by its header and what came before it, and says how many bytes it has in all.
    fn admit(&self, header: &Header, max: usize) -> Result<usize, Violation> {
        let inside = matches!(self.stage, Stage::Text | Stage::Binary);
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {}
            Opcode::Continuation if !inside => return Err(Violation::StrayContinuation),
            Opcode::Continuation if self.fragments >= FRAGMENTS_MAX => {
                return Err(Violation::TooManyFragments);
            }
            Opcode::Text | Opcode::Binary if inside => return Err(Violation::InterleavedMessage),
            _ => {
                let room = max.saturating_sub(self.message_bytes as usize);
                if header.payload_bytes > room as u64 {
                    return Err(Violation::TooBig);
                }
            }
        }
        Ok(header.header_bytes + header.payload_bytes as usize)
    }

    /// Handles one whole, admitted frame, wherever it lies.
    fn frame(
        &mut self,
        header: &Header,
        frame: &mut [u8],
        max: usize,
        on: &mut impl FnMut(Event<'_>) -> Flow,
    ) -> Result<Flow, Violation> {
        let payload = &mut frame[header.header_bytes..];
        mask::apply(payload, header.mask);
        match (header.opcode, header.is_final) {
            (Opcode::Text, false) => self.stage = Stage::Text,
            (Opcode::Binary, false) => self.stage = Stage::Binary,
            (Opcode::Continuation, _) => {}
            (opcode, _) => return emit(opcode, payload, on),
        }
        self.fragments += 1;
        self.keep(payload, max);
        self.message_bytes = self.bytes.len() as u32;
        if header.is_final { self.complete(on) } else { Ok(Flow::Continue(())) }
    }

    /// Hands out the message whose last fragment was just kept.
    fn complete(&mut self, on: &mut impl FnMut(Event<'_>) -> Flow) -> Result<Flow, Violation> {
        let message = mem::take(self);
        emit(if message.stage == Stage::Text { Opcode::Text } else { Opcode::Binary }, &message.bytes, on)
    }

    /// Keeps more bytes, in memory that at most doubles and never exceeds `ceiling`, the most that can follow from
    /// what was admitted.
    fn keep(&mut self, more: &[u8], ceiling: usize) {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.max(ceiling.min(2 * self.bytes.capacity()));
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
    }

    /// Takes the raw frame that begins at `start` out of the buffer.
    fn take_from(&mut self, start: usize) -> Vec<u8> {
        if start == 0 { mem::take(&mut self.bytes) } else { self.bytes.split_off(start) }
    }
}

fn emit(opcode: Opcode, payload: &[u8], on: &mut impl FnMut(Event<'_>) -> Flow) -> Result<Flow, Violation> {
    Ok(match opcode {
        Opcode::Text => on(Event::Text(utf8(payload)?)),
        Opcode::Binary | Opcode::Continuation => on(Event::Binary(payload)),
        Opcode::Ping => on(Event::Ping(payload)),
        Opcode::Pong => on(Event::Pong(payload)),
        Opcode::Close => {
            let (code, reason) = close(payload)?;
            let _ended_either_way = on(Event::Close { code, reason });
            Flow::Break(())
        }
    })
}

fn close(payload: &[u8]) -> Result<(Option<CloseCode>, &str), Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok((None, "")) } else { Err(Violation::ShortClose) };
    };
    let code = CloseCode::new(u16::from_be_bytes(*code)).ok_or(Violation::BadCloseCode)?;
    Ok((Some(code), utf8(reason)?))
}

fn utf8(bytes: &[u8]) -> Result<&str, Violation> {
    str::from_utf8(bytes).map_err(|_invalid| Violation::InvalidUtf8)
}
