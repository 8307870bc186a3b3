//! Lines: in each one person sends into a conversation and others, who are connected all the time, receive.
//!
//! When a message was meant to be sent stands at the front of its text, so that both ends measure without sharing
//! anything. A pair is a line with one receiver, a group one with many.

mod answers;
mod connect;
mod cost;
mod fill;
mod inbox;
mod measure;
mod receiver;
mod sender;

use std::time::Duration;

pub(super) use connect::{group, pairs, people_of_pairs, sockets};
pub(super) use cost::{Cost, cost};
pub(super) use fill::{fill, fill_window};
pub(super) use measure::measure;
pub(super) use receiver::Receiver;
pub(super) use sender::Sender;

/// After the last message, this long without news is the end.
pub(super) const QUIET: Duration = Duration::from_secs(3);

/// One that comes again comes this soon after the last.
pub(super) const AFTER_LAST: Duration = Duration::from_millis(200);

/// Bytes at the front of a text that say when it was meant to be sent.
const STAMP: usize = 16;

/// Who is connected to one conversation.
pub(super) struct Line {
    pub(super) sender: Sender,
    pub(super) receivers: Vec<Receiver>,
}

impl Line {
    /// Leaves what is meant to be sent before this, in microseconds on the clock of the line, out of all histograms.
    pub(super) fn count_from(&mut self, us: u64) {
        self.sender.counted_from_us = us;
        self.receivers.iter_mut().for_each(|receiver| receiver.counted_from_us = us);
    }
}

/// The body of a message that was meant to be sent then.
fn stamped(meant_us: u64, padding: &str) -> String {
    format!("{{\"text\":\"{meant_us:0STAMP$x}{padding}\"}}")
}

/// When a message was meant to be sent, by the front of its text.
fn stamp(body: &str) -> Option<u64> {
    let text = body.strip_prefix("{\"text\":\"")?;
    u64::from_str_radix(text.get(..STAMP)?, 16).ok()
}

/// What fills a text up to so many bytes, behind its stamp.
fn padding(text_bytes: usize) -> String {
    "x".repeat(text_bytes.saturating_sub(STAMP))
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_when_it_was_meant_to_be_sent() {
        let body = stamped(123_456_789, &padding(100));
        assert_eq!(body.len(), "{\"text\":\"\"}".len() + 100);
        assert_eq!(stamp(&body), Some(123_456_789));
        assert_eq!(stamp("{\"text\":\"short\"}"), None);
    }
}
