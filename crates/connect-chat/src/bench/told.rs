//! A report in words: which figures are told of each benchmark, what they are called, and what was got wrong. Pure.
//!
//! It reads the JSON of a report, so that one of another day is told like one of now.

use serde_json::Value;

/// A figure that is told.
pub(super) struct Figure {
    pointer: &'static str,
    label: &'static str,
    unit: &'static str,
    /// What it is called in its row of the table, behind those before it; `None` if it is not in there.
    cell: Option<&'static str>,
}

/// A figure in the table, too.
const fn shown(pointer: &'static str, label: &'static str, unit: &'static str, cell: &'static str) -> Figure {
    Figure { pointer, label, unit, cell: Some(cell) }
}

/// A figure that is not in the table.
const fn more(pointer: &'static str, label: &'static str, unit: &'static str) -> Figure {
    Figure { pointer, label, unit, cell: None }
}

const MESSAGES: &[Figure] = &[
    shown("/acked_per_s", "acked", "messages/s", "acked"),
    shown("/received_per_s", "received", "messages/s", "received"),
    shown("/server_cpu_us_per_delivery", "CPU of the server a delivery", "µs", "CPU a delivery"),
    more("/ack_ms/p50", "send → ack, p50", "ms"),
    more("/ack_ms/p99", "send → ack, p99", "ms"),
    shown("/receive_ms/p50", "send → receive, p50", "ms", "send → receive p50"),
    shown("/receive_ms/p99", "send → receive, p99", "ms", "p99"),
    more("/receive_ms/max", "send → receive, max", "ms"),
    more("/server_rss_mb", "memory of the server", "MB"),
    more("/commit_p99_ms", "a commit, p99", "ms"),
    more("/store_batch", "messages in an append", ""),
    more("/refused", "refused", "messages"),
    more("/devices", "empty devices that read everything", ""),
    more("/synced", "messages that they read", ""),
    more("/equal", "groups that they read as the file has them", ""),
    more("/digest", "digest of all groups", ""),
];

const CEILINGS: &[Figure] = &[
    shown("/fdatasync_4k/ms/p50", "fdatasync of 4 KiB, p50", "ms", "fdatasync of 4 KiB"),
    shown("/fdatasync_64k/ms/p50", "fdatasync of 64 KiB, p50", "ms", "of 64 KiB"),
    shown("/relay_window_1/per_s", "a relay, 1 under way in each pair", "messages/s", "relay, 1 under way"),
    shown("/relay_window_64/per_s", "a relay, 64 under way in each pair", "messages/s", "64 under way"),
    shown("/fan_out/per_s", "a relay to all members", "deliveries/s", "to all members"),
    shown("/store_batch_1_per_s", "the store alone, appends of 1", "messages/s", "store alone, appends of 1"),
    shown("/store_batch_64_per_s", "the store alone, appends of 64", "messages/s", "of 64"),
];

const RATE: &[Figure] = &[
    shown("/acked_per_s", "acked", "messages/s", "acked"),
    more("/ack_ms/p99", "send → ack, p99", "ms"),
    shown("/receive_ms/p50", "send → receive, p50", "ms", "send → receive p50"),
    shown("/receive_ms/p99", "send → receive, p99", "ms", "p99"),
    shown("/receive_ms/max", "send → receive, max", "ms", "max"),
    shown("/commit_p99_ms", "a commit, p99", "ms", "commit p99"),
    shown("/commit_max_ms", "a commit, max", "ms", "max"),
    shown("/send_late_ms/p99", "late in the load generator, p99", "ms", "sent late p99"),
    more("/warm_up_s", "left out of all latencies: what was meant in the first", "s"),
    shown("/server_cpu_us_per_delivery", "CPU of the server a delivery", "µs", "CPU a delivery"),
    more("/server_rss_mb", "memory of the server", "MB"),
];

const IDLE: &[Figure] = &[
    shown("/rss_bytes_per_session", "memory of a session", "bytes", "memory of a session"),
    more("/rss_before_mb", "memory of the server before", "MB"),
    more("/rss_held_mb", "memory of the server at the end", "MB"),
    shown("/cpu_share", "CPU of the server, once all had resumed", "of one core", "CPU"),
];

const FANOUT: &[Figure] = &[
    shown("/received_per_s", "deliveries", "/s", "deliveries"),
    shown("/server_cpu_us_per_delivery", "CPU of the server a delivery", "µs", "CPU a delivery"),
    more("/receive_ms/p50", "send → receive, p50", "ms"),
    more("/receive_ms/p99", "send → receive, p99", "ms"),
    more("/server_rss_mb", "memory of the server", "MB"),
    LARGE,
];

