//! Who writes in the groups, all the time: at a rate, in turn, whatever happens to the others.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use domain::{Content, ConversationId};
use protocol::frame::{FromDevice, Send};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{interval, timeout};

use super::number;
use crate::bench::lean::{Heard, Socket, number_of, numbered, parse};
use crate::bench::meter::Numbers;

/// Acks that are still to come get this long.
const ACK_PATIENCE: Duration = Duration::from_secs(30);

/// One who writes.
pub(super) struct Speaker {
    pub(super) socket: Socket,
    /// Where, with the number of each group.
    pub(super) groups: Vec<(usize, ConversationId)>,
    /// Client ids are made at this time, in Unix milliseconds.
    pub(super) unix_ms: u64,
}

/// What was acked in each group.
pub(super) type Acked = Vec<(usize, Numbers)>;

impl Speaker {
    /// Writes every so often, until told to stop; then waits for the acks that are missing.
    pub(super) async fn run(mut self, every: Duration, mut stop: watch::Receiver<bool>) -> Result<Acked> {
        let mut acked: Acked = self.groups.iter().map(|(group, _)| (*group, Numbers::default())).collect();
        let (mut sent, mut answered) = (0, 0);
        let mut due = interval(every);
        while !*stop.borrow_and_update() {
            tokio::select! {
                _ = due.tick() => {
                    self.say(sent)?;
                    sent += 1;
                }
                came = self.socket.turn() => {
                    came?;
                    answered += self.hear(&mut acked)?;
                }
                told = stop.changed() => told.context("the storm failed")?,
            }
        }
        let rest = async {
            while answered < sent {
                self.socket.turn().await?;
                answered += self.hear(&mut acked)?;
            }
            Ok::<_, anyhow::Error>(())
        };
        timeout(ACK_PATIENCE, rest).await.context("messages were not acked")??;
        Ok(acked)
    }

    /// The next message: each group in its turn.
    fn say(&mut self, sent: usize) -> Result<()> {
        let (group, conversation) = self.groups[sent % self.groups.len()];
        let nth = (sent / self.groups.len()) as u64;
        let body = Content::message(format!("message {nth}")).to_body();
        self.socket.say(&FromDevice::Send(Send {
            conversation,
            client_id: numbered(self.unix_ms, number::of(group, nth)),
            body: RawValue::from_string(body.as_str().to_owned())?,
            after: None,
        }))?;
        self.socket.write()
    }

    fn hear(&mut self, acked: &mut Acked) -> Result<usize> {
        let mut answered = 0;
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Sent { client_id } => {
                    let (group, nth) =
                        number::parts(number_of(client_id).context("an ack of something else")?);
                    let of = acked.iter_mut().find(|(of, _)| *of == group).context("an ack of another's")?;
                    ensure!(of.1.insert(nth), "an ack that came twice");
                    answered += 1;
                }
                Heard::Error(error) => bail!("a message was refused: {}", error.error),
                Heard::Goodbye(goodbye) => bail!("a speaker was sent away: {goodbye:?}"),
                _ => {}
            }
        }
        Ok(answered)
    }
}
