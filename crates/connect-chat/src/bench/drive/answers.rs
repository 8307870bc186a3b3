//! What became of what was sent: each message is answered once, with an ack or a refusal. Pure.

use anyhow::{Context, Result, ensure};
use protocol::frame;

use crate::bench::lean::number_of;
use crate::bench::meter::{Numbers, Tally};

/// What became of what was sent; messages are numbered from 0.
#[derive(Debug, Default)]
pub(in crate::bench) struct Answers {
    sent: u64,
    acked: Numbers,
    refused: Numbers,
    /// Why the first of them was.
    refused_by: Option<String>,
}

impl Answers {
    /// The next message goes: its number.
    pub(super) fn sent(&mut self) -> u64 {
        self.sent += 1;
        self.sent - 1
    }

    /// How many went.
    pub(super) fn count(&self) -> u64 {
        self.sent
    }

    /// How many are not answered yet.
    pub(super) fn outstanding(&self) -> u64 {
        self.sent - self.acked.len() - self.refused.len()
    }

    /// An ack came: the number of its message. An error if that message needs none.
    pub(super) fn acked(&mut self, client_id: &str) -> Result<u64> {
        let number = self.awaited(client_id)?;
        self.acked.insert(number);
        Ok(number)
    }

    /// A refusal came. An error if it is of something else than a message that waits for an answer.
    pub(super) fn refused(&mut self, error: &frame::Error) -> Result<()> {
        let client_id = error.client_id.with_context(|| format!("a frame was refused: {}", error.error))?;
        let number = self.awaited(&client_id.to_string())?;
        self.refused.insert(number);
        self.refused_by.get_or_insert_with(|| error.error.to_string());
        Ok(())
    }

    fn awaited(&self, client_id: &str) -> Result<u64> {
        let number = number_of(client_id).context("an answer to something else")?;
        ensure!(number < self.sent, "an answer to a message that was not sent");
        ensure!(
            !self.acked.holds(number) && !self.refused.holds(number),
            "message {number} was answered twice"
        );
        Ok(number)
    }

    /// Those that are stored.
    pub(in crate::bench) fn stored(&self) -> &Numbers {
        &self.acked
    }

    /// Why the first that was refused was.
    pub(in crate::bench) fn refused_by(&self) -> Option<&str> {
        self.refused_by.as_deref()
    }

    pub(in crate::bench) fn tally(&self) -> Tally {
        let (acked, refused) = (self.acked.len(), self.refused.len());
        Tally { sent: self.sent, acked, refused, ..Tally::default() }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Code, Rejection};

    use super::*;
    use crate::bench::lean::numbered;

    fn id(number: u64) -> String {
        numbered(1, number).to_string()
    }

    fn refusal(number: Option<u64>, why: &'static str) -> frame::Error {
        let client_id = number.map(|number| numbered(1, number));
        frame::Error {
            error: Rejection::new(Code::Unavailable, why),
            client_id,
            conversation: None,
            frame: None,
        }
    }

    fn three_sent() -> Answers {
        let mut answers = Answers::default();
        assert_eq!([answers.sent(), answers.sent(), answers.sent()], [0, 1, 2]);
        answers
    }

    #[test]
    fn a_second_answer_counts_as_that_of_another_message() {
        let mut answers = three_sent();
        assert_eq!(answers.acked(&id(1)).unwrap(), 1);
        answers.refused(&refusal(Some(2), "busy")).unwrap();
        for again in [1, 2, 3] {
            assert!(answers.acked(&id(again)).is_err(), "{again}");
            assert!(answers.refused(&refusal(Some(again), "busy")).is_err(), "{again}");
        }
        assert_eq!((answers.outstanding(), answers.stored().len()), (1, 1));
    }

    #[test]
    fn a_refusal_of_another_frame_counts_as_that_of_a_message() {
        assert!(three_sent().refused(&refusal(None, "no")).is_err());
    }

    #[test]
    fn a_refusal_is_kept_without_its_reason() {
        let mut answers = three_sent();
        answers.refused(&refusal(Some(0), "the first")).unwrap();
        answers.refused(&refusal(Some(1), "the second")).unwrap();
        assert!(answers.refused_by().unwrap().contains("the first"));
        let tally = answers.tally();
        assert_eq!((tally.sent, tally.acked, tally.refused, tally.unanswered()), (3, 0, 2, 1));
    }
}
