//! What the server itself counts: its appends and the commits of its store, by `/metrics` of the admin listener. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

/// A reading of `/metrics`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metrics(BTreeMap<String, f64>);

const BUCKET: &str = "store_commit_seconds_bucket";

const APPENDED: &str = "messaging_submissions_total{outcome=\"appended\"}";

const MS_PER_S: f64 = 1e3;

impl Metrics {
    /// Reads the text form: a line a series, its name and labels, then its value.
    pub(super) fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect())
    }

    fn value(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    fn since(&self, before: &Self, series: &str) -> f64 {
        self.value(series) - before.value(series)
    }

    /// Entries that Notification has still to follow; `None` if the server does not tell.
    pub(super) fn entries_to_follow(&self) -> Option<f64> {
        self.0.get("bus_lag_records{reader=\"entries/notification\"}").copied()
    }

    /// What the store committed since `before`.
    pub(super) fn commits_since(&self, before: &Self) -> Commits {
        let buckets = self.buckets_since(before);
        let max_s = self.value("store_commit_max_seconds");
        // The counter is of the whole life of the process: it tells of this time only if it grew in it.
        let grew = max_s > before.value("store_commit_max_seconds");
        let max_s = if grew { max_s } else { quantile(&buckets, 1.0).min(max_s) };
        Commits {
            commits: self.since(before, "store_commits_total"),
            batches: self.since(before, "store_batches_total"),
            appends: self.since(before, "messaging_batches_total"),
            appended: self.since(before, APPENDED),
            commit_p50_ms: quantile(&buckets, 0.5).min(max_s) * MS_PER_S,
            commit_p99_ms: quantile(&buckets, 0.99).min(max_s) * MS_PER_S,
            commit_max_ms: max_s * MS_PER_S,
            stalls: self.since(before, "store_stalls_total"),
            stall_ms: self.since(before, "store_stall_seconds_total") * MS_PER_S,
        }
    }

    /// Commits up to each bound of the histogram, cumulative, the lowest bound first.
    fn buckets_since(&self, before: &Self) -> Vec<(f64, f64)> {
        let bucket = |series: &String| {
            let le = series.strip_prefix(BUCKET)?.strip_prefix("{le=\"")?.strip_suffix("\"}")?;
            let bound = if le == "+Inf" { f64::INFINITY } else { le.parse().ok()? };
            Some((bound, self.since(before, series)))
        };
        let mut buckets: Vec<(f64, f64)> = self.0.keys().filter_map(bucket).collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        buckets
    }
}

/// What the store of the server did in a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Commits {
    /// Fsyncs.
    pub(super) commits: f64,
    /// Appends and other writes in them: cursors, reader marks.
    pub(super) batches: f64,
    /// Batches of submissions, of which each is an append, and the entries in them.
    pub(super) appends: f64,
    pub(super) appended: f64,
    pub(super) commit_p50_ms: f64,
    pub(super) commit_p99_ms: f64,
    pub(super) commit_max_ms: f64,
    /// How often the committer waited for tables to be written, and for how long: this time is in no commit.
    pub(super) stalls: f64,
    pub(super) stall_ms: f64,
}

impl Commits {
    /// Entries in an append; `None` if the server appended nothing, or does not count it.
    pub(super) fn entries_in_append(&self) -> Option<u64> {
        (self.appends > 0.0).then(|| (self.appended / self.appends).round() as u64)
    }
}

/// The bound of a histogram under which a share of all lies, straight between its neighbours.
fn quantile(buckets: &[(f64, f64)], share: f64) -> f64 {
    let wanted = buckets.last().map_or(0.0, |(_, all)| all * share);
    let mut lower = (0.0, 0.0);
    for &(bound, below) in buckets {
        if below >= wanted && below > lower.1 {
            let part = (wanted - lower.1) / (below - lower.1);
            return if bound.is_finite() { lower.0 + (bound - lower.0) * part } else { lower.0 };
        }
        lower = (bound, below);
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(below_1_ms: u32, below_2_ms: u32, max_ms: f64) -> Metrics {
        Metrics::parse(&format!(
            "# TYPE store_commit_seconds histogram\n\
             {BUCKET}{{le=\"0.001\"}} {below_1_ms}\n{BUCKET}{{le=\"0.002\"}} {below_2_ms}\n\
             {BUCKET}{{le=\"+Inf\"}} {below_2_ms}\n\nstore_commit_max_seconds {}\n\
             store_commits_total {below_2_ms}\n",
            max_ms / MS_PER_S
        ))
    }

    #[test]
    fn other_writes_are_taken_for_appends() {
        let reading = |batches, appends, appended| {
            Metrics::parse(&format!(
                "store_batches_total {batches}\nmessaging_batches_total {appends}\n{APPENDED} {appended}\n"
            ))
        };
        let before = reading(100, 50, 70);
        assert_eq!(reading(400, 150, 1_370).commits_since(&before).entries_in_append(), Some(13));
        assert_eq!(reading(400, 50, 70).commits_since(&before).entries_in_append(), None);
    }

    #[test]
    fn commits_of_another_time_are_taken_for_those_of_this_one() {
        let before = reading(100, 100, 90.0);
        let commits = reading(150, 200, 90.0).commits_since(&before);
        assert_eq!((commits.commits, commits.commit_p50_ms), (100.0, 1.0));
        assert_eq!(commits.commit_p99_ms, 1.98);
        assert_eq!(commits.commit_max_ms, 2.0, "the longest of before is not of now");
        assert_eq!(reading(150, 200, 91.0).commits_since(&before).commit_max_ms, 91.0);
        assert_eq!(before.commits_since(&before).commit_p99_ms, 0.0);
    }
}
