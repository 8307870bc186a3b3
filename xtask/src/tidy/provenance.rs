//! No file tells where or how it was written: the folders of one machine, or the talk around the work.
//!
//! The words are spelled in two parts here, so that this file passes its own rule.

use super::Violation;
use super::tree::Tree;

const RULE: &str = "provenance";

/// Folders of one machine; found where a path begins.
const FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// The talk around the work; found in any case.
const WORDS: [&str; 6] = [
    concat!("co-authored", "-by"),
    concat!("language ", "model"),
    concat!("ai ", "assistant"),
    concat!("ai-", "generated"),
    concat!("coding ", "agent"),
    concat!("as the brief ", "says"),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            for folder in FOLDERS.iter().filter(|folder| begins_path(line, folder)) {
                let what =
                    format!("`{folder}` is a folder of one machine; say it relative to the repository");
                violations.push(Violation::new(&file.path, index + 1, RULE, what));
            }
            for word in WORDS.iter().filter(|word| lower.contains(**word)) {
                let what = format!("`{word}` tells how the file was made; say what it is for");
                violations.push(Violation::new(&file.path, index + 1, RULE, what));
            }
        }
    }
    violations
}

/// Whether `folder` stands in the line as the beginning of a path, not within a longer one.
fn begins_path(line: &str, folder: &str) -> bool {
    let within = |c: char| c.is_alphanumeric() || "._-}~*".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(within))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{FOLDERS, WORDS, check};

    fn lines(text: &str) -> Vec<usize> {
        check(&Tree::of(&[("docs/a.md", text)])).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn each_folder_and_word_is_found_in_any_file() {
        for folder in FOLDERS {
            assert_eq!(lines(&format!("It is\nin `{folder}main`.")), [2], "{folder}");
        }
        for word in WORDS {
            assert_eq!(lines(&format!("X\n\n{}.", word.to_uppercase())), [3], "{word}");
        }
    }

    #[test]
    fn a_longer_path_and_plain_words_pass() {
        assert_eq!(
            lines(&format!("target{}a, ${{x}}{}b, the work and its root", FOLDERS[0], FOLDERS[1])),
            [0; 0]
        );
    }
}
