//! No file grows beyond what one reads in a sitting.
//!
//! A file that is longer already can be listed in `xtask/file-length.ratchet`, as `path lines`. The list only shrinks: it
//! must name each file's length exactly, so a longer file fails, a shorter one moves its number down, and one that fits
//! leaves the list.

use std::collections::BTreeMap;

use super::Violation;
use super::tree::{Role, Tree};

const RULE: &str = "file-length";
const RATCHET: &str = "xtask/file-length.ratchet";
const SRC_LINES_MAX: usize = 450;
const TEST_LINES_MAX: usize = 800;

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let (mut allowed, mut violations) = ratchet(tree);
    for (file, _) in tree.rust().filter(|(file, _)| file.folder().is_some()) {
        let lines = file.text.lines().count();
        let max = match file.role() {
            Role::Src => SRC_LINES_MAX,
            Role::Test => TEST_LINES_MAX,
        };
        let what = match allowed.remove(file.path.as_str()) {
            None if lines > max => {
                format!("{lines} lines, {max} are the limit; split it where its story turns")
            }
            Some((_, listed)) if lines > max && lines > listed => {
                format!("{lines} lines, it may have {listed}; move something out rather than let it grow")
            }
            Some((at, listed)) if lines <= max || lines < listed => {
                let to =
                    if lines <= max { "take it off the list".to_owned() } else { format!("write {lines}") };
                violations.push(Violation::new(
                    RATCHET,
                    at,
                    RULE,
                    format!("{} shrank to {lines}; {to}", file.path),
                ));
                continue;
            }
            _ => continue,
        };
        violations.push(Violation::new(&file.path, max + 1, RULE, what));
    }
    for (path, (at, _)) in allowed {
        violations.push(Violation::new(RATCHET, at, RULE, format!("{path} is gone; take it off the list")));
    }
    violations
}

/// For each file listed, its line in the list and the length it may have; and what cannot be read.
fn ratchet(tree: &Tree) -> (BTreeMap<&str, (usize, usize)>, Vec<Violation>) {
    let mut allowed = BTreeMap::new();
    let mut violations = Vec::new();
    let text = tree.files.iter().find(|file| file.path == RATCHET).map_or("", |file| &file.text);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once(' ').and_then(|(path, lines)| Some((path, lines.trim().parse().ok()?))) {
            Some((path, lines)) => _ = allowed.insert(path, (index + 1, lines)),
            None => violations.push(Violation::new(RATCHET, index + 1, RULE, "no `path lines`; write it so")),
        }
    }
    (allowed, violations)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{RATCHET, check};

    fn found(path: &str, lines: usize, list: &str) -> Vec<String> {
        let tree = Tree::of(&[(path, &"\n".repeat(lines)), (RATCHET, list)]);
        check(&tree).iter().map(|violation| violation.to_string()).collect()
    }

    #[test]
    fn a_long_file_is_found_and_a_short_one_is_not() {
        assert_eq!(found("crates/bus/src/lib.rs", 450, ""), [""; 0]);
        assert!(
            found("crates/bus/src/lib.rs", 451, "")[0]
                .starts_with("crates/bus/src/lib.rs:451: file-length: 451")
        );
        assert_eq!(found("crates/bus/tests/a.rs", 800, ""), [""; 0]);
        assert_eq!(found("crates/bus/tests/a.rs", 801, "").len(), 1);
    }

    #[test]
    fn a_listed_file_may_only_shrink() {
        let path = "crates/bus/src/lib.rs";
        assert_eq!(found(path, 500, "# why\ncrates/bus/src/lib.rs 500\n"), [""; 0]);
        assert!(found(path, 501, "crates/bus/src/lib.rs 500")[0].contains("501 lines, it may have 500"));
        assert!(found(path, 499, "crates/bus/src/lib.rs 500")[0].ends_with("shrank to 499; write 499"));
        assert!(found(path, 450, "crates/bus/src/lib.rs 500")[0].ends_with("take it off the list"));
    }

    #[test]
    fn the_list_names_only_what_exists() {
        assert!(found("crates/bus/src/lib.rs", 1, "crates/bus/src/gone.rs 500")[0].contains("is gone"));
        assert!(
            found("crates/bus/src/lib.rs", 1, "crates/bus/src/lib.rs long")[0].contains("no `path lines`")
        );
    }
}
