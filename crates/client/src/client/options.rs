//! What can be set about a client. Everything in it that waits or is held has a limit here.

/// Which part of what was before it a new device is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// The newest entries of each conversation, as many as the server shows; older ones are paged in on demand.
    #[default]
    Newest,
    /// All that the person may see, from the start.
    All,
}

/// Settings of a client, with defaults that suit an app on a phone or desk.
#[derive(Debug, Clone)]
pub struct Options {
    /// What a new device is given of the past.
    pub history: History,
    /// Messages of one conversation that are under way at once.
    pub window: usize,
    /// Messages that are under way at once in all.
    pub in_flight_max: usize,
    /// Messages that wait in the outbox at most.
    pub outbox_max: usize,
    /// Pages that are fetched at once.
    pub fetches_max: usize,
    /// Cursor moves are gathered for at least this long, in milliseconds.
    pub cursor_ms: u64,
    /// Whether `delivered` follows what the app took.
    pub delivered: bool,
    /// Events that wait for the app before the client stops reading.
    pub events_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            history: History::Newest,
            window: 32,
            in_flight_max: 256,
            outbox_max: 10_000,
            fetches_max: 4,
            cursor_ms: 1_000,
            delivered: true,
            events_max: 256,
        }
    }
}
