//! Which benchmarks make the table, with which flags. Pure.

/// A benchmark of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    /// The name under which its result is kept.
    pub(super) name: &'static str,
    /// Its flags, as the goals state them.
    full: &'static str,
    /// Its flags, when all of them together may take minutes and not hours.
    quick: &'static str,
}

/// The trace in this repository.
const TRACE: &str = "crates/connect-chat/traces/group-chat-100k.csv.gz";

/// In the order of the table.
pub(super) const PLAN: [Planned; 10] = [
    Planned { name: "ceilings", full: "ceilings", quick: "ceilings --members 1000 --secs 1" },
    Planned {
        name: "pairs-1",
        full: "pairs --pairs 200 --window 1 --secs 10",
        quick: "pairs --pairs 200 --window 1 --secs 3",
    },
    Planned {
        name: "pairs-64",
        full: "pairs --pairs 200 --window 64 --secs 10",
        quick: "pairs --pairs 200 --window 64 --secs 3",
    },
    Planned {
        name: "rate",
        full: "rate --pairs 200 --rate 10000 --secs 600",
        quick: "rate --pairs 200 --rate 10000 --secs 5",
    },
    Planned { name: "idle", full: "idle --sessions 15000", quick: "idle --sessions 1000 --hold 3" },
    Planned {
        name: "fanout",
        full: "fanout --members 10000",
        quick: "fanout --members 1000 --secs 3 --large 1000",
    },
    Planned { name: "storm", full: "storm --sessions 5000", quick: "storm --sessions 500" },
    Planned {
        name: "history",
        full: "history --stored 100000",
        quick: "history --stored 10000 --long 50000 --asks 500",
    },
    Planned {
        name: "growth",
        full: "growth --messages 5000000",
        quick: "growth --messages 200000 --sample 20000 --large 1000",
    },
    Planned { name: "replay", full: "replay TRACE", quick: "replay TRACE --rows 10000 --devices 20" },
];

impl Planned {
    /// What follows `connect-chat bench`.
    pub(super) fn arguments(&self, quick: bool) -> Vec<&'static str> {
        let words = if quick { self.quick } else { self.full }.split(' ');
        words.map(|word| if word == "TRACE" { TRACE } else { word }).collect()
    }

    /// How often it runs, unless told; `None` for as often as it does by itself. Ten minutes of one rate are many runs.
    pub(super) fn runs(&self, quick: bool) -> Option<usize> {
        (quick || self.name == "rate").then_some(1)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Bench {
        #[command(flatten)]
        _args: crate::bench::Args,
    }

    #[test]
    fn the_table_has_rows_of_other_commands_than_the_page_lists() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
        let listed: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("target/release/connect-chat bench "))
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .filter(|line| !line.starts_with("report"))
            .collect();
        let planned: Vec<String> = PLAN.iter().map(|planned| planned.arguments(false).join(" ")).collect();
        assert_eq!(listed, planned);
    }

    #[test]
    fn the_table_asks_for_flags_that_are_not_there() {
        for planned in PLAN {
            for quick in [false, true] {
                let arguments = ["bench"].into_iter().chain(planned.arguments(quick));
                assert!(Bench::try_parse_from(arguments).is_ok(), "{}", planned.name);
            }
        }
    }
}
