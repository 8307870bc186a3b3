//! What no committed Rust file says: unfinished work, switched-off tests, and unwraps outside tests.

use super::Violation;
use super::tree::{Role, Tree};

const RULE: &str = "pattern";

/// Something that is not to be written.
struct Pattern {
    text: &'static str,
    /// Whether tests may say it.
    tests_may: bool,
    /// Whether it counts in comments too.
    comments: bool,
    why: &'static str,
}

/// Spelled in two parts where the pattern also counts in strings, so that this file passes its own rule.
const PATTERNS: [Pattern; 7] = [
    Pattern {
        text: "todo!",
        tests_may: false,
        comments: false,
        why: "ends the program where it was not finished; finish it, or return an error",
    },
    Pattern {
        text: "unimplemented!",
        tests_may: false,
        comments: false,
        why: "ends the program where it was not finished; finish it, or return an error",
    },
    Pattern {
        text: "dbg!",
        tests_may: false,
        comments: false,
        why: "is for the desk; log with `tracing`, or take it out",
    },
    Pattern {
        text: concat!("FIX", "ME"),
        tests_may: false,
        comments: true,
        why: "leaves to others what is known to be wrong; mend it, or open an issue",
    },
    Pattern {
        text: concat!("XX", "X"),
        tests_may: false,
        comments: true,
        why: "leaves to others what is known to be odd; say why it is so, or open an issue",
    },
    Pattern {
        text: "#[ignore",
        tests_may: false,
        comments: false,
        why: "switches a test off unseen; mend the test, or delete it",
    },
    Pattern {
        text: ".unwrap()",
        tests_may: true,
        comments: false,
        why: "says nothing when it fails; return the error, or `expect` with the invariant that makes it impossible",
    },
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, source) in tree.rust() {
        for pattern in &PATTERNS {
            let text = if pattern.comments { &file.text } else { &source.code };
            for (index, line) in text.lines().enumerate() {
                let test = file.role() == Role::Test || source.is_test(index + 1);
                if says(line, pattern.text) && !(test && pattern.tests_may) {
                    let what = format!("`{}` {}", pattern.text, pattern.why);
                    violations.push(Violation::new(&file.path, index + 1, RULE, what));
                }
            }
        }
    }
    violations
}

/// Whether a line says something as words of their own, not as part of longer ones.
fn says(line: &str, text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let open = |c: Option<char>| !c.is_some_and(is_word);
    let word_first = text.starts_with(is_word);
    let word_last = text.ends_with(is_word);
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + text.len()..].chars().next();
        (!word_first || open(before)) && (!word_last || text.starts_with('#') || open(after))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{PATTERNS, check};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn each_pattern_is_found() {
        for pattern in &PATTERNS {
            let text = format!("//! It.\nfn f() {{ x{} }}\n", format_args!(" {}", pattern.text));
            assert_eq!(lines("crates/bus/src/lib.rs", &text), [2], "{}", pattern.text);
        }
    }

    #[test]
    fn a_comment_or_a_string_is_no_call() {
        let text =
            "//! Never `todo!`.\nconst A: &str = \"dbg!\"; // x.unwrap()\nlet unwrap_todo = my_dbg!(1);\n";
        assert_eq!(lines("crates/bus/src/lib.rs", text), [0; 0]);
    }

    #[test]
    fn a_mark_in_a_comment_counts_but_not_within_a_word() {
        let text = format!("// {0}: later\n// A{0}S\n", concat!("FIX", "ME"));
        assert_eq!(lines("crates/bus/src/lib.rs", &text), [1]);
    }

    #[test]
    fn tests_may_unwrap_and_not_be_ignored() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n #[ignore = \"slow\"]\n fn b() { c.unwrap() }\n}\nfn d() { e.unwrap() }\n";
        assert_eq!(lines("crates/bus/src/lib.rs", text), [4, 7]);
        assert_eq!(lines("crates/bus/tests/a.rs", "fn a() { b.unwrap() }"), [0; 0]);
    }
}
