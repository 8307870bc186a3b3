//! `cargo xtask mutants`: takes one safeguard after the other out of the code, and sees whether a test notices.
//!
//! Each mutation of the [`list`] is made in a copy of the tree ([`copy`]). First every test that is to notice something has
//! to pass on the copy as it is. Then, for each mutation, the copy is changed, built, tested, and put back. A mutation is
//! caught only if it builds, and the test that is named for it is run and fails; one that does not build, or whose text is
//! not in its file exactly once, says nothing, and is an error, as is a run that ends before its test does.
//!
//! Deliberately absent: mutations that a machine thinks of. These are the safeguards that the laws rest on, each by name.

mod check;
mod copy;
mod list;

use std::fmt;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use check::{Check, Verdict};
use copy::Copy;
pub use list::MUTATIONS;

/// One safeguard, and how to take it out.
#[derive(Debug, Clone, Copy)]
pub struct Mutation {
    /// What is taken out.
    pub name: &'static str,
    /// From the root of the repository, with `/`.
    pub file: &'static str,
    /// Is in the file exactly once.
    pub old: &'static str,
    /// Stands there instead.
    pub new: &'static str,
    /// The test that must fail.
    pub caught_by: Check,
}

impl Mutation {
    /// The text of its file with the safeguard taken out.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or holds the text not at all or more than once: the code moved on, and the mutation
    /// has to be written anew.
    pub fn of(&self, root: &Path) -> Result<String> {
        let text = std::fs::read_to_string(root.join(self.file))
            .with_context(|| format!("{self}: {}", self.file))?;
        let found = text.matches(self.old).count();
        ensure!(
            found == 1,
            "{self}: its text is in {} {found} times, not once; write the mutation anew:\n{}",
            self.file,
            self.old
        );
        Ok(text.replacen(self.old, self.new, 1))
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Makes the mutations whose names contain one of these words, or all, and prints a table. True if all were caught.
///
/// # Errors
///
/// When a mutation does not fit the code or does not build, or a test fails without one.
pub fn run(root: &Path, words: &[&str]) -> Result<bool> {
    let asked =
        |mutation: &&Mutation| words.is_empty() || words.iter().any(|word| mutation.name.contains(word));
    let mutations: Vec<&Mutation> = MUTATIONS.iter().filter(asked).collect();
    ensure!(!mutations.is_empty(), "no mutation is named so; there are: {}", names());
    let copy = Copy::of(root)?;
    for mutation in &mutations {
        mutation.of(copy.tree())?;
    }
    let mut out = std::io::stdout().lock();
    for check in checks(&mutations) {
        writeln!(out, "without a mutation: {check}")?;
        copy.builds(check)?;
        let passed = copy.runs(check)? == Verdict::Passed;
        ensure!(passed, "`{check}` fails without a mutation, so that it says nothing");
    }
    let mut results = vec![];
    for mutation in &mutations {
        writeln!(out, "{mutation}: {}", mutation.caught_by)?;
        results.push((mutation.name, caught(&copy, mutation)?));
    }
    writeln!(out, "\n{:<64} caught", "taken out")?;
    for (name, caught) in &results {
        writeln!(out, "{name:<64} {}", if *caught { "yes" } else { "NO" })?;
    }
    Ok(results.iter().all(|(_, caught)| *caught))
}

fn names() -> String {
    MUTATIONS.iter().map(|mutation| mutation.name).collect::<Vec<_>>().join("; ")
}

/// The tests of these mutations, each once.
fn checks(mutations: &[&Mutation]) -> Vec<Check> {
    let mut checks: Vec<Check> = mutations.iter().map(|mutation| mutation.caught_by).collect();
    checks.sort_unstable();
    checks.dedup();
    checks
}

/// Whether the test fails with the mutation. The copy is put back, whatever comes of it.
fn caught(copy: &Copy, mutation: &Mutation) -> Result<bool> {
    let original = std::fs::read_to_string(copy.tree().join(mutation.file))?;
    copy.write(mutation.file, &mutation.of(copy.tree())?)?;
    let verdict = copy.builds(mutation.caught_by).and_then(|()| copy.runs(mutation.caught_by));
    copy.write(mutation.file, &original)?;
    let verdict =
        verdict.with_context(|| format!("{mutation}: no test was asked; write the mutation anew"))?;
    Ok(verdict == Verdict::Failed)
}
