//! The live sessions, as an operator is shown them.

use domain::{DeviceId, SessionId, Timestamp, UserId};

use super::{Hub, Seat};

/// One live session. A connection that has not said whose it is yet is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Since when it is connected.
    pub since: Timestamp,
    /// Bytes that wait to be written to it.
    pub queue_bytes: usize,
    /// Whether it was told that it missed something, and has not asked for it yet.
    pub lagging: bool,
}

impl Live {
    fn of(seat: &Seat) -> Option<Self> {
        let who = seat.who()?;
        let (queue_bytes, lagging) = seat.outbox.depth();
        let (id, since) = (seat.id, seat.since);
        Some(Self { id, user: who.user, device: who.device, since, queue_bytes, lagging })
    }
}

impl Hub {
    /// Sessions after the one of this number, in the order in which they came, at most `limit`; of one user, if one is
    /// named.
    pub(crate) fn live(&self, user: Option<UserId>, after: u64, limit: usize) -> Vec<Live> {
        let mut numbers: Vec<u64> = match user {
            Some(user) => {
                let users = self.users();
                users.range((user, 0)..=(user, u64::MAX)).map(|(_, number)| *number).collect()
            }
            None => self.seats().keys().copied().collect(),
        };
        numbers.retain(|number| *number > after);
        numbers.sort_unstable();
        let seats = self.seats();
        let live = numbers.iter().filter_map(|number| Live::of(seats.get(number)?));
        live.take(limit).collect()
    }
}