const LARGE: Figure = shown(
    "/large_cost_ratio",
    "CPU of a message in a large group",
    "× that in a group of 10",
    "a message in a large group costs",
);

const STORM: &[Figure] = &[
    shown("/back_s", "all back after", "s", "all back after"),
    shown("/back_ms/p50", "half of them after", "ms", "half of them after"),
    shown("/rss_before_mb", "memory of the server before", "MB", "memory before"),
    shown("/rss_peak_mb", "memory of the server at most", "MB", "at most"),
    more("/cpu_ms", "CPU of the server until then", "ms"),
    more("/turned_away", "sessions turned away on the way", ""),
    more("/turned_away_by", "why one of them was", ""),
];

const HISTORY: &[Figure] = &[
    shown("/latest/ms/p50", "the newest 50 entries, p50", "ms", "latest 50, p50"),
    more("/latest/ms/p99", "the newest 50 entries, p99", "ms"),
    shown("/page_at_start/ms/p50", "a page at the start, p50", "ms", "a page at the start, p50"),
    shown("/page_in_middle/ms/p50", "a page in the middle, p50", "ms", "in the middle"),
    shown("/page_at_end/ms/p50", "a page at the end, p50", "ms", "at the end"),
    more("/latest/server_cpu_us", "CPU of the server for the newest 50", "µs"),
];

const GROWTH: &[Figure] = &[
    shown("/cost_ratio", "CPU of a message", "× that at few stored", "a message costs"),
    more("/at_many/cpu_us_per_message", "CPU of a message at many stored", "µs"),
    LARGE,
    shown("/reopening_s", "reopening after a SIGKILL", "s", "reopening"),
    more("/reopening_after_stop_s", "reopening after a SIGTERM", "s"),
    shown("/listening_s", "listening on an empty folder", "s", "listening on an empty folder"),
    shown("/disk_bytes_per_message", "disk a message", "bytes", "disk a message"),
    more("/followed_after_s", "Notification was still behind for", "s"),
];

/// What is told of each benchmark.
const TOLD: &[(&str, &[Figure])] = &[
    ("ceilings", CEILINGS),
    ("pairs", MESSAGES),
    ("rate", RATE),
    ("idle", IDLE),
    ("fanout", FANOUT),
    ("storm", STORM),
    ("history", HISTORY),
    ("growth", GROWTH),
    ("replay", MESSAGES),
];

/// What is counted as got wrong, and its word.
const FAULTS: [(&str, &str); 4] =
    [("lost", "lost"), ("duplicated", "twice"), ("disordered", "out of order"), ("unanswered", "unanswered")];

fn figures(report: &Value) -> &'static [Figure] {
    let name = report["benchmark"].as_str().unwrap_or_default();
    TOLD.iter().find(|(benchmark, _)| *benchmark == name).map_or(&[], |(_, told)| told)
}

/// Its figures as a row of the table tells them.
pub(super) fn cell(report: &Value) -> String {
    let told = |figure: &Figure| {
        let (cell, value) = (figure.cell?, value(report.pointer(figure.pointer)?)?);
        Some(format!("{cell} {}", with_unit(&value, figure.unit)))
    };
    figures(report).iter().filter_map(told).collect::<Vec<_>>().join(", ")
}

/// What bounds it, with its value.
pub(super) fn bound(report: &Value) -> Option<String> {
    let ceiling = &report["ceiling"];
    let (what, bound) = (ceiling["what"].as_str()?, value(&ceiling["value"])?);
    Some(format!("{what}: {}", with_unit(&bound, ceiling["unit"].as_str().unwrap_or_default())))
}

/// How it stands against what bounds it.
pub(super) fn against(report: &Value) -> Option<String> {
    let ratio = report["ceiling"]["ratio"].as_f64()?;
    Some(match report["runs"]["better"].as_str() {
        Some("more") => format!("{} % of it, more is better", number(ratio * 100.0)),
        _ => format!("{} × it, less is better", number(ratio)),
    })
}

/// How many runs there were.
pub(super) fn runs(report: &Value) -> usize {
    report["runs"]["values"].as_array().map_or(0, Vec::len)
}

/// Whether anything was counted that can be wrong.
pub(super) fn is_judged(report: &Value) -> bool {
    FAULTS.iter().any(|(key, _)| report[*key].is_u64())
}

/// What was got wrong, in words; empty if nothing.
pub(super) fn faults(report: &Value) -> Vec<String> {
    let counted = FAULTS.iter().filter_map(|(key, word)| {
        let count = report[*key].as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {word}"))
    });
    let wrong = report["wrong"].as_array().into_iter().flatten().filter_map(Value::as_str);
    counted.chain(wrong.map(str::to_owned)).collect()
}

