//! Every module says what it is for before anything else.

use super::Violation;
use super::tree::Tree;

const RULE: &str = "module-docs";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let silent = |path: &str| {
        Violation::new(
            path,
            1,
            RULE,
            "begins without `//!`; say what the module is for and what it leaves out",
        )
    };
    tree.rust()
        .filter(|(file, _)| file.is_src() && !file.text.starts_with("//!"))
        .map(|(file, _)| silent(&file.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::check;

    #[test]
    fn a_module_without_docs_is_found() {
        let found = check(&Tree::of(&[("crates/bus/src/lib.rs", "use std::fmt;\n//! Late.\n")]));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("crates/bus/src/lib.rs", 1));
    }

    #[test]
    fn docs_first_pass_and_tests_need_none() {
        let tree = Tree::of(&[
            ("crates/stores/kv/src/lib.rs", "//! It.\n"),
            ("crates/bus/tests/a.rs", "fn f() {}\n"),
        ]);
        assert_eq!(check(&tree), []);
    }
}
