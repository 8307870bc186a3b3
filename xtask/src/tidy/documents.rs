//! What a reader is told: the pages that every project has, and its decisions, one a file, in one form.

use std::collections::BTreeMap;

use super::Violation;
use super::tree::{File, Tree};

const RULE: &str = "documents";
const DECISIONS: &str = "docs/adr/";
const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
const HEADINGS: [&str; 3] = ["Context", "Decision", "Consequences"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for page in PAGES.iter().filter(|page| !tree.files.iter().any(|file| file.path == **page)) {
        violations.push(Violation::new(
            page,
            1,
            RULE,
            "is not there; a reader looks for it first, so write it",
        ));
    }
    let mut numbers = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.path.starts_with(DECISIONS)) {
        violations.extend(check_decision(file));
        if let Some(other) =
            numbers.insert(&file.path[..file.path.len().min(DECISIONS.len() + 4)], &file.path)
        {
            let what = format!("has the number of {other}; take the next free one");
            violations.push(Violation::new(&file.path, 1, RULE, what));
        }
    }
    violations
}

fn check_decision(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !well_named(&file.path[DECISIONS.len()..]) {
        let what = "is not named NNNN-what-was-decided.md; name it so";
        violations.push(Violation::new(&file.path, 1, RULE, what));
    }
    for heading in HEADINGS {
        let is_heading = |line: &str| line.trim_start_matches('#').trim() == heading && line.starts_with('#');
        if !file.text.lines().any(is_heading) {
            let what = format!(
                "has no heading `{heading}`; a decision says what it answers, what it is, what it costs"
            );
            violations.push(Violation::new(&file.path, 1, RULE, what));
        }
    }
    violations
}

/// `NNNN-slug.md`
fn well_named(name: &str) -> bool {
    let Some((number, slug)) = name.strip_suffix(".md").and_then(|name| name.split_once('-')) else {
        return false;
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    number.len() == 4
        && number.chars().all(|c| c.is_ascii_digit())
        && !slug.is_empty()
        && slug.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{PAGES, check};

    const DECISION: &str = "# 1. A store\n\n## Context\n\n## Decision\n\n## Consequences\n";

    fn found(decisions: &[(&str, &str)]) -> Vec<String> {
        let pages = PAGES.map(|page| (page, "# It\n"));
        check(&Tree::of(&[&pages, decisions].concat())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_missing_page_is_found() {
        let missing = check(&Tree::of(&[("README.md", "# It\n")]));
        let paths: Vec<&str> = missing.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]);
    }

    #[test]
    fn a_decision_in_its_form_passes() {
        assert_eq!(found(&[("docs/adr/0001-a-store.md", DECISION)]), [""; 0]);
    }

    #[test]
    fn a_decision_without_its_form_is_found() {
        for name in ["1-a-store.md", "0001.md", "0001-A_store.md", "0001-a-store.txt"] {
            assert_eq!(found(&[(&format!("docs/adr/{name}"), DECISION)]).len(), 1, "{name}");
        }
        assert_eq!(found(&[("docs/adr/0001-a-store.md", "# A store\n\n## Context\n\nDecision\n")]).len(), 2);
    }

    #[test]
    fn two_decisions_with_one_number_are_found() {
        let found = found(&[("docs/adr/0001-a.md", DECISION), ("docs/adr/0001-b.md", DECISION)]);
        assert!(found.len() == 1 && found[0].contains("the number of docs/adr/0001-a.md"), "{found:?}");
    }
}