/// For people: a line a figure, with its label, value and unit.
pub(super) fn text(report: &Value) -> String {
    let told = |figure: &Figure| {
        let value = value(report.pointer(figure.pointer)?)?;
        Some((figure.label.to_owned(), with_unit(&value, figure.unit)))
    };
    let mut lines: Vec<(String, String)> = figures(report).iter().filter_map(told).collect();
    lines.extend(bound(report).map(|bound| ("bounded, in the same run, by".to_owned(), bound)));
    lines.extend(against(report).map(|against| ("which is".to_owned(), against)));
    let count = runs(report);
    if count > 1 {
        lines.push((format!("median of {count} runs by"), headlines(report)));
    }
    let faults = faults(report);
    if is_judged(report) || !faults.is_empty() {
        let faults = if faults.is_empty() { "nothing".to_owned() } else { faults.join(", ") };
        lines.push(("lost, twice, out of order, unanswered".to_owned(), faults));
    }
    let width = lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
    let lines = lines.iter().map(|(label, told)| format!("\n  {label:width$}  {told}"));
    report["command"].as_str().unwrap_or_default().to_owned() + &lines.collect::<String>()
}

/// The figure by which runs are compared, of all of them.
fn headlines(report: &Value) -> String {
    let values = report["runs"]["values"].as_array().into_iter().flatten().filter_map(value);
    let of = report["runs"]["of"].as_str().unwrap_or_default();
    format!("{of}: {}", values.collect::<Vec<_>>().join("; "))
}

fn value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(count) if count.is_u64() => Some(grouped(&count.to_string())),
        Value::Number(value) => value.as_f64().map(number),
        _ => None,
    }
}

fn with_unit(value: &str, unit: &str) -> String {
    match unit {
        "" => value.to_owned(),
        "/s" => format!("{value}/s"),
        unit => format!("{value} {unit}"),
    }
}

/// What was measured, with as many digits as one can trust. What was counted is told as it is: see [`value`].
fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{}", (value * 100.0).round() / 100.0);
    }
    grouped(&format!("{:.0}", if value < 1_000.0 { value } else { (value / 10.0).round() * 10.0 }))
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs() -> Value {
        json!({
            "benchmark": "pairs", "command": "connect-chat bench pairs", "acked_per_s": 44_402.3,
            "received_per_s": 123_456_789.0, "server_cpu_us_per_delivery": 28.4, "receive_ms": null,
            "runs": {"of": "received_per_s", "better": "more", "values": [1.0, 2.0, 3.0]},
            "ceiling": {"what": "the store alone", "unit": "messages/s", "value": 51_000.0, "ratio": 0.871},
            "lost": 0, "duplicated": 2, "disordered": 0, "wrong": ["1 refused, the first: busy"],
        })
    }

    #[test]
    fn people_are_told_figures_without_a_unit_or_another_way_round() {
        let text = text(&pairs());
        let line = |label: &str| {
            let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label));
            line.unwrap_or_else(|| panic!("{label}: {text}")).trim().to_owned()
        };
        assert_eq!(line("acked"), "44,400 messages/s");
        assert_eq!(line("CPU of the server a delivery"), "28 µs");
        assert_eq!(line("bounded, in the same run, by"), "the store alone: 51,000 messages/s");
        assert_eq!(line("which is"), "87 % of it, more is better");
        assert_eq!(line("median of 3 runs by"), "received_per_s: 1; 2; 3");
        assert_eq!(line("lost, twice, out of order, unanswered"), "2 twice, 1 refused, the first: busy");
    }

    #[test]
    fn a_count_is_rounded() {
        assert_eq!(value(&json!(16_325)).unwrap(), "16,325");
        assert_eq!(value(&json!(16_325.0)).unwrap(), "16,330");
    }

    #[test]
    fn a_latency_is_told_as_a_share_of_what_bounds_it() {
        let report = json!({ "runs": {"better": "less"}, "ceiling": {"ratio": 50.2} });
        assert_eq!(against(&report).unwrap(), "50 × it, less is better");
        assert_eq!(against(&json!({ "ceiling": null })), None);
    }

    #[test]
    fn every_benchmark_of_the_table_has_something_to_tell() {
        assert!(TOLD.iter().all(|(_, told)| told.iter().any(|figure| figure.cell.is_some())));
    }

    #[test]
    fn a_figure_is_told_with_more_digits_than_it_has() {
        for (value, told) in
            [(0.361, "0.36"), (9.999, "10"), (99.6, "100"), (1_234.0, "1,230"), (1e6, "1,000,000")]
        {
            assert_eq!(number(value), told);
        }
    }
}
