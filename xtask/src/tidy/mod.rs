//! The project's own rules, each in a file of its own with tests that show it failing and passing.
//!
//! Deliberately absent: what `rustfmt`, `clippy` and `cargo deny` already say.

mod calls;
mod dependencies;
mod documents;
mod file_length;
mod map;
mod module_docs;
mod patterns;
mod places;
mod provenance;
mod source;
mod tree;

use std::fmt;
use std::path::Path;

use anyhow::Result;

use tree::Tree;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// From the root of the repository, with `/`.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong, and what to do instead.
    pub what: String,
}

impl Violation {
    fn new(path: &str, line: usize, rule: &'static str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}

/// Every violation in the repository at `root`, in the order of its files.
///
/// # Errors
///
/// When the files of the repository, or what cargo knows of it, cannot be read.
pub fn check(root: &Path) -> Result<Vec<Violation>> {
    let tree = Tree::read(root)?;
    let mut violations = Vec::new();
    violations.extend(module_docs::check(&tree));
    violations.extend(file_length::check(&tree));
    violations.extend(patterns::check(&tree));
    violations.extend(calls::check(&tree));
    violations.extend(provenance::check(&tree));
    violations.extend(places::check(&tree));
    violations.extend(documents::check(&tree));
    violations.extend(dependencies::check(&dependencies::read(root)?));
    violations.sort();
    violations.dedup();
    Ok(violations)
}
