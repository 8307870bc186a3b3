//! Library code reaches for no clock, no environment, no signal and no randomness: they are handed in.
//!
//! Deliberately absent: `tokio::time`, whose clock a test can pause and move.

use super::Violation;
use super::tree::{Role, Tree};

const RULE: &str = "handed-in";

/// The crates at the edge of the process, and the tools: they are who hands it in.
const EDGE: [&str; 5] = ["crates/node", "crates/connect-chat", "crates/client", "crates/verify", "xtask"];

/// Files elsewhere that may make one of these calls, and why. Keep it small.
const ALLOWED: &[Allowed] = &[Allowed {
    path: "crates/stores/kv/src/committer.rs",
    call: "std::time::Instant::now",
    why: "a thread of its own, that measures how long an fsync took; nothing is decided by it",
}];

struct Allowed {
    path: &'static str,
    call: &'static str,
    /// Read by people only.
    #[allow(dead_code)]
    why: &'static str,
}

const CLOCK: &str =
    "reads the clock; take `contracts::ambient::Clock`, or use `tokio::time`, so that a test can move it";
const ENVIRONMENT: &str = "reads the environment; take it as config, which only the program reads";
const SIGNAL: &str = "listens for signals; take the shutdown as a future";
const RANDOM: &str = "draws randomness nobody can replay; take `contracts::ambient::Random`";

/// Each call, or the module of it, and what is wrong with it.
const CALLS: [(&str, &str); 13] = [
    ("std::time::SystemTime::now", CLOCK),
    ("std::time::Instant::now", CLOCK),
    ("SystemTime::now", CLOCK),
    ("Instant::now", CLOCK),
    ("jiff::Timestamp::now", CLOCK),
    ("uuid::Uuid::now_v7", CLOCK),
    ("std::env::var", ENVIRONMENT),
    ("std::env::var_os", ENVIRONMENT),
    ("std::env::vars", ENVIRONMENT),
    ("tokio::signal", SIGNAL),
    ("rand::rng", RANDOM),
    ("rand::thread_rng", RANDOM),
    ("uuid::Uuid::new_v4", RANDOM),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    check_with(tree, ALLOWED)
}

fn check_with(tree: &Tree, allowed: &[Allowed]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut used = vec![false; allowed.len()];
    let inner = tree.rust().filter(|(file, _)| {
        file.is_src()
            && file.role() == Role::Src
            && !file.folder().is_some_and(|folder| EDGE.contains(&folder))
    });
    for (file, source) in inner {
        for named in source.named.iter().filter(|named| !source.is_test(named.line)) {
            let Some((call, why)) = CALLS.iter().find(|(call, _)| named.is_in(call)) else { continue };
            match allowed.iter().position(|allowed| allowed.path == file.path && allowed.call == *call) {
                Some(index) => used[index] = true,
                None => {
                    violations.push(Violation::new(&file.path, named.line, RULE, format!("`{call}` {why}")))
                }
            }
        }
    }
    for (allowed, _) in allowed.iter().zip(used).filter(|(_, used)| !used) {
        let what =
            format!("no longer calls `{}`; take it off the list in xtask/src/tidy/calls.rs", allowed.call);
        violations.push(Violation::new(allowed.path, 1, RULE, what));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{Allowed, CALLS, check_with};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check_with(&Tree::of(&[(path, text)]), &[]).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn each_call_is_found() {
        for (call, _) in CALLS {
            assert_eq!(
                lines("crates/bus/src/lib.rs", &format!("//! It.\nfn f() {{ {call}() }}")),
                [2],
                "{call}"
            );
        }
    }

    #[test]
    fn a_call_is_found_behind_an_import() {
        assert_eq!(lines("crates/bus/src/a.rs", "use std::time::Instant;\nfn f() { Instant::now() }"), [2]);
        assert_eq!(lines("crates/bus/src/a.rs", "use std::{env, fmt};\nfn f() { env::var(\"A\") }"), [2]);
        assert_eq!(lines("crates/bus/src/a.rs", "use tokio::signal::unix;\n"), [1]);
        assert_eq!(lines("crates/bus/src/a.rs", "use rand::{rng as dice};\nfn f() { dice() }"), [1, 2]);
    }

    #[test]
    fn the_clock_that_a_test_can_move_passes() {
        assert_eq!(
            lines("crates/bus/src/a.rs", "use tokio::time::Instant;\nfn f() { Instant::now() }"),
            [0; 0]
        );
        assert_eq!(lines("crates/bus/src/a.rs", "use rand::rngs::SmallRng;\n"), [0; 0]);
    }

    #[test]
    fn the_edge_and_tests_pass() {
        let text = "fn f() { std::time::Instant::now() }";
        for path in
            ["crates/node/src/a.rs", "xtask/src/a.rs", "crates/bus/tests/a.rs", "crates/bus/benches/a.rs"]
        {
            assert_eq!(lines(path, text), [0; 0], "{path}");
        }
        assert_eq!(lines("crates/bus/src/a.rs", &format!("#[cfg(test)]\nmod tests {{ {text} }}")), [0; 0]);
    }

    #[test]
    fn what_is_allowed_is_allowed_for_its_file_and_call_only() {
        let tree = Tree::of(&[
            ("crates/bus/src/a.rs", "fn f() { std::time::Instant::now(); tokio::signal::ctrl_c() }"),
            ("crates/bus/src/b.rs", "fn f() { std::time::Instant::now() }"),
        ]);
        let allowed =
            [Allowed { path: "crates/bus/src/a.rs", call: "std::time::Instant::now", why: "a test" }];
        let found: Vec<String> = check_with(&tree, &allowed).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("tokio::signal") && found[1].starts_with("crates/bus/src/b.rs"),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_no_longer_needed_leaves_the_list() {
        let allowed =
            [Allowed { path: "crates/bus/src/a.rs", call: "std::time::Instant::now", why: "a test" }];
        let found = check_with(&Tree::of(&[("crates/bus/src/a.rs", "fn f() {}")]), &allowed);
        assert!(found.len() == 1 && found[0].what.contains("off the list"), "{found:?}");
    }
}
