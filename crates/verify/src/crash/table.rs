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

/// What a run did.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Row>,
    /// Entries in all logs at the end.
    pub entries: usize,
    /// Submissions that were acked.
    pub acked: usize,
    /// Submissions that were refused for good: their senders had been removed.
    pub refused: usize,
    /// Entries that were pushed to devices.
    pub pushed: usize,
    /// Changes to files that were not fsynced, and were taken back.
    pub undone: usize,
    /// Kills after which something was taken back.
    pub undone_after: usize,
    /// Times that a device which comes and goes went by itself.
    pub left: usize,
    /// Times that a small group became large.
    pub crossed: usize,
    /// Times that people were added or removed.
    pub came_or_went: usize,
    /// Changes of a group that were under way at a kill.
    pub changes_cut: usize,
    /// Those of them that let a small group become large.
    pub crossings_cut: usize,
    /// Times that everything healed and was judged.
    pub judged: usize,
    /// Times that the store was walked as a kill had left it.
    pub walked: usize,
}

impl Default for Table {
    fn default() -> Self {
        let row = |place| Row { place, in_flight: vec![], early: 0 };
        Self {
            rows: places().into_iter().map(|place| place.name).chain([AT_RANDOM]).map(row).collect(),
            entries: 0,
            acked: 0,
            refused: 0,
            pushed: 0,
            undone: 0,
            undone_after: 0,
            left: 0,
            crossed: 0,
            came_or_went: 0,
            changes_cut: 0,
            crossings_cut: 0,
            judged: 0,
            walked: 0,
        }
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
        self.entries += other.entries;
        self.acked += other.acked;
        self.refused += other.refused;
        self.pushed += other.pushed;
        self.undone += other.undone;
        self.undone_after += other.undone_after;
        self.left += other.left;
        self.crossed += other.crossed;
        self.came_or_went += other.came_or_went;
        self.changes_cut += other.changes_cut;
        self.crossings_cut += other.crossings_cut;
        self.judged += other.judged;
        self.walked += other.walked;
    }

    fn totals(&self) -> [(&'static str, usize); 13] {
        [
            ("entries", self.entries),
            ("acked", self.acked),
            ("refused", self.refused),
            ("pushed", self.pushed),
            ("changes to files undone", self.undone),
            ("kills that undid some", self.undone_after),
            ("sessions that left", self.left),
            ("groups that crossed", self.crossed),
            ("people added or removed", self.came_or_went),
            ("changes cut off by a kill", self.changes_cut),
            ("crossings cut off by one", self.crossings_cut),
            ("judgements", self.judged),
            ("walks of the store", self.walked),
        ]
    }

    /// What did not happen, so that the run means nothing for it.
    pub fn missing(&self) -> Vec<&'static str> {
        let rows = self.rows.iter().filter(|row| row.in_flight.is_empty()).map(|row| row.place);
        rows.chain(self.totals().into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name)).collect()
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
