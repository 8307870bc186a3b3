//! `cargo xtask tidy` says where the tree breaks the project's own rules, one line for each place; `cargo xtask mutants`
//! takes safeguards out of a copy of the code and sees whether a test notices; `cargo xtask api` writes the documents of the
//! API anew, `docs/api`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use xtask::{mutants, tidy};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy(),
        ["mutants", ref words @ ..] => mutants(words),
        ["api"] => api(),
        _ => bail!("usage: cargo xtask tidy | mutants [part of a name]... | api"),
    }
}

/// The Gateway knows what it serves. It is a program of its own that asks it, so that the rules need no building of it.
fn api() -> Result<ExitCode> {
    let mut write = Command::new("cargo");
    write.args(["run", "--quiet", "-p", "gateway", "--example", "api_documents"]).current_dir(root()?);
    let status = write.status().context("cargo does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tidy() -> Result<ExitCode> {
    let violations = tidy::check(root()?)?;
    let mut out = std::io::stdout().lock();
    for violation in &violations {
        writeln!(out, "{violation}")?;
    }
    if violations.is_empty() {
        writeln!(out, "tidy: nothing to mend")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "tidy: {} to mend", violations.len())?;
    Ok(ExitCode::FAILURE)
}

fn mutants(words: &[&str]) -> Result<ExitCode> {
    if mutants::run(root()?, words)? {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        std::io::stderr(),
        "a safeguard can be taken out and no test notices: write the test that does"
    )?;
    Ok(ExitCode::FAILURE)
}

fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")
}
