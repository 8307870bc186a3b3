//! What was done, as a table to print: where the server was killed, how often, and with how much under way.

use std::fmt;

use super::places::places;

/// A kill counts with at least so many submissions in flight.
pub(super) const IN_FLIGHT_MIN: usize = 100;

const AT_RANDOM: &str = "a random instant";

/// Where kills happened.
#[derive(Debug, Clone)]
struct Row {
    place: &'static str,
    /// Submissions in flight at each kill that counts.
    in_flight: Vec<usize>,
    /// Kills with too little in flight to count.
    early: usize,
}

/// What is counted beside kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Entries in all logs at the end.
    Entries,
    /// Submissions that were acked.
    Acked,
    /// Submissions that were refused for good: their senders had been removed.
    Refused,
    /// Entries that were pushed to devices.
    Pushed,
    /// Changes to files that were not fsynced, and were taken back.
    Undone,
    /// Kills after which something was taken back.
    UndoneAfter,
    /// Times that a device which comes and goes went by itself.
    Left,
    /// Times that a small group became large.
    Crossed,
    /// Times that people were added or removed.
    CameOrWent,
    /// Changes of a group that were asked for and not answered at a kill.
    ChangesCut,
    /// Those of them that let a small group become large.
    CrossingsCut,
    /// Times that everything healed and was judged.
    Judged,
    /// Times that the store was walked as a kill had left it.
    Walked,
}

impl Count {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Entries, "entries"),
        (Self::Acked, "acked"),
        (Self::Refused, "refused"),
        (Self::Pushed, "pushed"),
        (Self::Undone, "changes to files undone"),
        (Self::UndoneAfter, "kills that undid some"),
        (Self::Left, "sessions that left"),
        (Self::Crossed, "groups that crossed"),
        (Self::CameOrWent, "people added or removed"),
        (Self::ChangesCut, "changes cut off by a kill"),
        (Self::CrossingsCut, "crossings cut off by one"),
        (Self::Judged, "judgements"),
        (Self::Walked, "walks of the store"),
    ];
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Row>,
    counts: [usize; Count::ALL.len()],
}

impl Default for Table {
    fn default() -> Self {
        let row = |place| Row { place, in_flight: vec![], early: 0 };
        let rows = places().into_iter().map(|place| place.name).chain([AT_RANDOM]).map(row).collect();
        Self { rows, counts: Default::default() }
    }
}

impl Table {
    /// The server was killed at a fail point, or at a random instant. True if it counts.
    pub(super) fn killed(&mut self, place: Option<&str>, in_flight: usize) -> bool {
        let place = place.unwrap_or(AT_RANDOM);
        let row = self.rows.iter_mut().find(|row| row.place == place).expect("every place has a row");
        let counts = in_flight >= IN_FLIGHT_MIN;
        if counts {
            row.in_flight.push(in_flight)
        } else {
            row.early += 1
        };
        counts
    }

    /// Kills that count.
    pub fn kills(&self) -> usize {
        self.rows.iter().map(|row| row.in_flight.len()).sum()
    }

    /// Kills that had too little in flight to count.
    pub fn early(&self) -> usize {
        self.rows.iter().map(|row| row.early).sum()
    }

    /// Adds another run, on another folder.
    pub fn add(&mut self, other: &Self) {
        for (row, other) in self.rows.iter_mut().zip(&other.rows) {
            row.in_flight.extend(&other.in_flight);
            row.early += other.early;
        }
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, other)| *sum += other);
    }

    /// How often it was.
    pub const fn count(&self, what: Count) -> usize {
        self.counts[what as usize]
    }

    /// It was so often more.
    pub(super) const fn add_to(&mut self, what: Count, more: usize) {
        self.counts[what as usize] += more;
    }

    fn totals(&self) -> impl Iterator<Item = (&'static str, usize)> {
        Count::ALL.into_iter().map(|(what, name)| (name, self.count(what)))
    }

    /// What did not happen, so that the run means nothing for it.
    pub fn missing(&self) -> Vec<&'static str> {
        let rows = self.rows.iter().filter(|row| row.in_flight.is_empty()).map(|row| row.place);
        rows.chain(self.totals().filter(|(_, count)| *count == 0).map(|(name, _)| name)).collect()
    }
}

fn median(numbers: &[usize]) -> usize {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<26} {:>6} {:>16} {:>8} {:>8}",
            "killed at", "hits", "in flight: min", "median", "early"
        )?;
        let line = |f: &mut fmt::Formatter<'_>, place: &str, in_flight: &[usize], early: usize| {
            let least = in_flight.iter().min().copied().unwrap_or(0);
            let (hits, median) = (in_flight.len(), median(in_flight));
            writeln!(f, "{place:<26} {hits:>6} {least:>16} {median:>8} {early:>8}")
        };
        for row in &self.rows {
            line(f, row.place, &row.in_flight, row.early)?;
        }
        let all: Vec<usize> = self.rows.iter().flat_map(|row| row.in_flight.iter().copied()).collect();
        line(f, "in all", &all, self.early())?;
        for (name, count) in self.totals() {
            writeln!(f, "{name:<26} {count:>6}")?;
        }
        Ok(())
    }
}
