//! Reports as the table of the README. Pure.

use serde_json::Value;

use crate::bench::told;

/// The table of these reports.
pub(super) fn table(reports: &[&Value]) -> String {
    let mut table = String::from(
        "| command | runs | measured | what bounds it, in the same run | against that | lost, twice, out of order, unanswered |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for report in reports {
        let command = format!("`{}`", report["command"].as_str().unwrap_or_default());
        let bound = told::bound(report).unwrap_or_else(|| "–".to_owned());
        let against = told::against(report).unwrap_or_else(|| "–".to_owned());
        let runs = told::runs(report).to_string();
        let cells = [command, runs, told::cell(report), bound, against, faults(report)];
        table += &format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    table
}

fn faults(report: &Value) -> String {
    match told::faults(report) {
        faults if !faults.is_empty() => faults.join(", "),
        _ if told::is_judged(report) => "nothing".to_owned(),
        _ => "–".to_owned(),
    }
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
            "runs": {"of": "received_per_s", "better": "more", "values": [1.0]},
            "ceiling": {"what": "the store alone", "unit": "messages/s", "value": 51_000.0, "ratio": 0.871},
            "lost": 0, "duplicated": 2, "disordered": 0, "wrong": ["3 groups read back differently"],
        });
        let sound = json!({ "benchmark": "history", "command": "b", "ceiling": null, "lost": 0 });
        let table = table(&[&report, &sound]);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| `connect-chat bench pairs` | 1 | acked 44,400 messages/s, received 123,456,790 messages/s, \
                 CPU a delivery 28 µs | the store alone: 51,000 messages/s | 87 % of it, more is better | \
                 2 twice, 3 groups read back differently |",
                "| `b` | 0 |  | – | – | nothing |",
            ]
        );
    }
}
