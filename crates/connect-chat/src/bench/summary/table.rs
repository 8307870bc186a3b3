//! A report as a row of the table. Pure.

use serde_json::Value;

/// A figure: what it is called, where it stands in the report, and its unit.
type Figure = (&'static str, &'static str, &'static str);

/// What is told of each benchmark, beside what bounds it.
const TOLD: &[(&str, &[Figure])] = &[
    (
        "ceilings",
        &[
            ("fdatasync of 4 KiB", "/fdatasync_4k/ms/p50", "ms"),
            ("of 64 KiB", "/fdatasync_64k/ms/p50", "ms"),
            ("relay, 1 under way", "/relay_window_1/per_s", "/s"),
            ("64 under way", "/relay_window_64/per_s", "/s"),
            ("to all members", "/fan_out/per_s", "/s"),
            ("store alone, batches of 1", "/store_batch_1_per_s", "/s"),
            ("of 64", "/store_batch_64_per_s", "/s"),
        ],
    ),
    ("pairs", MESSAGES),
    (
        "rate",
        &[
            ("acked", "/acked_per_s", "/s"),
            ("send → receive p50", "/receive_ms/p50", "ms"),
            ("p99", "/receive_ms/p99", "ms"),
            ("max", "/receive_ms/max", "ms"),
            ("commit p99", "/commit_p99_ms", "ms"),
            ("max", "/commit_max_ms", "ms"),
            ("CPU a delivery", "/server_cpu_us_per_delivery", "µs"),
        ],
    ),
    (
        "idle",
        &[("memory of a session", "/rss_bytes_per_session", "bytes"), ("CPU, of one core", "/cpu_share", "")],
    ),
    (
        "fanout",
        &[
            ("deliveries", "/received_per_s", "/s"),
            ("CPU a delivery", "/server_cpu_us_per_delivery", "µs"),
            ("a message in a large group costs", "/large_cost_ratio", "× one in a group of 10"),
        ],
    ),
    (
        "storm",
        &[
            ("all back after", "/back_s", "s"),
            ("half of them after", "/back_ms/p50", "ms"),
            ("memory before", "/rss_before_mb", "MB"),
            ("at most", "/rss_peak_mb", "MB"),
        ],
    ),
    (
        "history",
        &[
            ("latest 50, p50", "/latest/ms/p50", "ms"),
            ("a page at the start, p50", "/page_at_start/ms/p50", "ms"),
            ("in the middle", "/page_in_middle/ms/p50", "ms"),
            ("at the end", "/page_at_end/ms/p50", "ms"),
        ],
    ),
    (
        "growth",
        &[
            ("a message costs", "/cost_ratio", "× one at 10,000 stored"),
            ("in a large group", "/large_cost_ratio", "× one in a group of 10"),
            ("reopening", "/reopening_s", "s"),
            ("listening on an empty folder", "/listening_s", "s"),
            ("disk a message", "/disk_bytes_per_message", "bytes"),
        ],
    ),
    ("replay", MESSAGES),
];

const MESSAGES: &[Figure] = &[
    ("acked", "/acked_per_s", "/s"),
    ("received", "/received_per_s", "/s"),
    ("CPU a delivery", "/server_cpu_us_per_delivery", "µs"),
    ("send → receive p50", "/receive_ms/p50", "ms"),
    ("p99", "/receive_ms/p99", "ms"),
];

/// The table of these reports.
pub(super) fn table(reports: &[Value]) -> String {
    let mut table = String::from(
        "| command | measured | what bounds it, in the same run | ratio | lost, twice, out of order |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for report in reports {
        let cells = [command(report), measured(report), bound(report), ratio(report), faults(report)];
        table += &format!("| {} |\n", cells.join(" | "));
    }
    table
}

fn command(report: &Value) -> String {
    format!("`{}`", report["command"].as_str().unwrap_or_default())
}

fn measured(report: &Value) -> String {
    let name = report["benchmark"].as_str().unwrap_or_default();
    let told = TOLD.iter().find(|(benchmark, _)| *benchmark == name).map_or(&[][..], |(_, told)| told);
    let figure = |(label, pointer, unit): &Figure| {
        let value = report.pointer(pointer)?.as_f64()?;
        Some(format!("{label} {} {unit}", number(value)).trim_end().replace(" /s", "/s"))
    };
    told.iter().filter_map(figure).collect::<Vec<_>>().join(", ")
}

fn bound(report: &Value) -> String {
    let ceiling = &report["ceiling"];
    match (ceiling["what"].as_str(), ceiling["value"].as_f64()) {
        (Some(what), Some(value)) => format!("{what}: {}", number(value)),
        _ => "–".to_owned(),
    }
}

fn ratio(report: &Value) -> String {
    report["ceiling"]["ratio"].as_f64().map_or("–".to_owned(), number)
}

fn faults(report: &Value) -> String {
    let counts: Vec<String> = ["lost", "duplicated", "disordered"]
        .iter()
        .filter_map(|key| report[*key].as_u64().map(|count| count.to_string()))
        .collect();
    if counts.is_empty() { "–".to_owned() } else { counts.join(", ") }
}

/// With as many digits as one can trust, in groups of three.
fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{}", (value * 100.0).round() / 100.0);
    }
    let digits = format!("{:.0}", if value < 1_000.0 { value } else { (value / 10.0).round() * 10.0 });
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

    #[test]
    fn a_row_tells_something_else_than_the_report() {
        let report = json!({
            "benchmark": "pairs", "command": "connect-chat bench pairs", "acked_per_s": 44_402.3,
            "received_per_s": 123_456_789.0, "server_cpu_us_per_delivery": 28.4, "receive_ms": null,
            "ceiling": {"what": "the store alone, messages/s", "value": 51_000.0, "ratio": 0.871},
            "lost": 0, "duplicated": 2, "disordered": 0,
        });
        assert_eq!(
            table(&[report]).lines().last().unwrap(),
            "| `connect-chat bench pairs` | acked 44,400/s, received 123,456,790/s, CPU a delivery 28 µs | \
             the store alone, messages/s: 51,000 | 0.87 | 0, 2, 0 |"
        );
    }
}
